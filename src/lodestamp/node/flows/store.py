"""The store of flows: packets under leases, what happened to them, and what was sent (R41, R48)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from lodestamp.core.bitcoin import OutPoint, Transaction
from lodestamp.core.encoding import JsonObject, canonical_json, parse_canonical
from lodestamp.core.flows import (
    STANDARD_WORKFLOWS,
    DataFlowPacket,
    Pattern,
    ReleaseCoins,
    Transition,
    WakeAt,
    attempts_of,
    content_cid,
)
from lodestamp.errors import (
    FlowError,
    LeaseLost,
    LimitExceeded,
    PacketNotFound,
    PatternNotFound,
    UsageError,
)
from lodestamp.node.flows.clocks import Clock
from lodestamp.node.flows.tables import coins, events, intents, packets, patterns
from lodestamp.node.presence import Presence
from lodestamp.node.storage import Database

LEASE_S: Final = 60
"""Seconds a lease holds unless it is renewed (R48)."""
NAME_LENGTH_MAX: Final = 128
"""Characters of a pattern's name; it is typed."""
KEY_LENGTH_MAX: Final = 255
"""Characters of an idempotency key."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class StoredFlow:
    """A packet as it stands in the store, with what it is called there."""

    packet: DataFlowPacket
    workflow_id: str
    pattern: str
    next_attempt_at: int | None
    lease_owner: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A signed transaction that is, or will be, sent; `status` is signed, sent or mined."""

    n: int
    tx: Transaction
    status: str


@dataclass(frozen=True, slots=True)
class FlowEvent:
    """One thing that happened to a packet; `at` in Unix microseconds."""

    seq: int
    stage: str
    state: str
    at: int
    detail: JsonObject


