"""By what right an operation was made: its grants, and the key events that acted on it (K9, S6).

Both are read from the operation's past alone, as its state is judged (operations spec §7): a change
of key that its author did not know of has no place in its proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from lodestamp.core.encoding import Digest, digest_of_address
from lodestamp.core.keys import KeyEvent, KeyLog, is_did
from lodestamp.core.operations import CHAIN_MAX, Operation, parse_cap, parse_op
from lodestamp.errors import InputError, KeyEventError, LogCorrupt
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.ancestry import Ancestry, Past
from lodestamp.node.recorder.known import KnownOperations
from lodestamp.node.recorder.pasts import Pasts
from lodestamp.node.recorder.queries import StoredOperation


@dataclass(frozen=True, slots=True)
class Rights:
    """The grants of the chain that an operation names, root first, and ``key`` operations."""

    grants: tuple[Operation, ...]
    keys: tuple[Operation, ...]


def read_rights(
    connection: Connection, subject: StoredOperation, others: Sequence[Operation] = ()
) -> Rights:
    """Return what this log holds of the rights of an operation, and the keys of `others` too.

    A grant or a key operation whose body was purged is left out, and what follows it.
    """
    operation = subject.operation
    operations = KnownOperations(connection)
    parents = [operations.find(digest_of_address(each)) for each in operation.prev]
    ancestry = Ancestry(connection, subject.log_index + 1, Pasts())
    past = Past(ancestry, [each for each in parents if each is not None])
    grants = _grants(connection, operation.cap, past)
    caps = [parse_cap(each.body["cap"]) for each in (*grants, operation) if each.type == "grant"]
    named = {name for cap in caps for name in (cap.audience, cap.subject) if is_did(name)}
    authors = {each.author for each in (operation, *others, *grants)}
    return Rights(tuple(grants), tuple(_keys(connection, named, authors, past)))


def _grants(connection: Connection, cap_id: str | None, past: Past) -> list[Operation]:
    """Return the first grant of each capability from this one up, in this past, root first."""
    grants: list[Operation] = []
    while cap_id is not None and len(grants) < CHAIN_MAX:
        column = tables.cap.c
        query = _operations(
            column.grant_seq == tables.operation.c.seq,
            column.cap_id == digest_of_address(cap_id),
            column.issuer_id == tables.operation.c.author_id,
        )
        grant = next(iter(_in_past(connection, query, past)), None)
        if grant is None:
            break
        grants.insert(0, grant)
        cap_id = parse_cap(grant.body["cap"]).parent
    return grants


def _keys(
    connection: Connection, dids: Iterable[str], authors: Iterable[str], past: Past
) -> list[Operation]:
    """Return the key operations of these DIDs, and of those for which an author's key spoke."""
    column = tables.key_event.c
    named, used = set(dids), set(authors)
    of_authors = select(column.did).where(column.key_id.in_(sorted(used)))
    query = _operations(
        column.seq == tables.operation.c.seq,
        or_(column.did.in_(sorted(named)), column.did.in_(of_authors)),
    )
    log = KeyLog()
    followed: dict[str, list[Operation]] = {}
    shown: dict[str, set[str]] = {}
    found = [(KeyEvent.parse(op.body["event"]), op) for op in _in_past(connection, query, past)]
    # a log may hold an event before the one it follows, which came from elsewhere
    for event, op in sorted(found, key=lambda each: each[0].index):
        with suppress(KeyEventError):  # what cannot follow stays in the log, and out of the proof
            log.append(event, op.op_id, len(followed))
            followed.setdefault(event.did, []).append(op)
            shown.setdefault(event.did, set()).add(event.key.key_id)
    wanted = (did for did in followed if did in named or shown[did] & used)
    return [op for did in wanted for op in followed[did]]


def _operations(*where: Any) -> Select[Any]:
    column = tables.operation.c
    query = select(column.seq, column.op_id, column.raw).where(*where, column.raw.is_not(None))
    return query.distinct().order_by(column.seq)


def _in_past(connection: Connection, query: Select[Any], past: Past) -> list[Operation]:
    rows = list(connection.execute(query))
    reached = past.reached({row.seq for row in rows})
    return [_parse(row.raw, Digest(row.op_id)) for row in rows if row.seq in reached]


def _parse(raw: bytes, digest: Digest) -> Operation:
    """Read stored bytes; LogCorrupt when they are not those of their id."""
    try:
        op = parse_op(raw)
    except InputError as error:
        raise LogCorrupt(f"the stored bytes of sha256:{digest.hex()}: {error.message}") from error
    if op.digest != digest:
        raise LogCorrupt(f"the stored bytes of sha256:{digest.hex()} are those of {op.op_id}")
    return op
