"""How the anchors of a home stand, as its operator is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from lodestamp.core.bitcoin import OutPoint
from lodestamp.node.anchors.bitcoin.cycle import State
from lodestamp.node.anchors.bitcoin.rows import count_waiting
from lodestamp.node.anchors.tables import blocks, coins, cycles, events, transactions

SHOWN_MAX: Final = 10
"""Cycles, and events, that are shown: the newest."""


@dataclass(frozen=True, slots=True)
class CycleStatus:
    """One cycle: `fee` is that of the version shown, `versions` how many there were."""

    number: int
    state: State
    count: int
    txid: bytes | None
    fee: int | None
    versions: int
    height: int | None
    confirmations: int


@dataclass(frozen=True, slots=True)
class CoinStatus:
    """An unspent coin of the anchor's key; `height` is None while it is in no block."""

    outpoint: OutPoint
    value: int
    height: int | None


@dataclass(frozen=True, slots=True)
class EventStatus:
    """Something an operator should know; `at` is in Unix milliseconds."""

    at: int
    kind: str
    cycle: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class AnchorStatus:
    """All of it, newest first; `height` is that of the last block read, None before the first."""

    height: int | None
    waiting: int
    balance: int
    coins: tuple[CoinStatus, ...]
    cycles: tuple[CycleStatus, ...]
    events: tuple[EventStatus, ...]


def read_status(connection: Connection) -> AnchorStatus:
    """Return how the anchors stand, as far as the chain was read."""
    height = connection.execute(select(func.max(blocks.c.height))).scalar()
    unspent = select(coins).where(coins.c.spent_by.is_(None)).order_by(coins.c.value.desc())
    found = tuple(
        CoinStatus(OutPoint(row.txid, row.vout), row.value, row.height)
        for row in connection.execute(unspent)
    )
    newest = select(cycles).order_by(cycles.c.id.desc()).limit(SHOWN_MAX)
    told = select(events).order_by(events.c.id.desc()).limit(SHOWN_MAX)
    return AnchorStatus(
        height=height,
        waiting=count_waiting(connection),
        balance=sum(each.value for each in found if each.height is not None),
        coins=found,
        cycles=tuple(read_cycle(connection, row.id, height) for row in connection.execute(newest)),
        events=tuple(
            EventStatus(row.at, row.kind, row.cycle, row.detail) for row in connection.execute(told)
        ),
    )


def read_cycle(connection: Connection, number: int, height: int | None) -> CycleStatus:
    """Return how one cycle stands, with the chain at a height."""
    row: Any = connection.execute(select(cycles).where(cycles.c.id == number)).one()
    of_cycle = select(func.count()).where(transactions.c.cycle == number)
    fee = select(transactions.c.fee).where(transactions.c.txid == row.txid)
    deep = 0 if row.height is None or height is None else max(0, height - row.height + 1)
    return CycleStatus(
        number=number,
        state=State(row.state),
        count=row.count,
        txid=row.txid,
        fee=connection.execute(fee).scalar(),
        versions=int(connection.execute(of_cycle).scalar_one()),
        height=row.height,
        confirmations=0 if row.state == State.LOST else deep,
    )