class FlowStore:
    """Flows of one home. Safe to share among threads and processes."""

    def __init__(self, database: Database, clock: Clock, presence: Presence) -> None:
        self._database = database
        self._clock = clock
        self._presence = presence
        for name, config in STANDARD_WORKFLOWS.items():
            self._write_pattern(name, Pattern.parse(config), replace=False)

    @property
    def owner(self) -> str:
        """By which name this runner holds leases."""
        return self._presence.owner

    # Patterns

    def register(self, name: str, pattern: Pattern) -> None:
        """Keep a pattern under a name, in place of the one before."""
        if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
            raise UsageError(f"a pattern's name has 1 to {NAME_LENGTH_MAX} printable characters")
        self._write_pattern(name, pattern, replace=True)

    def pattern(self, name: str) -> Pattern:
        """Return a registered pattern; PatternNotFound."""
        with self._database.reading("reading a pattern") as connection:
            query = select(patterns.c.document).where(patterns.c.name == name)
            document = connection.execute(query).scalar()
        if document is None:
            known = ", ".join(sorted(self.patterns()))
            raise PatternNotFound(f"no pattern {name[:80]!r}", hint=f"there are {known}")
        return Pattern.parse(parse_canonical(document.encode()))

    def patterns(self) -> dict[str, JsonObject]:
        """Return every registered pattern as JSON, by name."""
        with self._database.reading("reading patterns") as connection:
            rows = connection.execute(select(patterns).order_by(patterns.c.name)).all()
        return {row.name: parse_canonical(row.document.encode()) for row in rows}

    def _write_pattern(self, name: str, pattern: Pattern, *, replace: bool) -> None:
        values = {"document": canonical_json(pattern.as_json()).decode(), "digest": pattern.digest}
        with self._database.reading("reading a pattern") as connection:
            query = select(patterns.c.digest).where(patterns.c.name == name)
            known = connection.execute(query).scalar()
        if known == pattern.digest or (known is not None and not replace):
            return
        with self._database.writing("registering a pattern") as connection:
            changed = update(patterns).where(patterns.c.name == name).values(values)
            if not connection.execute(changed).rowcount:
                connection.execute(insert(patterns).values(name=name, **values))

    # Packets

    def insert(
        self,
        packet: DataFlowPacket,
        *,
        workflow_id: str,
        pattern: str,
        idempotency_key: str | None = None,
    ) -> StoredFlow:
        """Store a new packet; with a known `idempotency_key` return the one it already made."""
        if idempotency_key is not None and not 0 < len(idempotency_key) <= KEY_LENGTH_MAX:
            raise LimitExceeded("an idempotency key", KEY_LENGTH_MAX, len(idempotency_key))
        now, document = self._clock(), packet.encode()
        with self._database.writing("storing a packet") as connection:
            if idempotency_key is not None:
                query = select(packets).where(packets.c.idempotency_key == idempotency_key)
                row = connection.execute(query).one_or_none()
                if row is not None:
                    return _read(row)
            connection.execute(
                insert(packets).values(
                    packet_id=packet.packet_id,
                    workflow_id=workflow_id,
                    pattern=pattern,
                    **_columns(packet, document),
                    next_attempt_at=now,
                    content_cid=str(content_cid(packet)),
                    idempotency_key=idempotency_key,
                    created=now,
                    updated=now,
                )
            )
            _note(connection, packet, document, now, "created")
        return StoredFlow(packet, workflow_id, pattern, now, None)

    def get(self, packet_id: str) -> StoredFlow:
        """Return a packet; PacketNotFound."""
        with self._database.reading("reading a packet") as connection:
            return _read(_row(connection, packet_id))

    def flows(self, state: str | None = None) -> list[StoredFlow]:
        """Return every packet, or those in a state, the oldest first."""
        query = select(packets).order_by(packets.c.created, packets.c.packet_id)
        if state is not None:
            query = query.where(packets.c.state == state)
        with self._database.reading("listing packets") as connection:
            return [_read(row) for row in connection.execute(query)]

    def events(self, packet_id: str) -> list[FlowEvent]:
        """Return what happened to a packet, in order; PacketNotFound."""
        with self._database.reading("reading events") as connection:
            _row(connection, packet_id)
            query = select(events).where(events.c.packet_id == packet_id).order_by(events.c.seq)
            return [
                FlowEvent(
                    row.seq, row.stage, row.state, row.at, parse_canonical(row.detail.encode())
                )
                for row in connection.execute(query)
            ]

    # Leases

    def claim(self, packet_id: str | None = None) -> StoredFlow | None:
        """Take the lease of a packet, or of the one that has been due longest; None if none is.

        A lease that ran out, or whose runner is known to have ended, is taken over. PacketNotFound
        for a named packet that is unknown, LeaseLost for one that another runner holds.
        """
        now = self._clock()
        with self._database.writing("taking a packet") as connection:
            if packet_id is not None:
                row = _row(connection, packet_id)
                if not self._is_free(row, now):
                    raise LeaseLost(f"another runner has packet {packet_id}")
                return self._take(connection, row, now)
            query = (
                select(packets)
                .where(packets.c.next_attempt_at <= now)
                .order_by(packets.c.next_attempt_at, packets.c.packet_id)
            )
            for row in connection.execute(query).all():
                if self._is_free(row, now) and row.lease_owner != self.owner:
                    return self._take(connection, row, now)
        return None

    def renew(self, packet_ids: Collection[str]) -> None:
        """Hold leases for another `LEASE_S`; one that was taken over stays lost."""
        until = self._clock() + LEASE_S * _US
        with self._database.writing("keeping packets") as connection:
            connection.execute(
                update(packets)
                .where(packets.c.packet_id.in_(packet_ids), packets.c.lease_owner == self.owner)
                .values(lease_until=until)
            )

    def release(self, packet_id: str) -> None:
        """Give a lease back."""
        with self._database.writing("releasing a packet") as connection:
            connection.execute(
                update(packets)
                .where(packets.c.packet_id == packet_id, packets.c.lease_owner == self.owner)
                .values(lease_owner=None, lease_until=None)
            )

    def save(self, transition: Transition, what: str) -> None:
        """Store what became of a packet this runner has, and note `what` happened.

        LeaseLost when another runner took it over; then nothing is stored.
        """
        packet, now = transition.packet, self._clock()
        document = packet.encode()
        wake = next((each.at_us for each in transition.effects if isinstance(each, WakeAt)), now)
        with self._database.writing("storing a packet") as connection:
            changed = connection.execute(
                update(packets)
                .where(packets.c.packet_id == packet.packet_id)
                .where(packets.c.lease_owner == self.owner)
                .values(
                    **_columns(packet, document),
                    next_attempt_at=None if packet.is_finished else wake,
                    updated=now,
                )
            )
            if not changed.rowcount:
                raise LeaseLost(f"another runner took packet {packet.packet_id} over")
            _note(connection, packet, document, now, what)
            if any(isinstance(each, ReleaseCoins) for each in transition.effects):
                released = update(coins).where(coins.c.packet_id == packet.packet_id)
                connection.execute(released.values(released=True))

    def _is_free(self, row: Any, now: int) -> bool:
        if row.lease_owner is None or row.lease_owner == self.owner:
            return True
        return bool(row.lease_until < now) or self._presence.is_gone(row.lease_owner)

    def _take(self, connection: Connection, row: Any, now: int) -> StoredFlow:
        connection.execute(
            update(packets)
            .where(packets.c.packet_id == row.packet_id)
            .values(lease_owner=self.owner, lease_until=now + LEASE_S * _US)
        )
        return _read(row)

    # What is sent

    def intents(self, packet_id: str, kind: str) -> list[Intent]:
        """Return the signed transactions of a packet of one kind, in order."""
        query = (
            select(intents)
            .where(intents.c.packet_id == packet_id, intents.c.kind == kind)
            .order_by(intents.c.n)
        )
        with self._database.reading("reading what is sent") as connection:
            rows = connection.execute(query).all()
        return [Intent(row.n, Transaction.decode(row.raw), row.status) for row in rows]

    def add_intents(
        self,
        packet: DataFlowPacket,
        kind: str,
        txs: Sequence[Transaction],
        reserve: Sequence[OutPoint] = (),
    ) -> None:
        """Store signed transactions before any is sent, and keep the coins they spend (R41, R48).

        LeaseLost when another runner has the packet; FlowError ``coins-taken`` when another flow
        keeps one of the coins. Then nothing is stored.
        """
        with self._database.writing("storing what is sent") as connection:
            row = _row(connection, packet.packet_id)
            if row.lease_owner != self.owner:
                raise LeaseLost(f"another runner has packet {packet.packet_id}")
            for coin in reserve:
                _reserve(connection, coin, packet.packet_id)
            for n, tx in enumerate(txs):
                connection.execute(
                    insert(intents).values(
                        packet_id=packet.packet_id,
                        stage=str(packet.processing_stage),
                        kind=kind,
                        n=n,
                        txid=tx.txid,
                        raw=tx.encode(),
                        status="signed",
                    )
                )

    def mark(self, packet_id: str, kind: str, n: int, status: str) -> None:
        """Note how far a transaction has come."""
        with self._database.writing("noting what was sent") as connection:
            connection.execute(
                update(intents)
                .where(intents.c.packet_id == packet_id, intents.c.kind == kind, intents.c.n == n)
                .values(status=status)
            )

    def reserved_coins(self) -> frozenset[OutPoint]:
        """Return the coins that flows keep for their fundings."""
        query = select(coins.c.txid, coins.c.vout).where(~coins.c.released)
        with self._database.reading("reading coins") as connection:
            return frozenset(OutPoint(row.txid, row.vout) for row in connection.execute(query))

    # Counting

    def transitions(self) -> list[tuple[str, str, str, int]]:
        """Return packet, stage, state and time of every transition, in order."""
        query = select(events.c.packet_id, events.c.stage, events.c.state, events.c.at)
        with self._database.reading("reading events") as connection:
            rows = connection.execute(query.order_by(events.c.seq)).all()
        return [(row.packet_id, row.stage, row.state, row.at) for row in rows]


