"""JSON-RPC over HTTP as bitcoind has it: one route behind a user and a password.

``POST /`` answers; 401 without the credentials, 405 for another method, 413 for too large a body.
What a request means is the dispatcher's: bytes in, status and bytes out.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Callable
from ipaddress import ip_address
from math import inf
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Final, Self

import uvicorn
from litestar import Litestar, Request, Response, post
from litestar.exceptions import NotAuthorizedException

from lodestamp.errors import StoreError
from lodestamp.faces.http.listening import listening_socket
from lodestamp.node.chains import RpcReply
from lodestamp.node.whole import write_whole

Answer = Callable[[bytes], RpcReply]
"""A dispatcher; it is called in a thread."""

COOKIE_USER: Final = "__cookie__"
"""The user that bitcoind writes before the secret of a cookie."""

_STOP_POLL_S: Final = 0.05


def rpc_app(answer: Answer, credentials: str, *, body_size_max: int) -> Litestar:
    """Return the application; `credentials` are ``user:password``."""
    expected = b"Basic " + b64encode(credentials.encode())

    async def require_credentials(connection: Any, _handler: object) -> None:
        given = connection.headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, expected):
            raise NotAuthorizedException(headers={"WWW-Authenticate": 'Basic realm="jsonrpc"'})

    @post("/", guards=[require_credentials], status_code=200, sync_to_thread=None)
    async def call(request: Request[Any, Any, Any]) -> Response[bytes]:
        from anyio import to_thread  # noqa: PLC0415  litestar brings it along

        reply = await to_thread.run_sync(answer, await request.body())
        return Response(reply.body, status_code=reply.status, media_type="application/json")

    return Litestar(
        [call], logging_config=None, openapi_config=None, request_max_body_size=body_size_max
    )


class RpcServer:
    """A listener for one dispatcher, in a thread of its own while it is entered.

    Who may ask is who can read the file `cookie`, as with bitcoind: ``user:password``, mode 0600,
    new each time and gone at the end. `port` is the one it listens on, chosen by the system where 0
    was asked for. StoreError when the cookie cannot be written or the port is taken.
    """

    def __init__(
        self, answer: Answer, host: str, port: int, *, cookie: Path, body_size_max: int
    ) -> None:
        self.cookie = cookie
        credentials = f"{COOKIE_USER}:{secrets.token_hex(32)}"
        try:
            write_whole(cookie, credentials.encode(), mode=0o600)
            self._socket = listening_socket(host, port)
        except OSError as error:
            raise StoreError(f"cannot listen: {error.strerror or error}", code="io") from error
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            rpc_app(answer, credentials, body_size_max=body_size_max),
            log_level="error",
            access_log=False,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, name="rpc", daemon=True)

    def stop(self) -> None:
        """End after the replies that are under way."""
        self._server.should_exit = True

    def wait(self, seconds: float = inf) -> bool:
        """Return when the listener has ended, or after so many seconds; tell whether it has."""
        deadline = monotonic() + seconds
        while self._thread.is_alive() and monotonic() < deadline:
            self._thread.join(_STOP_POLL_S)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.wait()
        self._socket.close()
        self.cookie.unlink(missing_ok=True)

    def _run(self) -> None:
        self._server.run([self._socket])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host name or address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
