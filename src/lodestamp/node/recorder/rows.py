"""The rows that an accepted operation adds beside its own: what it says, ready to be asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert

from lodestamp.core.encoding import canonical_json, digest_of_address
from lodestamp.core.keys import KeyEvent
from lodestamp.core.operations import Cap, Operation, parse_cap
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.causes import Causes
from lodestamp.node.recorder.chains import Interned
from lodestamp.node.recorder.known import Known


@dataclass(frozen=True, slots=True)
class Private:
    """What stays in this home with an operation of our own; it is never synced nor exported.

    `master_salt`: 32 bytes that open an attestation's commitment. `deadline`: the Unix second by
    which a revocation's receipt is due. `content_key`: 32 bytes that open a sealed content.
    """

    master_salt: bytes | None = field(default=None, repr=False)
    deadline: int | None = None
    content_key: bytes | None = field(default=None, repr=False)


NOTHING_PRIVATE = Private()


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted operation, its parents and causes, and what was read of its body."""

    op: Operation
    known: Known
    parents: tuple[Known, ...]
    causes: Causes
    private: Private
    cap: Cap | None
    event: KeyEvent | None


def read_grant(op: Operation) -> Cap | None:
    """Return the cap that a grant carries; None where it bears the id of another (S21)."""
    if op.type != "grant":
        return None
    cap = parse_cap(op.body["cap"])
    return cap if cap.bears_its_id else None


def read_event(op: Operation) -> KeyEvent | None:
    """Return the event that a key operation carries."""
    return KeyEvent.parse(op.body["event"]) if op.type == "key" else None


class Rows:
    """Rows of many tables, gathered and then inserted table by table."""

    def __init__(self) -> None:
        self._rows: defaultdict[Table, list[dict[str, Any]]] = defaultdict(list)

    def add(self, table: Table, **values: Any) -> None:
        """Add one row."""
        self._rows[table].append(values)

    def insert(self, connection: Connection) -> None:
        """Insert everything that was added."""
        for table, rows in self._rows.items():
            connection.execute(insert(table), rows)


def add_edges(rows: Rows, accepted: Iterable[Accepted]) -> None:
    """Add the edges of `prev`, of `derived_from` and of refutations."""
    for each in accepted:
        seq = each.known.seq
        for parent in each.parents:
            rows.add(tables.parent, child=seq, parent=parent.seq)
        if each.op.type == "claim":
            for source in each.causes.named:
                rows.add(tables.source, child=seq, parent=source.seq)
        elif each.op.type == "refutation":
            rows.add(tables.refutes, target=each.causes.named[0].seq, seq=seq)


def add_authority(rows: Rows, accepted: Iterable[Accepted], authors: Interned) -> None:
    """Add caps, revocations, attestations, receipts, key events and keys of contents."""
    for each in accepted:
        if each.private.content_key is not None:
            rows.add(tables.content_key, seq=each.known.seq, key=each.private.content_key)
        if each.cap is not None:
            _add_cap(rows, each.cap, each.known.seq, authors)
        elif each.event is not None:
            _add_event(rows, each.event, each.known.seq)
        elif each.op.type in _BY_CAP:
            _BY_CAP[each.op.type](rows, each)


def _add_cap(rows: Rows, cap: Cap, seq: int, authors: Interned) -> None:
    rows.add(
        tables.cap,
        cap_id=digest_of_address(cap.cap_id),
        grant_seq=seq,
        issuer_id=authors.number(cap.issuer),
        audience=cap.audience,
        subject=cap.subject,
        parent=None if cap.parent is None else digest_of_address(cap.parent),
        not_before=cap.not_before,
        expires_at=cap.expires_at,
        depth_left=cap.depth_left,
        body=canonical_json(dict(cap.document)),
    )


def _add_event(rows: Rows, event: KeyEvent, seq: int) -> None:
    rows.add(
        tables.key_event,
        did=event.did,
        event_index=event.index,
        seq=seq,
        kind=event.kind.value,
        key_id=event.key.key_id,
        pub=event.key.raw,
        next=None if event.next is None else digest_of_address(event.next),
    )


def _add_revocation(rows: Rows, each: Accepted) -> None:
    cap_id, deadline = _cap_id(each), each.private.deadline
    rows.add(tables.revocation, cap_id=cap_id, seq=each.known.seq, deadline=deadline)


def _add_attestation(rows: Rows, each: Accepted) -> None:
    rows.add(
        tables.attestation,
        seq=each.known.seq,
        cap_id=_cap_id(each),
        claim_seq=each.causes.named[0].seq,
        master_salt=each.private.master_salt,
    )


def _add_receipt(rows: Rows, each: Accepted) -> None:
    rows.add(
        tables.receipt,
        seq=each.known.seq,
        cap_id=_cap_id(each),
        revocation_seq=each.causes.named[0].seq,
        purged=each.op.body["purged_attestations"],
    )


def _cap_id(each: Accepted) -> bytes:
    return digest_of_address(str(each.op.body["cap_id"]))


_BY_CAP = {
    "revocation": _add_revocation,
    "attestation": _add_attestation,
    "receipt": _add_receipt,
}
