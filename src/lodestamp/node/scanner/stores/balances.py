"""The balances that one block touches: read together, moved in memory, written together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from lodestamp.core.ownership import ASSET_UNITS, Operation, Owner, Registration
from lodestamp.errors import ConservationBroken, LogCorrupt
from lodestamp.node.scanner.stores.tables import BALANCE

_Key = tuple[str, Owner]
_Move = tuple[str, Owner | None, Owner, int]
"""Work, giver (None for a registration), receiver, units."""

_ASKED_AT_ONCE: Final = 500
_OF_ONE: Final = tuple(
    select(BALANCE.c.asset, BALANCE.c.owner, BALANCE.c.amount).where(
        one == bindparam("one"), other.in_(bindparam("others", expanding=True))
    )
    for one, other in ((BALANCE.c.asset, BALANCE.c.owner), (BALANCE.c.owner, BALANCE.c.asset))
)
"""The balances of some owners of one work, and of some works of one owner."""
_PLACE: Final = (BALANCE.c.asset == bindparam("of_asset")) & (
    BALANCE.c.owner == bindparam("of_owner")
)


def move(connection: Connection, ops: Iterable[Operation]) -> None:
    """Move what operations move; ConservationBroken where a giver keeps less than one (R13)."""
    moves = [_move_of(op) for op in ops]
    before = _read(connection, moves)
    now = dict(before)
    for asset, giver, receiver, units in moves:
        if giver is None:
            if now[asset, receiver]:
                raise ConservationBroken(asset, "registered a second time")
        elif not 1 <= units < now[asset, giver]:
            held = now[asset, giver]
            raise ConservationBroken(asset, f"{units:,} units leave a holder of {held:,}")
        else:
            now[asset, giver] -= units
        now[asset, receiver] += units
    _write(connection, before, now)


def move_back(connection: Connection, journal: Iterable[dict[str, Any]]) -> None:
    """Reverse the operations of a journal; LogCorrupt where the balances do not allow it."""
    moves = [_journalled(op) for op in journal]
    before = _read(connection, moves)
    now = dict(before)
    for asset, giver, receiver, units in moves:
        now[asset, receiver] -= units
        if giver is not None:
            now[asset, giver] += units
    for (asset, _), units in now.items():
        if units < 0:
            raise LogCorrupt(f"work {asset}: the journal and the balances contradict each other")
    _write(connection, before, now)


def _move_of(op: Operation) -> _Move:
    if isinstance(op, Registration):
        return op.sha1, None, op.registrant, ASSET_UNITS
    return op.sha1, op.asset_owner, op.bitcoin_owner, op.asset_value


def _journalled(op: dict[str, Any]) -> _Move:
    if op["op"] == "r":
        return op["sha1"], None, Owner(bytes.fromhex(op["addr"])), ASSET_UNITS
    giver, receiver = (Owner(bytes.fromhex(op[side])) for side in ("from", "to"))
    return op["sha1"], giver, receiver, op["value"]


def _read(connection: Connection, moves: Iterable[_Move]) -> dict[_Key, int]:
    """Return the balance of everybody who gives or receives; 0 where there is none."""
    found: dict[_Key, int] = {}
    for asset, giver, receiver, _ in moves:
        found[asset, receiver] = 0
        if giver is not None:
            found[asset, giver] = 0
    assets, owners = {asset for asset, _ in found}, {owner for _, owner in found}
    at = 0 if len(assets) <= len(owners) else 1  # the fewer questions
    groups: dict[str | Owner, list[str | Owner]] = {}
    for key in found:
        groups.setdefault(key[at], []).append(key[1 - at])
    for one, others in groups.items():
        for some in _batches(others):
            asked = {"one": one, "others": some}
            for asset, owner, amount in connection.execute(_OF_ONE[at], asked):
                found[asset, Owner(bytes(owner))] = amount
    return found


def _batches(keys: Iterable[str | Owner]) -> Iterator[list[str | Owner]]:
    waiting = iter(keys)
    while some := list(islice(waiting, _ASKED_AT_ONCE)):
        yield some


def _write(connection: Connection, before: dict[_Key, int], now: dict[_Key, int]) -> None:
    """Write what changed; a balance of 0 leaves no row."""
    new, changed, gone = [], [], []
    for (asset, owner), units in now.items():
        held = before[asset, owner]
        if units == held:
            continue
        if not held:
            new.append({"asset": asset, "owner": owner, "amount": units})
        elif units:
            changed.append({"of_asset": asset, "of_owner": owner, "amount": units})
        else:
            gone.append({"of_asset": asset, "of_owner": owner})
    if new:
        connection.execute(insert(BALANCE), new)
    if changed:
        connection.execute(update(BALANCE).where(_PLACE), changed)
    if gone:
        connection.execute(delete(BALANCE).where(_PLACE), gone)