def _row(connection: Connection, packet_id: str) -> Any:
    row = connection.execute(select(packets).where(packets.c.packet_id == packet_id)).one_or_none()
    if row is None:
        raise PacketNotFound(f"there is no packet {packet_id[:80]!r}")
    return row


def _read(row: Any) -> StoredFlow:
    packet = DataFlowPacket.decode(row.document.encode())
    return StoredFlow(packet, row.workflow_id, row.pattern, row.next_attempt_at, row.lease_owner)


def _columns(packet: DataFlowPacket, document: bytes) -> Mapping[str, object]:
    return {
        "stage": str(packet.processing_stage),
        "state": str(packet.processing_state),
        "attempts": attempts_of(packet),
        "document": document.decode(),
    }


def _note(
    connection: Connection, packet: DataFlowPacket, document: bytes, now: int, what: str
) -> None:
    detail: JsonObject = {"what": what, "sha256": sha256(document).hexdigest()}
    connection.execute(
        insert(events).values(
            packet_id=packet.packet_id,
            stage=str(packet.processing_stage),
            state=str(packet.processing_state),
            at=now,
            detail=canonical_json(detail).decode(),
        )
    )


def _reserve(connection: Connection, coin: OutPoint, packet_id: str) -> None:
    is_it = (coins.c.txid == coin.txid) & (coins.c.vout == coin.vout)
    row = connection.execute(select(coins).where(is_it)).one_or_none()
    if row is None:
        values = {"txid": coin.txid, "vout": coin.vout, "packet_id": packet_id, "released": False}
        connection.execute(insert(coins).values(values))
    elif row.released:
        taken = update(coins).where(is_it).values(packet_id=packet_id, released=False)
        connection.execute(taken)
    elif row.packet_id != packet_id:
        raise FlowError("another flow keeps that coin", code="coins-taken")
