"""A delegate's shallow store: what was granted to us, without its past (S26, S27, S28).

These operations are no leaves of our log: their parents are hidden from us, so S6 cannot hold. All
else is checked: id, signature, that the chain ends in our key, and who may say what under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from lodestamp.core.encoding import Digest, digest_of_address
from lodestamp.core.keys import KeyEvent, KeyId, PublicKey
from lodestamp.core.operations import (
    READ_CLAIMS,
    Cap,
    Operation,
    check,
    check_chain,
    parse_cap,
    parse_op,
    verify_cap,
    verify_op,
)
from lodestamp.errors import AccessError, CapError, LodestampError, PeerError
from lodestamp.node.storage import Database
from lodestamp.node.sync.delegation import STREAM_TYPES
from lodestamp.node.sync.tables import delegated

DELEGATED_LINES_MAX: Final = 100_000
"""Operations taken under one grant in one session: what a hostile owner can make us keep."""


class ShallowStore:
    """What is kept under grants to us."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    def count(self, cap_id: str) -> int:
        """Return how many operations were received under a grant."""
        column = delegated.c
        query = select(func.count()).where(column.cap_id == digest_of_address(cap_id))
        with self._database.reading("counting what was delegated") as connection:
            return connection.execute(query).scalar_one()

    def operations(self, cap_id: str) -> list[Operation]:
        """Return what is kept under a grant, in the order in which it came."""
        with self._database.reading("reading what was delegated") as connection:
            return _kept(connection, digest_of_address(cap_id))

    def receive(
        self, cap_id: str, wires: Sequence[bytes], audience: KeyId
    ) -> tuple[int, list[tuple[str, str]]]:
        """Keep what checks; return how many were new, and the ids and codes of what was refused.

        A notice that an attestation is stale has it dropped, a revocation all; the ids stay.
        """
        under = digest_of_address(cap_id)
        received, refused = 0, list[tuple[str, str]]()
        with self._database.writing("keeping what was delegated") as connection:
            known = _Known(cap_id, audience, _kept(connection, under))
            place = connection.execute(
                select(func.coalesce(func.max(delegated.c.place), -1)).where(
                    delegated.c.cap_id == under
                )
            ).scalar_one()
            for wire in wires:
                try:
                    op = known.admit(wire)
                except LodestampError as error:
                    refused.append(("", error.code))
                    continue
                if self._keep(connection, under, op, place + 1):
                    place += 1
                    received += 1
            _erase(connection, under, known.to_drop())
        if known.to_drop():
            self._database.cut_write_ahead_log()
        return received, refused

    def purge(self, cap_id: str) -> list[Digest]:
        """Erase the attestations kept under a grant; return the ids of all there ever were (S28).

        They are overwritten, and the write-ahead log is cut; StoreError ``log-busy`` when a reader
        is in the way: purging again finishes the work.
        """
        under = digest_of_address(cap_id)
        column = delegated.c
        query = select(column.op_id).where(column.cap_id == under, column.type == "attestation")
        with self._database.writing("erasing what was delegated") as connection:
            gone = [Digest(row.op_id) for row in connection.execute(query)]
            _erase(connection, under, gone)
        self._database.cut_write_ahead_log()
        return sorted(gone)

    def _keep(self, connection: Connection, under: Digest, op: Operation, place: int) -> bool:
        column = delegated.c
        here = (column.cap_id == under) & (column.op_id == op.digest)
        there = connection.execute(select(column.raw.is_(None).label("gone")).where(here)).first()
        if there is not None:
            if there.gone:  # restored
                connection.execute(update(delegated).where(here).values(raw=op.wire))
            return False
        row = {"cap_id": under, "op_id": op.digest, "place": place, "type": op.type}
        row |= {"raw": op.wire, "received_at": self._clock()}
        connection.execute(insert(delegated), row)
        return True


