"""Where the ledger finalised operations: noted once, never changed (operations spec N7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, insert, select

from lodestamp.core.operations import Placed, Position
from lodestamp.errors import RecordError, UsageError
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.log import read_head
from lodestamp.node.storage import Database

_ROWS_WRITTEN: Final = 20_000
"""Positions that are in memory at once: one checkpoint may finalise a whole log."""


def place(database: Database, runs: Iterable[Placed]) -> int:
    """Note the positions of runs of operations; return how many had none before.

    All of them or none. An operation may be given its position again, and no other: RecordError
    ``position-changed``. UsageError for a leaf the log does not hold, or a number below 0.
    """
    with database.writing("noting positions") as connection:
        size = read_head(connection).size
        return sum(_place(connection, run, size) for run in runs)


def _place(connection: Connection, run: Placed, size: int) -> int:
    if run.length < 0 or min(run.first, *run.position) < 0 or run.first + run.length > size:
        raise UsageError(f"the log has {size:,} operations, not all those to be placed")
    added = 0
    column = tables.position.c
    for low in range(run.first, run.first + run.length, _ROWS_WRITTEN):
        high = min(low + _ROWS_WRITTEN, run.first + run.length)
        query = select(
            column.seq, column.height, column.tx_index, column.leaf_index, column.block_time
        ).where(column.seq.between(low, high - 1))
        noted = {seq: Position(*where) for seq, *where in connection.execute(query)}
        new = []
        for seq in range(low, high):
            position = run.position._replace(leaf_index=run.position.leaf_index + seq - run.first)
            before = noted.get(seq)
            if before is None:
                new.append({"seq": seq, **position._asdict()})
            elif before != position:
                raise RecordError(
                    f"operation {seq} was finalised at {tuple(before)}, not at {tuple(position)}",
                    code="position-changed",
                )
        if new:
            connection.execute(insert(tables.position), new)
        added += len(new)
    return added
