"""The anchorer of a home: its key, its settings, and the chain that a URL names."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from lodestamp.core.bitcoin import COINBASE_MATURITY, NetworkParams
from lodestamp.errors import LodestampError, StoreError
from lodestamp.node.anchors.bitcoin.anchorer import POLL_S, AnchorEvent, BitcoinAnchorer
from lodestamp.node.anchors.bitcoin.building import CHAINED_VSIZE, ChainedBuilder
from lodestamp.node.anchors.bitcoin.cycle import CONFIRMATIONS, MIN_INTERVAL_MS, Terms
from lodestamp.node.anchors.bitcoin.fees import FEE_MAX, FEE_RATE_MAX, FeeTerms
from lodestamp.node.anchors.bitcoin.headers import HeaderStore
from lodestamp.node.anchors.bitcoin.transaction import ANCHOR_VSIZE
from lodestamp.node.chains import (
    ChainSource,
    FileSigner,
    SimulatedChain,
    make_key_file,
    open_source,
)
from lodestamp.node.clock import now_ms, now_s
from lodestamp.node.storage import Database

KEY_NAME: Final = "anchor.key"
LOCK_NAME: Final = "anchor.lock"
SIMULATED_COINS: Final = 4
"""Coins a simulator's key begins with: a chain of anchors needs two, and one for its fee."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operator's settings; None stands for the default (see ``[anchor]`` in config.toml)."""

    is_chained: bool = False
    confirmations: int | None = None
    min_interval_s: int | None = None
    fee_rate_max: int | None = None
    fee_max: int | None = None
    birthday: int | None = None

    def terms(self, net: NetworkParams) -> Terms:
        """Return the terms on a network; on regtest the next anchor follows at once (R60)."""
        interval = 0 if net.name == "regtest" else MIN_INTERVAL_MS
        return Terms(
            FeeTerms(
                vsize=CHAINED_VSIZE if self.is_chained else ANCHOR_VSIZE,
                rate_max=FEE_RATE_MAX if self.fee_rate_max is None else 1000 * self.fee_rate_max,
                fee_max=FEE_MAX if self.fee_max is None else self.fee_max,
            ),
            confirmations=CONFIRMATIONS if self.confirmations is None else self.confirmations,
            interval_ms=interval if self.min_interval_s is None else 1000 * self.min_interval_s,
            is_replaceable=not self.is_chained,
        )


class Anchors:
    """An anchorer with all it stands on; close it, or use it as a context manager."""

    def __init__(self, anchorer: BitcoinAnchorer, source: ChainSource, stack: ExitStack) -> None:
        self.anchorer = anchorer
        self.source = source
        self._stack = stack

    def mine(self, count: int = 1) -> bool:
        """Mine on the simulator, which has no miner but us; False on any other chain."""
        if not isinstance(self.source, SimulatedChain):
            return False
        self.source.mine(count, self.source.simulator.miner_script)
        return True

    @contextmanager
    def running(
        self, warn: Callable[[LodestampError], None], *, poll_s: float = POLL_S
    ) -> Iterator[None]:
        """Look again and again in a thread of its own, as long as the block lasts.

        What goes wrong is told to `warn`, and tried again.
        """
        stop = Event()
        options = {"poll_s": poll_s, "warn": warn}
        looking = self.anchorer.run
        thread = Thread(target=looking, args=[stop], kwargs=options, name="anchorer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def close(self) -> None:
        """Release the chain."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_anchors(
    home: Path,
    database: Database,
    *,
    origin: str,
    wanted: Wanted,
    chain: str = "sim:",
    emit: Callable[[AnchorEvent], None] | None = None,
) -> Anchors:
    """Open the anchorer of a home on the chain of a URL.

    The key is ``keys/anchor.key``, made on first use: one line that any wallet sweeps as
    ``tr(WIF)``. The simulator's key gets coins when it has none. CovenantsNotActive for a chained
    anchorer where OP_CAT is not active; WrongNetwork where the home's headers are of another
    network; errors as `open_source` and `FileSigner`.
    """
    with ExitStack() as stack:
        source = open_source(chain, folder=home / "chain", clock=now_s)
        stack.callback(source.close)
        path = home / "keys" / KEY_NAME
        if not path.exists():
            make_key_file(path, source.network)
        signer = FileSigner(path, source.network)
        anchorer = BitcoinAnchorer(
            database,
            source,
            signer,
            HeaderStore(database, source.network),
            wanted.terms(source.network),
            chained=ChainedBuilder(source, signer, origin) if wanted.is_chained else None,
            birthday=wanted.birthday,
            clock=now_ms,
            lock=lambda: _locked(home / LOCK_NAME),
            emit=emit,
        )
        if isinstance(source, SimulatedChain) and not source.utxos_of(anchorer.script):
            source.mine(SIMULATED_COINS, anchorer.script)
            source.mine(COINBASE_MATURITY, source.simulator.miner_script)
        return Anchors(anchorer, source, stack.pop_all())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file alone, so that one process at a time decides about anchors."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", code="io") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
