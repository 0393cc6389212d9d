"""The rows of cycles, their versions and their commitments, inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.node.anchors.bitcoin.cycle import Cycle, State, Version
from lodestamp.node.anchors.tables import commitments, cycles, events, transactions
from lodestamp.node.chains import BlockRef

CYCLE_COMMITMENTS_MAX: Final = 100_000
"""Commitments of one cycle: a path of 17 levels, and 0.2 s for a tree (R57)."""
REVERSIBLE_MAX: Final = 200
"""Blocks from the tip back that are held against the chain at each look (R62)."""
EVENT_AGAIN_MS: Final = 86_400_000
"""Until an event that goes on is told again: a day."""

_UNMINED: Final = (State.OPEN, State.SENT)


def read_cycles(connection: Connection, tip_height: int) -> list[Cycle]:
    """Return the live cycles that a change of the chain can still concern, oldest first.

    Of the final ones these are those of the last `REVERSIBLE_MAX` blocks, and the last one of all.
    """
    last = select(func.max(cycles.c.mined_at)).where(cycles.c.state == State.FINAL)
    is_near = cycles.c.height > tip_height - REVERSIBLE_MAX
    is_final = cycles.c.state == State.FINAL
    query = (
        select(cycles)
        .where(cycles.c.state != State.LOST)
        .where(~is_final | is_near | (cycles.c.mined_at == last.scalar_subquery()))
        .order_by(cycles.c.id)
    )
    rows = connection.execute(query).all()
    numbers = [each.id for each in rows if each.state in _UNMINED]
    versions = read_versions(connection, numbers)
    return [_cycle(each, versions.get(each.id, ())) for each in rows]


def read_versions(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Version]]:
    """Return the versions of some cycles, oldest first."""
    query = (
        select(transactions)
        .where(transactions.c.cycle.in_(numbers))
        .order_by(transactions.c.cycle, transactions.c.number)
    )
    found: dict[int, list[Version]] = {}
    for row in connection.execute(query):
        found.setdefault(row.cycle, []).append(_version(row))
    return found


def _cycle(row: Any, versions: Sequence[Version]) -> Cycle:
    block = None if row.height is None else BlockRef(row.height, row.block_hash)
    return Cycle(row.id, State(row.state), tuple(versions), block, row.mined_at)


def _version(row: Any) -> Version:
    tx = Transaction.decode(row.raw)
    return Version(
        txid=row.txid,
        inputs=tuple(each.prevout for each in tx.inputs),
        built_at=tx.locktime,
        fee=row.fee,
        count=row.count,
        is_sent=row.sent_at is not None,
        height=row.height,
    )


def find_version(connection: Connection, txid: bytes) -> Any | None:
    """Return the row of a version."""
    return connection.execute(select(transactions).where(transactions.c.txid == txid)).first()


def add_cycle(connection: Connection, now: int) -> int:
    """Begin a cycle and return its number."""
    row = insert(cycles).values(state=State.OPEN, count=0, updated_at=now)
    return int(connection.execute(row.returning(cycles.c.id)).scalar_one())


def take_up(connection: Connection, cycle: int) -> tuple[bytes | None, int]:
    """Give what waits to a cycle, after what it has; return the tip over all, and their number.

    A cycle is in the journal's order, and the place of a commitment in it never changes: every
    version's tree is the beginning of the next one's. So what came before its last one, because an
    older cycle let it go, waits for the next cycle. The tip is None for none.
    """
    has = select(func.count(), func.max(commitments.c.id)).where(commitments.c.cycle == cycle)
    count, last = connection.execute(has).one()
    waiting = (
        select(commitments.c.id)
        .where(commitments.c.cycle.is_(None), commitments.c.id > (last or 0))
        .order_by(commitments.c.id)
        .limit(CYCLE_COMMITMENTS_MAX - count)
    )
    found = connection.execute(waiting).scalars().all()
    if found:
        places = [{"row": row, "place": place} for place, row in enumerate(found, count)]
        connection.execute(
            update(commitments)
            .where(commitments.c.id == bindparam("row"))
            .values(cycle=cycle, leaf=bindparam("place")),
            places,
        )
    count += len(found)
    return (tip_of(connection, cycle, count) if count else None), count


def tip_of(connection: Connection, cycle: int, count: int) -> bytes:
    """Return the RFC 9162 root over the first commitments of a cycle, in order (R57)."""
    query = (
        select(commitments.c.commitment)
        .where(commitments.c.cycle == cycle)
        .where(commitments.c.leaf < count)
        .order_by(commitments.c.leaf)
    )
    return root(leaf_hashes(connection.execute(query).scalars().all()))


def add_version(
    connection: Connection, cycle: int, tx: Transaction, *, fee: int, tip: bytes, count: int
) -> None:
    """Store a version before anybody is given it."""
    last = select(func.max(transactions.c.number)).where(transactions.c.cycle == cycle)
    number = connection.execute(last).scalar()
    connection.execute(
        insert(transactions).values(
            txid=tx.txid,
            cycle=cycle,
            number=0 if number is None else number + 1,
            raw=tx.encode(),
            fee=fee,
            tip=tip,
            count=count,
        )
    )


def set_cycle(connection: Connection, cycle: int, now: int, **values: object) -> None:
    """Change columns of a cycle."""
    change = update(cycles).where(cycles.c.id == cycle).values(updated_at=now, **values)
    connection.execute(change)


def mark_sent(connection: Connection, txid: bytes, now: int) -> None:
    """Note that a node took a version; the cycle is sent, and shows this version."""
    row = find_version(connection, txid)
    if row is None:
        return
    if row.sent_at is None:
        connection.execute(
            update(transactions).where(transactions.c.txid == txid).values(sent_at=now)
        )
    shown = {"txid": txid, "count": row.count, "tip": row.tip if row.count else None}
    set_cycle(connection, row.cycle, now, state=State.SENT, **shown)


def release_rest(connection: Connection, cycle: int, count: int) -> None:
    """Let commitments go that the mined version came too early for; they wait again.

    Versions that hold them are forgotten: their trees cannot be rebuilt any more.
    """
    beyond = (commitments.c.cycle == cycle) & (commitments.c.leaf >= count)
    connection.execute(update(commitments).where(beyond).values(cycle=None, leaf=None))
    larger = (transactions.c.cycle == cycle) & (transactions.c.count > count)
    connection.execute(delete(transactions).where(larger))


def renew(connection: Connection, cycle: int, now: int) -> int:
    """Move what a lost cycle holds, versions too, to a new one, and return its number (R63).

    Any of those versions may still be mined on the new chain; nothing is paid twice for.
    """
    fresh = add_cycle(connection, now)
    for table in (commitments, transactions):
        connection.execute(update(table).where(table.c.cycle == cycle).values(cycle=fresh))
    set_cycle(connection, fresh, now, state=State.SENT)
    set_cycle(connection, cycle, now, state=State.LOST)
    return fresh


def count_waiting(connection: Connection) -> int:
    """Count the commitments that no cycle has taken up."""
    query = select(func.count()).where(commitments.c.cycle.is_(None))
    return int(connection.execute(query).scalar_one())


def add_event(connection: Connection, now: int, kind: str, cycle: int | None, detail: str) -> bool:
    """Keep an event; False when the last one of its kind and cycle says the same, and is new."""
    same = select(events.c.detail).where(events.c.kind == kind, events.c.at > now - EVENT_AGAIN_MS)
    same = same.where(events.c.cycle.is_(None) if cycle is None else events.c.cycle == cycle)
    if connection.execute(same.order_by(events.c.id.desc()).limit(1)).scalar() == detail:
        return False
    connection.execute(insert(events).values(at=now, kind=kind, cycle=cycle, detail=detail))
    return True
