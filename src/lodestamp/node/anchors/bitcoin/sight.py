"""From stored rows to the view that `next_action` decides by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from lodestamp.core.bitcoin import COINBASE_MATURITY, OutPoint
from lodestamp.node.anchors.bitcoin.cycle import Cycle, Input, State
from lodestamp.node.anchors.bitcoin.rows import find_version
from lodestamp.node.anchors.bitcoin.transaction import PaidBy
from lodestamp.node.anchors.tables import blocks, coins, cycles
from lodestamp.node.chains import BlockRef

_UNMINED = frozenset({State.OPEN, State.SENT})


def held_blocks(connection: Connection, live: Iterable[Cycle]) -> Mapping[int, bytes]:
    """Return the hashes that the chain has, as far as it was read.

    Blocks below those that are kept are taken to stand: `ChainReader` refuses to go on where the
    chain changed below.
    """
    rows = connection.execute(select(blocks)).all()
    lowest = min(row.height for row in rows)
    older = {each.block.height: each.block.hash for each in live if each.block is not None}
    kept = {row.height: row.hash for row in rows}
    return {height: found for height, found in older.items() if height < lowest} | kept


def free_coins(
    connection: Connection, tip: BlockRef, promised: Collection[OutPoint]
) -> tuple[PaidBy, ...]:
    """Return coins that a block could take now and no cycle waits for, largest first."""
    found = [
        PaidBy(OutPoint(row.txid, row.vout), row.value)
        for row in connection.execute(select(coins).where(coins.c.spent_by.is_(None)))
        if row.height is not None
        and (not row.coinbase or tip.height + 1 - row.height >= COINBASE_MATURITY)
    ]
    free = [each for each in found if each.outpoint not in promised]
    return tuple(sorted(free, key=lambda each: (-each.value, each.outpoint)))


def look_at_inputs(
    connection: Connection, live: Sequence[Cycle], missing: Collection[OutPoint]
) -> tuple[dict[OutPoint, Input], dict[OutPoint, int]]:
    """Say of each coin that waiting versions spend how it stands, and what those there hold.

    `missing` are coins that the node said it does not have.
    """
    inputs: dict[OutPoint, Input] = {}
    values: dict[OutPoint, int] = {}
    waiting = [each for each in live if each.state in _UNMINED]
    for outpoint in {one for each in waiting for v in each.versions for one in v.inputs}:
        row = _coin(connection, outpoint)
        if row is not None and row.height is not None:
            inputs[outpoint] = Input.THERE if row.spent_by is None else Input.GONE
            values[outpoint] = row.value
        else:
            inputs[outpoint] = _unseen(connection, outpoint, missing)
    return inputs, values


def _coin(connection: Connection, outpoint: OutPoint) -> Any | None:
    query = select(coins).where(coins.c.txid == outpoint.txid, coins.c.vout == outpoint.vout)
    return connection.execute(query).first()


def _unseen(connection: Connection, outpoint: OutPoint, missing: Collection[OutPoint]) -> Input:
    """Say how a coin stands that no block gave our key: a covenant's, or one whose block left."""
    parent = find_version(connection, outpoint.txid)
    if parent is None:
        return Input.GONE if outpoint in missing else Input.AWAITED
    if parent.height is not None:
        return Input.GONE if outpoint in missing else Input.THERE
    query = select(cycles.c.state).where(cycles.c.id == parent.cycle)
    is_waiting = connection.execute(query).scalar() in _UNMINED
    return Input.AWAITED if is_waiting else Input.GONE
