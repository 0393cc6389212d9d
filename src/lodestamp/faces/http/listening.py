"""The one listener of a node: bound before it is announced, stopped by a signal or a flag."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Final, Self

import uvicorn
from litestar import Litestar

from lodestamp.errors import ListenError, UsageError
from lodestamp.faces.http.patience import PatientProtocol

DEFAULT_ADDRESS: Final = "127.0.0.1:8470"
CONNECTIONS_MAX: Final = 256
"""Requests served at once; more are told to come again, so that memory stays bounded."""
KEEP_ALIVE_S_MAX: Final = 15
"""Seconds that an idle connection is kept."""
STOP_S_MAX: Final = 10
"""Seconds that running requests get when the listener is told to stop."""
_BACKLOG: Final = 128
_ADDRESS: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host name or IP address, and a port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def names(self) -> frozenset[str]:
        """What a caller may call this listener: its own spelling, and localhost on loopback."""
        try:
            loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = self.host == "localhost"
        return frozenset({str(self), *([f"localhost:{self.port}"] if loopback else [])})


def parse_address(text: str) -> Address:
    """Read ``HOST:PORT``, an IPv6 host in brackets; UsageError when it is not that.

    >>> parse_address("[::1]:8470")
    Address(host='::1', port=8470)
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[3]) > 65_535:
        hint = "HOST:PORT, such as 127.0.0.1:8470 or [::1]:0"
        raise UsageError(f"{text!r} is no address to listen on", code="bad-address", hint=hint)
    return Address(found[1] or found[2], int(found[3]))


class Listener:
    """A bound socket, and the loop that serves an application on it. Use it once."""

    def __init__(self, bound: socket.socket, address: Address) -> None:
        self._socket = bound
        self.address = address
        self._server: _Server | None = None
        self._stopped = threading.Event()

    @classmethod
    def bind(cls, address: Address) -> Self:
        """Take the address; ListenError when it is taken, or not ours. Nothing is served yet."""
        try:
            bound = listening_socket(address.host, address.port)
        except OSError as error:
            hint = "--listen 127.0.0.1:0 takes any free port"
            raise ListenError(f"{address}: {error.strerror}", hint=hint) from error
        return cls(bound, Address(address.host, bound.getsockname()[1]))

    def run(
        self,
        application: Litestar,
        *,
        connections_max: int = CONNECTIONS_MAX,
        protocol: type[asyncio.Protocol] = PatientProtocol,
    ) -> None:
        """Serve until `stop`, or in the main thread until SIGINT or SIGTERM; then let go.

        Of more than `connections_max` connections at once the others are told to come again.
        `protocol` reads the requests.
        """
        configuration = uvicorn.Config(
            application,
            access_log=False,
            http=protocol,
            interface="asgi3",
            lifespan="on",
            limit_concurrency=connections_max,
            log_config=None,
            loop="asyncio",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_S_MAX,
            timeout_keep_alive=KEEP_ALIVE_S_MAX,
            ws="none",
        )
        self._server = _Server(configuration)
        if self._stopped.is_set():
            self._server.should_exit = True
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.close()

    def stop(self) -> None:
        """Ask a running loop to end, from any thread."""
        self._stopped.set()
        if self._server is not None:
            self._server.should_exit = True

    def close(self) -> None:
        """Let the address go."""
        self._socket.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a TCP socket that listens at a name or an IP address; OSError where it cannot.

    It says that it is TCP, which `socket.create_server` leaves open: asyncio turns Nagle's delay
    off only where it is said, and an answer in two writes would wait 40 ms for the other side.
    """
    family, kind, protocol, _, where = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere the option would let another program take the port too
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(where)
        bound.listen(_BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


class _Server(uvicorn.Server):
    """The loop, ended by a flag: a signal only raises it, so that the node still closes."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self._raise_flag) for each in signals}
        try:
            yield
        finally:
            for each, former in before.items():
                signal.signal(each, former)

    def _raise_flag(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit  # a second signal does not wait for anybody
        self.should_exit = True
