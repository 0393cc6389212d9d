"""The rows of a witness: the logs it follows, and what convicts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from lodestamp.core.encoding import canonical_json
from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    Decision,
    Note,
    VerifierKey,
    WitnessState,
    parse_note,
    parse_vkey,
)
from lodestamp.errors import LimitExceeded
from lodestamp.node.anchors.tables import evidence, witnessed

WITNESSED_LOGS_MAX: Final = 1_000
"""Logs that one witness follows: finding one by the digest of its name looks at all of them."""
LOG_KEYS_MAX: Final = 16
"""Keys trusted for one log: with our own lines they always fit one note."""
EVIDENCE_MAX: Final = 1_000
"""Pieces kept about one log and reason: strangers can bring about those of one reason."""


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """A log we are a witness of: its keys, and the last tree that we cosigned, with its note."""

    origin: str
    vkeys: tuple[VerifierKey, ...]
    state: WitnessState
    note: bytes | None


def read_log(connection: Connection, origin: str) -> WitnessedLog | None:
    """Return the log of this origin, None when we are no witness of it."""
    row = connection.execute(select(witnessed).where(witnessed.c.origin == origin)).one_or_none()
    if row is None:
        return None
    vkeys = tuple(map(parse_vkey, row.vkeys))
    return WitnessedLog(row.origin, vkeys, WitnessState(row.size, row.root), row.note)


def read_origins(connection: Connection) -> list[str]:
    """Return the origins of all logs we are a witness of, ascending."""
    return list(
        connection.execute(select(witnessed.c.origin).order_by(witnessed.c.origin)).scalars()
    )


def add_log(connection: Connection, origin: str, vkey: VerifierKey) -> WitnessedLog:
    """Trust a key for a log from now on and return the log; a known key changes nothing.

    LimitExceeded beyond 1,000 logs, or 16 keys of one.
    """
    known = read_log(connection, origin)
    if known is None:
        count = connection.execute(select(func.count()).select_from(witnessed)).scalar_one()
        if count >= WITNESSED_LOGS_MAX:
            raise LimitExceeded("the number of witnessed logs", WITNESSED_LOGS_MAX, count + 1)
        row = {"origin": origin, "vkeys": [vkey.text()], "size": 0, "root": EMPTY_ROOT}
        connection.execute(insert(witnessed), row)
        return WitnessedLog(origin, (vkey,), WitnessState(), None)
    if vkey in known.vkeys:
        return known
    vkeys = (*known.vkeys, vkey)
    if len(vkeys) > LOG_KEYS_MAX:
        raise LimitExceeded("the number of keys of one log", LOG_KEYS_MAX, len(vkeys))
    texts = [each.text() for each in vkeys]
    connection.execute(update(witnessed).where(witnessed.c.origin == origin).values(vkeys=texts))
    return replace(known, vkeys=vkeys)


def swap_log(
    connection: Connection, origin: str, old: WitnessState, new: WitnessState, note: bytes
) -> bool:
    """Put a new state in the place of the one it was decided from (R24).

    False, and nothing is changed, when another request was quicker.
    """
    swap = (
        update(witnessed)
        .where(
            witnessed.c.origin == origin,
            witnessed.c.size == old.size,
            witnessed.c.root == old.root,
        )
        .values(size=new.size, root=new.root, note=note)
    )
    return connection.execute(swap).rowcount == 1


def piece_of(log: WitnessedLog, decision: Decision) -> bytes:
    """Return what convicts a log, or hints at it: what it signed, and what it signed before (R25).

    Canonical JSON, members `cosigned` (the last note of it that we cosigned, or null) and `shown`,
    both under the log's own lines alone: nobody else can make two pieces of one.
    """
    cosigned = None
    if log.note is not None:
        note = parse_note(log.note)
        known = {(vkey.name, vkey.key_id) for vkey in log.vkeys}
        lines = (each for each in note.signatures if (each.name, each.key_id) in known)
        cosigned = Note(note.text, tuple(lines)).encode().decode()
    return canonical_json({"cosigned": cosigned, "shown": decision.note.encode().decode()})


def has_room_for(connection: Connection, origin: str, reason: str, piece: bytes) -> bool:
    """Tell whether a piece is new, and fewer than 1,000 of its log and reason are kept."""
    columns = evidence.c
    about = (columns.origin == origin) & (columns.reason == reason)
    count = connection.execute(select(func.count()).select_from(evidence).where(about)).scalar_one()
    same = select(columns.id).where(about, columns.body == piece)
    return count < EVIDENCE_MAX and connection.execute(same).first() is None


def keep_piece(connection: Connection, origin: str, reason: str, piece: bytes, at: int) -> bool:
    """Keep a piece of evidence; False when there is no room, or it was kept already."""
    if not has_room_for(connection, origin, reason, piece):
        return False
    row = {"origin": origin, "body": piece, "reason": reason, "at": at}
    connection.execute(insert(evidence), row)
    return True
