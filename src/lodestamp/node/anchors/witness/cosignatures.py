"""What witnesses said of our own checkpoints: stored as it comes, handed out with the note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, func, insert, select

from lodestamp.core.transparency import (
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    Cosignature,
    VerifierKey,
    parse_note,
    parse_vkey,
)
from lodestamp.node.anchors.tables import cosignatures


def cosigned_note(connection: Connection, note: bytes, size: int) -> bytes:
    """Return a note of our log with the cosignatures gathered for its size so far.

    They follow the log's own lines, ascending by name and key id, as many as a note may have.
    """
    columns = cosignatures.c
    query = (
        select(columns.line)
        .where(columns.size == size)
        .order_by(columns.name, columns.key_id)
        .limit(SIGNATURES_MAX)
    )
    room = SIGNATURES_MAX - len(parse_note(note).signatures)
    for line in connection.execute(query).scalars():
        longer = note + f"{line}\n".encode()
        if room == 0 or len(longer) > NOTE_SIZE_MAX:
            break
        note, room = longer, room - 1
    return note


def cosigner_keys(connection: Connection, size: int) -> list[VerifierKey]:
    """Return the keys of those who cosigned our checkpoint of this size."""
    columns = cosignatures.c
    query = select(columns.vkey).where(columns.size == size).order_by(columns.vkey)
    return [parse_vkey(text) for text in connection.execute(query).scalars()]


def last_size(connection: Connection, vkeys: Iterable[VerifierKey]) -> int:
    """Return the largest size that one of these keys has cosigned, 0 when there is none."""
    columns = cosignatures.c
    sizes = [0]
    for vkey in vkeys:
        query = select(func.max(columns.size)).where(
            columns.name == vkey.name, columns.key_id == vkey.key_id
        )
        sizes.append(connection.execute(query).scalar() or 0)
    return max(sizes)


def keep_cosignatures(
    connection: Connection,
    size: int,
    said: Iterable[Cosignature],
    known: Mapping[tuple[str, bytes], VerifierKey],
) -> None:
    """Store verified cosignatures of our checkpoint of this size; the first of a key stays."""
    columns = cosignatures.c
    for each in said:
        here = (columns.name == each.name) & (columns.key_id == each.key_id)
        query = select(columns.time).where(here, columns.size == size)
        if connection.execute(query).scalar() is not None:
            continue
        row = {
            "size": size,
            "name": each.name,
            "key_id": each.key_id,
            "time": each.time,
            "line": each.line(),
            "vkey": known[each.name, each.key_id].text(),
        }
        connection.execute(insert(cosignatures), row)