class _Known:
    """What was admitted under one grant so far, and what it allows to be said."""

    def __init__(self, cap_id: str, audience: KeyId, kept: Iterable[Operation]) -> None:
        self._cap_id = cap_id
        self._audience = audience
        self._caps: dict[str, Cap] = {}
        self._keys: dict[KeyId, PublicKey] = {}
        self._attested: dict[str, Digest] = {}
        self._stale: set[str] = set()
        self._revoked = False
        for op in kept:
            self._learn(op)

    def admit(self, wire: bytes) -> Operation:
        """Check one operation and remember what it says; LodestampError when it is refused."""
        op = parse_op(wire)
        if op.type not in STREAM_TYPES:
            raise PeerError("bad-type", f"a delegate is never shown {op.type}")
        verify_op(op, self._keys)
        self._check(op)
        self._learn(op)
        return op

    def to_drop(self) -> list[Digest]:
        """Return the attestations that may not be kept any longer."""
        gone = self._attested if self._revoked else self._stale & self._attested.keys()
        return [self._attested[op_id] for op_id in gone]

    def _check(self, op: Operation) -> None:
        if op.type == "grant":
            self._check_grant(op)
            return
        if op.type == "key":
            return
        chain = self._chain()
        issuer = chain[-1].issuer
        if op.type == "attestation":
            if op.author != issuer or op.body["cap_id"] != self._cap_id:
                raise AccessError("an attestation under another grant", code="forbidden")
            said = check(
                chain,
                READ_CLAIMS,
                str(op.body["predicate"]),
                _number(op.body["confidence_bp"]),
                str(op.body["subject"]),
                _number(op.body["attested_at"]),
            )
            if not said.allowed:
                raise CapError(said.code, said.detail, link=said.link)
        elif op.type == "notice":
            if op.author != issuer or op.body["attestation_op"] not in self._attested:
                raise AccessError("a notice of something else", code="forbidden")
        elif op.type == "revocation":
            allowed = {self._audience, *(cap.issuer for cap in chain)}
            named = {cap.cap_id for cap in chain}
            if op.author not in allowed or op.body["cap_id"] not in named:
                raise AccessError("a revocation of something else", code="forbidden")
        elif op.author != self._audience or op.body["cap_id"] != self._cap_id:
            raise AccessError("somebody else's receipt", code="forbidden")

    def _check_grant(self, op: Operation) -> None:
        cap = parse_cap(op.body["cap"])
        verify_cap(cap, self._keys)
        if op.author != cap.issuer:
            raise CapError("bad-issuer", "a grant by another than its issuer")

    def _chain(self) -> list[Cap]:
        """Return the chain of our grant, root first; CapError when a link is not there."""
        chain: list[Cap] = []
        wanted: str | None = self._cap_id
        while wanted is not None and len(chain) <= len(self._caps):
            if wanted not in self._caps:
                raise CapError("chain-broken", f"the grant {wanted} was not shown")
            chain.insert(0, self._caps[wanted])
            wanted = chain[0].parent
        check_chain(chain)
        if chain[-1].audience != self._audience:
            raise CapError("bad-issuer", "the grant is not for this key")
        return chain

    def _learn(self, op: Operation) -> None:
        if op.type == "grant":
            cap = parse_cap(op.body["cap"])
            self._caps.setdefault(cap.cap_id, cap)
        elif op.type == "key":
            key = KeyEvent.parse(op.body["event"]).key
            self._keys[key.key_id] = key
        elif op.type == "attestation":
            self._attested[op.op_id] = op.digest
        elif op.type == "notice":
            change = self._stale.add if op.body["state"] == "stale" else self._stale.discard
            change(str(op.body["attestation_op"]))
        elif op.type == "revocation":
            self._revoked = True


def _number(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101  the schema of the body says so
    return value


def _kept(connection: Connection, under: Digest) -> list[Operation]:
    column = delegated.c
    query = select(column.raw).where(column.cap_id == under, column.raw.is_not(None))
    return [parse_op(wire) for wire in connection.execute(query.order_by(column.place)).scalars()]


def _erase(connection: Connection, under: Digest, digests: Iterable[Digest]) -> None:
    column = delegated.c
    for digest in digests:
        here = (column.cap_id == under) & (column.op_id == digest)
        connection.execute(update(delegated).where(here).values(raw=None))
