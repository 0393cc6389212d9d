"""How long a listener waits for a request: whoever sends too slowly gives the place to another.

A listener has so many connections and no more (`CONNECTIONS_MAX`). Without a bound, as many that
send nothing, or a byte now and then, would keep everybody else out for as long as they like.
"""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WINDOW_S_MAX: Final = 15
"""Seconds in which a connection must bring its request whole, or `WINDOW_SIZE_MIN` bytes of it."""
WINDOW_SIZE_MIN: Final = 16 << 10
"""Bytes: a link of ten kilobits a second brings as many, and a megabyte in a quarter of an hour."""


class PatientProtocol(H11Protocol):
    """Reads requests as uvicorn does, and closes a connection whose request comes too slowly.

    Time in which we work on a request, or do not read on, does not count.
    """

    _bell: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no longer."""
        if self._bell is not None:
            self._bell.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes."""
        self._received += len(data)
        super().data_received(data)

    def _watch(self) -> None:
        self._received = 0
        self._bell = self.loop.call_later(WINDOW_S_MAX, self._look)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self._waits_for_request() and self._received < WINDOW_SIZE_MIN:
            self.transport.close()
        else:
            self._watch()

    def _waits_for_request(self) -> bool:
        """Whether the other side is to send; not while its request is answered, or held back."""
        if self.flow.read_paused or self.conn.they_are_waiting_for_100_continue:
            return False
        return self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
