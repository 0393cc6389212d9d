"""An anchorer over a simulated chain, and what its tests ask of it."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sqlalchemy import select

from chains import OTHER, SIGNER, START, Clock
from lodestamp.core.bitcoin import OutPoint, Transaction
from lodestamp.core.merkle import leaf_hash, leaf_hashes
from lodestamp.core.merkle import root as root_of
from lodestamp.core.timestamps import BitcoinHeader, encode_path, replay_timestamp
from lodestamp.node.anchors.bitcoin import (
    AnchorEvent,
    BitcoinAnchorer,
    ChainedBuilder,
    FeeTerms,
    HeaderStore,
    State,
    Terms,
)
from lodestamp.node.anchors.tables import commitments, cycles, transactions
from lodestamp.node.chains import SimulatedChain, Simulator
from lodestamp.node.storage import Database

TERMS = Terms(FeeTerms(), interval_ms=0)
"""Regtest's: the next cycle begins at once."""


def commitment(number: int) -> bytes:
    """The 44 bytes of a calendar's commitment."""
    return hashlib.sha512(number.to_bytes(8)).digest()[:44]


@dataclass
class World:
    """A home's anchorer and the chain it looks at."""

    database: Database
    source: SimulatedChain
    clock: Clock
    anchorer: BitcoinAnchorer
    headers: HeaderStore
    told: list[AnchorEvent] = field(default_factory=list)

    @property
    def simulator(self) -> Simulator:
        """The chain's commands."""
        return self.source.simulator

    def restart(self, **options) -> None:
        """Take a new anchorer over the same database."""
        self.anchorer = anchorer_over(self.database, self.source, self.clock, self.told, **options)

    def fund(self, count: int = 1) -> None:
        """Mine coins to the anchor's key and let them mature; later blocks pay somebody else."""
        self.source.mine(count, self.anchorer.script)
        self.source.mine(100, OTHER)

    def wait_for(self, *numbers: int) -> None:
        """Let commitments wait."""
        for number in numbers:
            assert self.anchorer.submit(commitment(number))

    def mine(self, count: int = 1) -> None:
        """Mine what waits, looking after each block."""
        for _ in range(count):
            self.source.mine(1, OTHER)
            self.anchorer.poll()

    def mine_empty(self, count: int = 1) -> None:
        """Mine blocks that take nothing, looking after each."""
        for _ in range(count):
            self.source.mine_with([], OTHER)
            self.anchorer.poll()

    def cycles(self):
        """The rows of all cycles, oldest first."""
        with self.database.reading("testing") as connection:
            return connection.execute(select(cycles).order_by(cycles.c.id)).all()

    def versions(self):
        """The stored transactions, oldest first."""
        query = select(transactions).order_by(transactions.c.cycle, transactions.c.number)
        with self.database.reading("testing") as connection:
            return connection.execute(query).all()

    def commitments(self):
        """The rows of the journal."""
        with self.database.reading("testing") as connection:
            return connection.execute(select(commitments).order_by(commitments.c.id)).all()

    def states(self) -> list[str]:
        """The states of all cycles, oldest first."""
        return [row.state for row in self.cycles()]

    def waiting_fee(self, txid: bytes) -> int:
        """The fee of a transaction in the mempool."""
        with self.simulator.reading("testing") as session:
            return session.mempool.get(txid).fee

    def assert_final(self, *numbers: int) -> None:
        """Each commitment leads, by the operations of its one final cycle, into a block."""
        rows = {row.commitment: row for row in self.commitments()}
        by_number = {row.id: row for row in self.cycles()}
        for number in numbers:
            row = rows[commitment(number)]
            cycle = by_number[row.cycle]
            assert (cycle.state, row.leaf < cycle.count) == (State.FINAL, True), (number, cycle)
            self.assert_replays(cycle, row)

    def assert_replays(self, cycle, row) -> None:
        """The operations of a cycle lead from its tip to the root of its header."""
        tree = [
            each.commitment
            for each in sorted(self.commitments(), key=lambda each: each.leaf or 0)
            if each.cycle == cycle.id and each.leaf < cycle.count
        ]
        assert root_of(leaf_hashes(tree)) == cycle.tip
        assert leaf_hash(tree[row.leaf]) == leaf_hash(row.commitment)
        header = self.source.header(cycle.block_hash)
        encoded = cycle.ops + encode_path((), BitcoinHeader(cycle.height))
        ((message, _, _),) = replay_timestamp(encoded, cycle.tip)
        assert message == header.merkle
        assert self.headers.hash_at(cycle.height) == header.hash

    def spent_by_anchors(self) -> dict[int, set[OutPoint]]:
        """The coins that the versions of each cycle spend."""
        found: dict[int, set[OutPoint]] = {}
        for row in self.versions():
            inputs = Transaction.decode(row.raw).inputs
            found.setdefault(row.cycle, set()).update(each.prevout for each in inputs)
        return found


def anchorer_over(database, source, clock, told, *, terms=TERMS, chained=None, **options):
    """An anchorer with the test's key."""
    headers = HeaderStore(database, source.network, clock=lambda: clock() + 10**6)
    builder = ChainedBuilder(source, SIGNER, chained) if chained else None
    return BitcoinAnchorer(
        database,
        source,
        SIGNER,
        headers,
        terms,
        chained=builder,
        clock=lambda: clock() * 1_000,
        emit=told.append,
        **options,
    )


@cache
def _funded(coins: int) -> Simulator:
    made = Simulator.open(None, Clock(START), OTHER)
    made.mine(coins, b"\x51\x20" + SIGNER.output_key())
    made.mine(100, OTHER)
    return made


def make_world(
    folder: Path, simulated: Simulator | None = None, *, coins: int = 0, **options
) -> World:
    """A database in a folder, and a simulator in memory unless one is given.

    With `coins` the chain is copied from one where the key has so many mature ones.
    """
    clock = Clock(START)
    source = SimulatedChain(simulated or Simulator.open(None, clock, OTHER))
    if coins:
        pairs = (each._engine.raw_connection() for each in (_funded(coins), source.simulator))
        with contextlib.ExitStack() as stack:
            template, made = (stack.enter_context(contextlib.closing(each)) for each in pairs)
            template.driver_connection.backup(made.driver_connection)
    database = Database.open(folder / "anchors.db")
    told: list[AnchorEvent] = []
    anchorer = anchorer_over(database, source, clock, told, **options)
    headers = HeaderStore(database, source.network)
    return World(database, source, clock, anchorer, headers, told)
