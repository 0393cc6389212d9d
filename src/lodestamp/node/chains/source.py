"""One interface to a Bitcoin chain, whoever serves it (bitcoin spec §5).

Calls block; run them in worker threads. Hashes are in internal byte order, amounts satoshis, fee
rates satoshis per 1,000 virtual bytes. Every answer has been checked by our own code (R30).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from threading import Event
from typing import Protocol

from lodestamp.core.bitcoin import (
    BlockHeader,
    NetworkParams,
    OutPoint,
    Transaction,
    TxInclusion,
    TxOut,
)
from lodestamp.errors import CovenantsNotActive
from lodestamp.node.chains.values import (
    Acceptance,
    BlockRecord,
    BlockRef,
    Capabilities,
    ChainEvent,
    Unspent,
)


class ChainSource(Protocol):
    """A chain that can be read, written to and watched.

    What a backend lacks raises ChainUnsupported; what it does not have, ChainNotFound.
    """

    @property
    def network(self) -> NetworkParams:
        """The network it is on; its genesis block was compared when it was opened."""
        ...

    def capabilities(self) -> Capabilities:
        """Return what this backend can do, and which soft forks are active there."""
        ...

    def tip(self) -> BlockRef:
        """Return the last block of the best chain."""
        ...

    def block_hash(self, height: int) -> bytes | None:
        """Return the hash of the best chain's block at a height; None above the tip."""
        ...

    def header(self, block_hash: bytes) -> BlockHeader:
        """Return the header of any known block."""
        ...

    def headers(self, start: int, count: int) -> tuple[BlockHeader, ...]:
        """Up to `count` linked headers of the best chain from height `start` on."""
        ...

    def block(self, block_hash: bytes, *, prevouts: bool = False) -> BlockRecord:
        """Return a known block; with `prevouts` also the outputs it spends."""
        ...

    def raw_block(self, block_hash: bytes) -> bytes:
        """Return the bytes of a known block, checked against its hash."""
        ...

    def raw_blocks(self, start: int, stop: int) -> Iterator[tuple[BlockRef, bytes]]:
        """Return the best chain's blocks from height `start` to before `stop`, in order."""
        ...

    def transaction(
        self, txid: bytes, *, block: bytes | None = None, near: int | None = None
    ) -> Transaction:
        """Return a transaction, of `block` where that is known; `near`, a height, is a hint."""
        ...

    def prevouts(self, block_hash: bytes, tx_index: int) -> tuple[TxOut, ...]:
        """Return the outputs that a transaction of a block spends, in input order."""
        ...

    def utxo(self, outpoint: OutPoint) -> Unspent | None:
        """Return the coin at an outpoint; None when spent or unknown."""
        ...

    def utxos_of(self, script: bytes) -> tuple[Unspent, ...]:
        """Every confirmed coin of an output script, by outpoint."""
        ...

    def test_accept(self, tx: Transaction) -> Acceptance:
        """Whether the mempool would take the transaction."""
        ...

    def broadcast(self, tx: Transaction) -> bytes:
        """Hand in a transaction and return its id; ChainRejected. Known already is no error."""
        ...

    def inclusion(self, txid: bytes, block: bytes) -> TxInclusion:
        """Return the proof that a block holds a transaction, checked."""
        ...

    def fee_rate(self, target_blocks: int) -> int:
        """Satoshis per 1,000 vB to be mined within some blocks."""
        ...

    def watch(self, since: BlockRef, stop: Event) -> Iterator[ChainEvent]:
        """Yield what changes after `since`: blocks that leave, newest first; then new ones."""
        ...

    def mine(self, count: int, script: bytes) -> tuple[bytes, ...]:
        """Mine blocks with what waits, paying `script`; regtest only."""
        ...

    def mine_with(self, txs: Sequence[Transaction], script: bytes) -> bytes:
        """Mine one block of exactly these transactions; regtest only."""
        ...

    def invalidate(self, block_hash: bytes) -> None:
        """Treat a block, and all upon it, as invalid."""
        ...

    def reconsider(self, block_hash: bytes) -> None:
        """Take back what `invalidate` said."""
        ...

    def close(self) -> None:
        """Release connections and files."""
        ...


COVENANT_DEPLOYMENTS = frozenset({"opcat", "checktemplateverify"})
"""The soft forks on which covenants stand (BIP-347, BIP-119)."""
_NEVER = frozenset({"main", "test", "testnet4"})


def require_active(source: ChainSource, deployments: Collection[str]) -> None:
    """Refuse to go on unless the chain enforces these soft forks (R21, DESIGN D10).

    CovenantsNotActive names what is missing; on main, test and testnet4 always.
    """
    if source.network.name in _NEVER:
        message = f"covenants bind nothing on {source.network}: anyone could spend the coin"
        hint = "use regtest, the simulator, or an Inquisition signet"
        raise CovenantsNotActive(message, hint=hint)
    active = source.capabilities().deployments
    missing = sorted(name for name in deployments if active.get(name) is not True)
    if missing or not deployments:
        named = ", ".join(missing) or "no deployment was named"
        raise CovenantsNotActive(f"not active on this chain: {named}")
