"""A pinning service over this node's blocks (remote pinning API 1.0.0, content spec R122).

Requests are kept in the database, each tenant's apart from the others'. One worker fetches what is
missing, through the gateways and the kubo that were configured and nowhere else, and pins it. A DAG
that several tenants want is one pin; it is let go with the last request for it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from lodestamp.core.encoding import Cid
from lodestamp.errors import LodestampError, PinError
from lodestamp.node.blocks.pin_requests import PinProgress, PinQuery, PinRequest, PinStatus
from lodestamp.node.blocks.pins import Pin, remove_pin, write_pins
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.blocks.tables import pin_requests, pins

REQUESTS_MAX: Final = 100_000
"""Requests of one tenant: a search by name reads all of them."""
_logger: Final = logging.getLogger("lodestamp.blocks")
_REASON_SIZE: Final = 300
_OURS: Final = {"for": "tenants"}
"""What marks a pin that was set for a request, in its `meta`."""
_UNFINISHED: Final = ("queued", "pinning")

Fetch = Callable[[Cid], None]
"""Brings a whole DAG into the store; raises LodestampError when it cannot."""


class Tenants:
    """Who may ask: names, each with the SHA-256 of its bearer token. The tokens are not kept."""

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

    def of_token(self, token: str) -> str | None:
        """Return the tenant whose token this is; every one is compared, in constant time."""
        digest = hashlib.sha256(token.encode()).digest()
        found = None
        for name, expected in self._digests.items():
            if hmac.compare_digest(digest, expected):
                found = name
        return found


class PinningService:
    """The requests of all tenants. Thread-safe; of several processes one should `start`."""

    def __init__(self, store: BlockStore, fetch: Fetch) -> None:
        self._store = store
        self._fetch = fetch
        self._woken = threading.Event()
        self._stopping = False
        self._worker: threading.Thread | None = None

    def start(self) -> None:
        """Work in the background, beginning with what an earlier run left open."""
        self._woken.set()
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="lodestamp-pin", daemon=True)
            self._worker.start()

    def close(self) -> None:
        """Stop working after the request at hand; it and the open ones go on another time."""
        self._stopping = True
        self._woken.set()
        if self._worker is not None:
            self._worker.join()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait()
            self._woken.clear()
            try:
                while self.work() and not self._stopping:
                    pass
            except Exception:
                # whatever it was, the other requests go on when the next one comes
                _logger.exception("keeping content for tenants")

    def add(self, tenant: str, request: PinRequest) -> PinStatus:
        """Take a request; PinError ``pin.quota`` when the tenant has too many."""
        with self._store.database.writing("taking a pin request") as connection:
            count = connection.execute(
                select(func.count()).select_from(pin_requests).where(_of(tenant))
            ).scalar_one()
            if count >= REQUESTS_MAX:
                message = f"{count:,} requests are here, and no more are taken"
                raise PinError(message, code="pin.quota")
            status = self._insert(connection, tenant, request)
        self._woken.set()
        return status

    def get(self, tenant: str, request_id: str) -> PinStatus:
        """Return how a request stands; PinError ``pin.unknown`` unless it is the tenant's."""
        with self._store.database.reading("reading a pin request") as connection:
            return self._read(connection, tenant, request_id)

    def find(self, tenant: str, query: PinQuery) -> tuple[int, list[PinStatus]]:
        """Return how many of the tenant's requests match, and the newest up to the limit."""
        conditions = [_of(tenant), pin_requests.c.status.in_(query.progress)]
        if query.cids:
            conditions.append(pin_requests.c.cid.in_([cid.encode() for cid in query.cids]))
        if query.before_ms is not None:
            conditions.append(pin_requests.c.created_at < query.before_ms)
        if query.after_ms is not None:
            conditions.append(pin_requests.c.created_at > query.after_ms)
        newest = pin_requests.c.created_at.desc(), pin_requests.c.id
        with self._store.database.reading("searching pin requests") as connection:
            rows = connection.execute(
                select(pin_requests).where(and_(*conditions)).order_by(*newest)
            )
            matching = [
                status
                for row in rows
                if query.names(row.name)
                and query.meta.items() <= (status := self._status(row)).request.meta.items()
            ]
        return len(matching), matching[: query.limit]

    def replace(self, tenant: str, request_id: str, request: PinRequest) -> PinStatus:
        """Put a request in the place of one, in one step; PinError ``pin.unknown``."""
        with self._store.database.writing("replacing a pin request") as connection:
            old = self._read(connection, tenant, request_id)
            status = self._insert(connection, tenant, request)
            self._remove(connection, old)
        self._woken.set()
        return status

    def remove(self, tenant: str, request_id: str) -> None:
        """Withdraw a request, and the pin with the last one for it; PinError ``pin.unknown``."""
        with self._store.database.writing("withdrawing a pin request") as connection:
            self._remove(connection, self._read(connection, tenant, request_id))

    def work(self) -> bool:
        """Do what the oldest open request asks; False when there is none.

        What cannot be fetched or pinned ends ``failed``, with the reason in its report.
        """
        with self._store.database.writing("beginning a pin request") as connection:
            row = connection.execute(
                select(pin_requests)
                .where(pin_requests.c.status.in_(_UNFINISHED))
                .order_by(pin_requests.c.created_at, pin_requests.c.id)
                .limit(1)
            ).one_or_none()
            if row is None:
                return False
            _set(connection, row.id, "pinning", {})
        cid = Cid.decode(row.cid)
        try:
            with self._store.keeping_blocks():
                self._fetch(cid)
                self._keep(row.id, Pin(cid, name=row.name, meta=_OURS))
        except LodestampError as error:
            if self._stopping:
                return False  # it is still open, and goes on another time
            with self._store.database.writing("ending a pin request") as connection:
                _set(connection, row.id, "failed", {"reason": error.message[:_REASON_SIZE]})
                self._let_go(connection, cid)
        return True

    def require_running(self, _done: int = 0, _total: int = 0) -> None:
        """Raise PinError ``pin.stopped`` once `close` was called: for a fetch to end early."""
        if self._stopping:
            raise PinError("the service stops", code="pin.stopped")

    def _keep(self, request_id: str, pin: Pin) -> None:
        """Pin what is all here, unless the request was withdrawn meanwhile."""
        self._store.require_complete(pin)
        with self._store.database.writing("ending a pin request") as connection:
            if _set(connection, request_id, "pinned", {}) and not _is_pinned(connection, pin.cid):
                write_pins(connection, [pin], self._store.clock())

    def _insert(self, connection: Connection, tenant: str, request: PinRequest) -> PinStatus:
        created_ms = self._store.clock()
        status = PinStatus(str(uuid.uuid4()), "queued", created_ms, request)
        connection.execute(
            insert(pin_requests).values(
                id=status.id,
                tenant=tenant,
                cid=request.cid.encode(),
                name=request.name,
                origins=orjson.dumps(request.origins).decode(),
                meta=orjson.dumps(dict(request.meta)).decode(),
                info="{}",
                status=status.progress,
                created_at=created_ms,
            )
        )
        return status

    def _read(self, connection: Connection, tenant: str, request_id: str) -> PinStatus:
        row = connection.execute(
            select(pin_requests).where(_of(tenant), pin_requests.c.id == request_id)
        ).one_or_none()
        if row is None:
            raise PinError("there is no such request", code="pin.unknown")
        return self._status(row)

    def _remove(self, connection: Connection, status: PinStatus) -> None:
        connection.execute(delete(pin_requests).where(pin_requests.c.id == status.id))
        self._let_go(connection, status.request.cid)

    def _let_go(self, connection: Connection, cid: Cid) -> None:
        """Unpin what was pinned for tenants, unless a request for it stands or is still open."""
        wanted = select(func.count()).where(
            pin_requests.c.cid == cid.encode(), pin_requests.c.status != "failed"
        )
        if connection.execute(wanted).scalar_one() == 0 and _is_ours(connection, cid.encode()):
            remove_pin(connection, cid)

    def _status(self, row: Any) -> PinStatus:
        request = PinRequest(
            Cid.decode(row.cid), row.name, tuple(orjson.loads(row.origins)), orjson.loads(row.meta)
        )
        report = orjson.loads(row.info)
        return PinStatus(row.id, row.status, row.created_at, request, report=report)


def _of(tenant: str) -> ColumnElement[bool]:
    return pin_requests.c.tenant == tenant


def _set(
    connection: Connection, request_id: str, progress: PinProgress, report: Mapping[str, str]
) -> bool:
    """Note how far a request came; False when it was withdrawn."""
    result = connection.execute(
        update(pin_requests)
        .where(pin_requests.c.id == request_id)
        .values(status=progress, info=orjson.dumps(dict(report)).decode())
    )
    return result.rowcount == 1


def _is_pinned(connection: Connection, cid: Cid) -> bool:
    query = select(pins.c.mode).where(pins.c.cid == cid.encode())
    return connection.execute(query).scalar() == "recursive"


def _is_ours(connection: Connection, key: bytes) -> bool:
    """Tell whether the pin was set for tenants alone: the owner's own pins stay."""
    meta = connection.execute(select(pins.c.meta).where(pins.c.cid == key)).scalar()
    return meta is not None and orjson.loads(meta) == _OURS
