"""Flows of a home: its store, its blocks, and the chain a URL names."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from lodestamp.core.bitcoin import COINBASE_MATURITY
from lodestamp.errors import WrongNetwork
from lodestamp.node.blocks import BlockStore
from lodestamp.node.chains import (
    BitcoinSigner,
    ChainSource,
    FileSigner,
    SimulatedChain,
    make_key_file,
    open_source,
)
from lodestamp.node.flows.chain_work import ChainWork
from lodestamp.node.flows.clocks import Surroundings
from lodestamp.node.flows.orchestrator import DataFlowOrchestrator
from lodestamp.node.flows.runner import OPCATDataFlowProcessor
from lodestamp.node.flows.store import FlowStore
from lodestamp.node.presence import OWNER_LENGTH, Presence
from lodestamp.node.storage import Database

KEY_NAME = "bitcoin.key"
_SPARE_COINS = 16
"""Coins a simulator's key begins with, so that eight flows find one each."""
_P2TR = b"\x51\x20"


class Flows:
    """An orchestrator with all it stands on; close it, or use it as a context manager."""

    def __init__(self, orchestrator: DataFlowOrchestrator, stack: ExitStack) -> None:
        self.orchestrator = orchestrator
        self.store = orchestrator.processor.store
        self._stack = stack

    def close(self) -> None:
        """Release runner and chain."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_flows(
    home: Path,
    database: Database,
    blocks: BlockStore,
    *,
    chain: str | None = "sim:",
    network: str | None = None,
    surroundings: Surroundings | None = None,
) -> Flows:
    """Open the flows of a home against the chain that `chain` names, None for none.

    The key is ``keys/bitcoin.key``, made on first use. The simulator has no miner but us: it gets a
    block whenever a flow waits for one, and coins when the key has none. WrongNetwork when the
    chain is not on `network`; errors as `open_source` and `FileSigner`.
    """
    around = surroundings or Surroundings()
    with ExitStack() as stack:
        owner = around.randomness(OWNER_LENGTH // 2).hex()
        presence = stack.enter_context(Presence(home / "flows", owner))
        store = FlowStore(database, around.clock, presence)
        work = None
        if chain is not None:
            source = open_source(
                chain, folder=home / "chain", clock=lambda: around.clock() // 1_000_000
            )
            stack.callback(source.close)
            if network is not None and source.network.name != network:
                raise WrongNetwork(f"the chain is {source.network}, not {network}")
            work = chain_work(source, _signer(home, source), store, blocks)
        runner = OPCATDataFlowProcessor(store, blocks, work, around)
        stack.callback(runner.close)
        return Flows(DataFlowOrchestrator(runner), stack.pop_all())


def chain_work(
    source: ChainSource, signer: BitcoinSigner, store: FlowStore, blocks: BlockStore
) -> ChainWork:
    """Return the work on a chain; on the simulator with a miner, and coins to begin with."""
    if not isinstance(source, SimulatedChain):
        return ChainWork(source, signer, store, blocks.get)
    script = _P2TR + signer.output_key()
    if not source.utxos_of(script):
        source.mine(COINBASE_MATURITY + _SPARE_COINS, script)
    return ChainWork(source, signer, store, blocks.get, lambda: source.mine(1, script))


def _signer(home: Path, source: ChainSource) -> FileSigner:
    path = home / "keys" / KEY_NAME
    if not path.exists():
        make_key_file(path, source.network)
    return FileSigner(path, source.network)
