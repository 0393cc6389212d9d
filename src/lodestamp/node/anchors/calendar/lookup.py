"""What a calendar answers about a commitment: the way to a block, or why there is none yet (R45).

The way is the path in the tree of the cycle that took the commitment up (R57), the operations from
its tip to the Merkle root of a block, and the height of that block. It is given once the cycle is
final (R61).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from lodestamp.core.merkle import WholeTree, leaf_hashes
from lodestamp.core.timestamps import (
    LEAF_OPS,
    BitcoinHeader,
    encode_path,
    encode_timestamp,
    lead_to,
    parse_timestamp,
    path_ops,
)
from lodestamp.errors import InputError, LogCorrupt
from lodestamp.node.anchors.calendar.journal import count_waiting
from lodestamp.node.anchors.tables import commitments, cycles, headers
from lodestamp.node.storage import Database

NOT_FOUND: Final = "Not found"
PENDING: Final = "Pending confirmation in Bitcoin blockchain"
CONFIRMATIONS: Final = 6
"""Blocks, the first among them, after which a cycle is final unless it was set otherwise (R61)."""
TREES_KEPT_MAX: Final = 4
"""Trees of cycles kept in memory: the largest has 100,000 leaves and takes about 20 MB."""

_FINAL: Final = "final"
_MINED: Final = "mined"
_SENT: Final = "sent"


@dataclass(frozen=True, slots=True)
class Answer:
    """A bare timestamp of the commitment, or None and the reason why there is none yet."""

    timestamp: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a calendar stands; hashes in internal byte order, None where there is nothing yet."""

    pending_commitments: int
    txs_waiting_for_confirmation: int
    most_recent_tx: bytes | None
    tip: bytes | None
    best_block: bytes | None
    block_height: int | None


class Lookup:
    """Looks commitments up. Thread-safe."""

    def __init__(self, database: Database, confirmations: int = CONFIRMATIONS) -> None:
        self._database = database
        self._confirmations = confirmations
        self._lock = threading.Lock()
        self._trees: OrderedDict[tuple[int, bytes], WholeTree] = OrderedDict()

    def find(self, commitment: bytes) -> Answer:
        """Return the way from a commitment to a block, or the reason why it is not given.

        LogCorrupt when what is stored does not lead there.
        """
        query = (
            select(commitments.c.leaf, cycles)
            .outerjoin(cycles, cycles.c.id == commitments.c.cycle)
            .where(commitments.c.commitment == commitment)
        )
        with self._database.reading("looking a commitment up") as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return Answer(None, NOT_FOUND)
            if row.state == _FINAL and row.leaf < row.count:
                return Answer(self._way(connection, commitment, row))
            if row.state == _MINED:
                return Answer(None, self._waits_for(connection, row))
        return Answer(None, PENDING)

    def tip(self) -> bytes | None:
        """Return the 32-byte tip that a transaction not yet in a block commits to, if any."""
        with self._database.reading("reading the calendar's tip") as connection:
            return _tip(connection)

    def standing(self) -> Standing:
        """Return how the calendar stands."""
        recent = (
            select(cycles.c.txid).where(cycles.c.txid.is_not(None)).order_by(cycles.c.id.desc())
        )
        unconfirmed = select(func.count()).where(cycles.c.state.in_((_SENT, _MINED)))
        best = select(headers.c.hash, headers.c.height).order_by(headers.c.height.desc())
        with self._database.reading("reading how the calendar stands") as connection:
            block = connection.execute(best.limit(1)).one_or_none()
            return Standing(
                pending_commitments=count_waiting(connection),
                txs_waiting_for_confirmation=connection.execute(unconfirmed).scalar_one(),
                most_recent_tx=connection.execute(recent.limit(1)).scalar(),
                tip=_tip(connection),
                best_block=None if block is None else block.hash,
                block_height=None if block is None else block.height,
            )

    def _waits_for(self, connection: Connection, cycle: Any) -> str:
        newest = connection.execute(select(func.max(headers.c.height))).scalar()
        confirmed = 1 if newest is None else max(1, newest - cycle.height + 1)
        left = max(1, self._confirmations - confirmed)
        txid = cycle.txid[::-1].hex()
        return f"Timestamped by transaction {txid}; waiting for {left} confirmations"

    def _way(self, connection: Connection, commitment: bytes, cycle: Any) -> bytes:
        try:
            ending = cycle.ops + encode_path((), BitcoinHeader(cycle.height))
            block = parse_timestamp(ending, cycle.tip, strict=True)
            path = self._tree(connection, cycle.id, cycle.tip, cycle.count).prove(cycle.leaf)
            return encode_timestamp(lead_to(commitment, [*LEAF_OPS, *path_ops(path)], block))
        except InputError as error:
            message = f"cycle {cycle.id} does not lead to its block: {error.message}"
            raise LogCorrupt(message, hint="`lodestamp fsck` looks closer") from error

    def _tree(self, connection: Connection, cycle: int, tip: bytes, count: int) -> WholeTree:
        """Return the tree of a cycle, the one most lately asked for from memory."""
        with self._lock:  # one builds it, the others wait for it
            tree = self._trees.pop((cycle, tip), None)
            if tree is None:
                tree = WholeTree(leaf_hashes(_members(connection, cycle, count)))
            self._trees[cycle, tip] = tree
            while len(self._trees) > TREES_KEPT_MAX:
                self._trees.popitem(last=False)
        return tree


def _tip(connection: Connection) -> bytes | None:
    query = select(cycles.c.tip).where(cycles.c.state == _SENT).order_by(cycles.c.id.desc())
    tip: bytes | None = connection.execute(query.limit(1)).scalar()
    return tip


def _members(connection: Connection, cycle: int, count: int) -> list[bytes]:
    query = (
        select(commitments.c.commitment)
        .where(commitments.c.cycle == cycle, commitments.c.leaf < count)
        .order_by(commitments.c.leaf)
    )
    return list(connection.execute(query).scalars())
