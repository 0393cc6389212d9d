"""A Bitcoin chain for one: regtest rules, real headers, in one SQLite file (bitcoin spec §5).

Every command is one SQL transaction, so a kill leaves the state before it or after it. The same
clock, seed and commands give the same hashes (R35).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final, Self

from sqlalchemy import Connection, Engine, select

from lodestamp.core.bitcoin import REGTEST, Block, ChainEntry, NetworkParams, Transaction
from lodestamp.errors import UsageError
from lodestamp.node.chains.genesis import genesis_block
from lodestamp.node.chains.simulator.chainstate import Status
from lodestamp.node.chains.simulator.mempool import Mempool, Waiting
from lodestamp.node.chains.simulator.session import DEPLOYMENTS, Clock, Session, refuse
from lodestamp.node.chains.simulator.tables import MEMPOOL, META, open_engine
from lodestamp.node.chains.values import BlockRef
from lodestamp.node.storage import store_failures

MINE_MAX: Final = 10_000
"""Blocks of one command, which is one SQL transaction."""


class Simulator:
    """The chain and its commands; safe to share among threads and processes."""

    def __init__(self, engine: Engine, clock: Clock, miner_script: bytes) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = RLock()
        self._cache: tuple[str, Mempool] | None = None
        self._entries: dict[bytes, ChainEntry] = {}
        self.miner_script = miner_script
        with self.command("opening the simulator") as session:
            if not session.meta.get("genesis"):
                session.set_meta("genesis", REGTEST.genesis.hash_display)
                session.chain.add_genesis(genesis_block(REGTEST))

    @classmethod
    def open(cls, path: Path | None, clock: Clock, miner_script: bytes) -> Self:
        """Open the simulator's file, made on first use; in memory without a path."""
        with store_failures(f"opening {path or 'the simulator'}"):
            return cls(open_engine(path), clock, miner_script)

    @property
    def network(self) -> NetworkParams:
        """Regtest: the simulator has its genesis block and its forms."""
        return REGTEST

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    @contextmanager
    def command(self, doing: str) -> Iterator[Session]:
        """Run one command in one SQL transaction; whatever it raises undoes all of it."""
        with self._lock, store_failures(doing), self._engine.connect() as connection:
            with connection.begin():
                cached, self._cache = self._cache, None  # a failure below must not keep it
                session = self._session(connection, cached)
                after = str(int(session.meta.get("generation", "0")) + 1)
                yield session
                session.set_meta("generation", after)
            self._cache = after, session.mempool

    @contextmanager
    def reading(self, doing: str) -> Iterator[Session]:
        """Look without changing anything."""
        with (
            self._lock,
            store_failures(doing),
            self._engine.connect() as connection,
            connection.begin(),
        ):
            session = self._session(connection, self._cache)
            self._cache = session.meta.get("generation", "0"), session.mempool
            yield session

    def _session(self, connection: Connection, cached: tuple[str, Mempool] | None) -> Session:
        query = select(META.c.value).where(META.c.key == "generation")
        generation = connection.execute(query).scalar() or "0"
        if cached is not None and cached[0] == generation:
            return Session(connection, cached[1], self._clock, self._entries)
        rows = connection.execute(select(MEMPOOL))
        entries = [
            Waiting(Transaction.decode(row.raw), row.txid, row.fee, row.vsize, row.added)
            for row in rows
        ]
        return Session(connection, Mempool(entries), self._clock, self._entries)

    # Commands

    def send(self, tx: Transaction) -> bytes:
        """Take a transaction into the mempool; ChainRejected with Core's reason."""
        with self.command("sending a transaction") as session:
            refuse(session.admit(tx))
        return tx.txid

    def mine(self, count: int, script: bytes | None = None) -> tuple[bytes, ...]:
        """Mine blocks with what waits; UsageError unless 0 <= count <= `MINE_MAX`."""
        if not 0 <= count <= MINE_MAX:
            raise UsageError(f"one command mines up to {MINE_MAX:,} blocks, not {count:,}")
        hashes = []
        with self.command("mining") as session:
            for _ in range(count):
                txs, fees = session.block_template()
                tip = session.chain.tip()
                block = session.mine_on(tip, script or self.miner_script, txs, fees)
                refuse(session.submit(block))
                hashes.append(block.hash)
        return tuple(hashes)

    def mine_with(self, txs: Sequence[Transaction], script: bytes | None = None) -> bytes:
        """Mine one block of exactly these transactions; ChainRejected with Core's reason."""
        with self.command("mining a block") as session:
            tip = session.chain.tip()
            block = session.mine_on(tip, script or self.miner_script, txs, 0)
            refuse(session.submit(block))
        return block.hash

    def submit(self, block: Block) -> None:
        """Hand in a block of any branch; ChainRejected, and then nothing of it is kept."""
        with self.command("submitting a block") as session:
            refuse(session.submit(block))

    def invalidate(self, block_hash: bytes) -> None:
        """Treat a block, and all upon it, as invalid; UsageError for the genesis block."""
        with self.command("invalidating a block") as session:
            if not session.chain.row(block_hash).height:
                raise UsageError("the genesis block is what every chain begins with")
            session.chain.mark_invalid(block_hash, Status.INVALIDATED)
            session.activate()

    def reconsider(self, block_hash: bytes) -> None:
        """Let a block stand again, with all before and upon it."""
        with self.command("reconsidering a block") as session:
            session.chain.clear_invalid(block_hash)
            session.activate()

    def reorg(self, depth: int, replace_with: int | None = None) -> tuple[bytes, ...]:
        """Replace the last `depth` blocks by others without transactions; one more by default.

        What the old ones held waits again. With no more blocks than before, every heavier branch is
        marked invalid, as nothing else would make a chain of less work win. Returns the new hashes.
        """
        count = depth + 1 if replace_with is None else replace_with
        if not 0 <= count <= MINE_MAX:
            raise UsageError(f"one command mines up to {MINE_MAX:,} blocks, not {count:,}")
        hashes = []
        with self.command("reorganising") as session:
            tip = session.chain.tip()
            if not 0 < depth <= tip.height:
                raise UsageError(f"a chain of height {tip.height} cannot lose {depth} blocks")
            fork = session.chain.hash_at(tip.height - depth)
            if count <= depth:
                _cut_back(session, fork)
            parent = BlockRef(tip.height - depth, fork)
            for _ in range(count):
                block = session.mine_on(parent, self.miner_script, (), 0)
                refuse(session.submit(block))
                parent = BlockRef(parent.height + 1, block.hash)
                hashes.append(block.hash)
        return tuple(hashes)

    def set_mock_time(self, time: int) -> None:
        """Let the clock stand still at a Unix second; 0 lets it run again."""
        if not 0 <= time < 1 << 32:
            raise UsageError("mock time is a Unix second of 32 bits")
        with self.command("setting the time") as session:
            session.set_meta("mocktime", str(time))

    def set_deployment(self, name: str, *, active: bool) -> None:
        """Switch a soft fork of `DEPLOYMENTS` on or off, for an empty chain only."""
        if name not in DEPLOYMENTS:
            raise UsageError(f"there is no deployment {name[:40]!r} to switch")
        with self.command("switching a deployment") as session:
            if session.deployments[name] != active and session.chain.tip().height:
                raise UsageError("a chain that has blocks keeps its rules; take a new file")
            session.set_meta(name, "1" if active else "0")


def _cut_back(session: Session, block_hash: bytes) -> None:
    """Invalidate whatever keeps this block from being the tip."""
    chain = session.chain
    while chain.tip().hash != block_hash:
        shared = chain.row(block_hash)
        while not chain.is_active(shared.hash):
            shared = chain.row(shared.prev)
        stray = chain.hash_at(shared.height + 1)
        chain.mark_invalid(stray, Status.INVALIDATED)
        session.activate()
