"""The simulator's JSON-RPC over HTTP, on loopback, behind a cookie file (bitcoin spec R37).

One route, ``POST /``, as bitcoind has it: 401 without the cookie's user and secret, 405 for another
method, 413 for a body above 8 MiB. The dispatcher is `lodestamp.node.chains.SimulatorRpc`.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self

import uvicorn
from litestar import Litestar, Request, Response, post
from litestar.exceptions import NotAuthorizedException

from lodestamp.errors import StoreError, UsageError
from lodestamp.faces.http.listening import listening_socket
from lodestamp.node.chains import RPC_BODY_MAX, SimulatorRpc
from lodestamp.node.whole import write_whole

COOKIE_USER: Final = "__cookie__"
"""The user that bitcoind writes before the secret of a cookie."""

_STOP_POLL_S: Final = 0.05


def rpc_app(rpc: SimulatorRpc, cookie: str, stopping: Callable[[], None]) -> Litestar:
    """Return the application; `cookie` is ``user:secret``, `stopping` is called after `stop`."""
    expected = b"Basic " + b64encode(cookie.encode())

    async def require_cookie(connection: Any, _handler: object) -> None:
        given = connection.headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, expected):
            raise NotAuthorizedException(headers={"WWW-Authenticate": 'Basic realm="jsonrpc"'})

    @post("/", guards=[require_cookie], status_code=200, sync_to_thread=None)
    async def call(request: Request[Any, Any, Any]) -> Response[bytes]:
        from anyio import to_thread  # noqa: PLC0415  litestar brings it along

        reply = await to_thread.run_sync(rpc.handle, await request.body())
        if rpc.is_stopping:
            stopping()
        return Response(reply.body, status_code=reply.status, media_type="application/json")

    return Litestar(
        [call],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=RPC_BODY_MAX,
    )


class SimulatorServer:
    """A listener for one simulator, in a thread of its own while it is entered.

    `port` is the one it listens on, chosen by the system where 0 was asked for. UsageError for a
    host that is not loopback, unless `anywhere`; StoreError when the cookie cannot be written or
    the port is taken.
    """

    def __init__(
        self, rpc: SimulatorRpc, host: str, port: int, cookie: Path, *, anywhere: bool = False
    ) -> None:
        if not anywhere and not _is_loopback(host):
            hint = "whoever reaches it owns the chain; --i-know listens there all the same"
            raise UsageError(f"{host} is not loopback", hint=hint)
        self.cookie = cookie
        secret = f"{COOKIE_USER}:{secrets.token_hex(32)}"
        try:
            write_whole(cookie, secret.encode(), mode=0o600)
            self._socket = listening_socket(host, port)
            self.port: int = self._socket.getsockname()[1]
        except OSError as error:
            raise StoreError(f"cannot listen: {error.strerror or error}", code="io") from error
        config = uvicorn.Config(
            rpc_app(rpc, secret, self.stop), log_level="error", access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, name="simulator-rpc", daemon=True)

    def stop(self) -> None:
        """End after the replies that are under way."""
        self._server.should_exit = True

    def wait(self) -> None:
        """Return when the listener has ended."""
        while self._thread.is_alive():
            self._thread.join(_STOP_POLL_S)

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


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
