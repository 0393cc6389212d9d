"""Leases that are held while work goes on: one thread renews them all (R48)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from lodestamp.errors import LeaseLost, LodestampError
from lodestamp.node.flows.store import LEASE_S, FlowStore, StoredFlow


class Leases:
    """The packets this process has in hand."""

    def __init__(self, store: FlowStore) -> None:
        self._store = store
        self._lock = Lock()
        self._held: set[str] = set()
        self._stop = Event()
        self._thread: Thread | None = None

    @contextmanager
    def held(self, packet_id: str) -> Iterator[StoredFlow]:
        """Hold a packet; LeaseLost when another runner, or another thread here, has it."""
        self._enter(packet_id)
        try:
            found = self._store.claim(packet_id)
            assert found is not None  # noqa: S101  a named packet is given or refused
            yield found
        finally:
            self._leave(packet_id)

    @contextmanager
    def next_due(self) -> Iterator[StoredFlow | None]:
        """Hold the packet that has been due longest; None when there is none."""
        with self._lock:
            found = self._store.claim()
            if found is not None:
                self._held.add(found.packet.packet_id)
        if found is None:
            yield None
            return
        self._renewing()
        try:
            yield found
        finally:
            self._leave(found.packet.packet_id)

    def close(self) -> None:
        """Stop renewing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _enter(self, packet_id: str) -> None:
        with self._lock:
            if packet_id in self._held:
                raise LeaseLost(f"packet {packet_id} is being worked on here")
            self._held.add(packet_id)
        self._renewing()

    def _leave(self, packet_id: str) -> None:
        try:
            self._store.release(packet_id)
        finally:
            with self._lock:
                self._held.discard(packet_id)

    def _renewing(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._renew, name="flow-leases", daemon=True)
                self._thread.start()

    def _renew(self) -> None:
        while not self._stop.wait(LEASE_S / 3):
            with self._lock:
                held = set(self._held)
            try:
                if held:
                    self._store.renew(held)
            except LodestampError:
                continue  # a busy database; a lease that runs out is noticed when it is used
