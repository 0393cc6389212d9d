"""``/ipfs`` and ``/ipns``: the trustless gateway's routes (content spec §8).

Anyone may ask, from any page. At most 64 bodies stream at once, each for ten minutes.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from anyio import fail_after, to_thread
from litestar import HttpMethod, Request, Response, route
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from lodestamp.errors import GatewayRefusal
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.problem import problem
from lodestamp.node.blocks import CORS_HEADERS, METHODS, Answer, Gateway
from lodestamp.node.home import Node

STREAMS_MAX: Final = 64
"""Bodies sent at once: each holds a thread while it reads and one block in memory."""
STREAM_S_MAX: Final = 600
"""Seconds one body may take; who reads slower than that asks for ranges."""
_RETRY_S: Final = "5"
_PATHS: Final = ["/ipfs/{rest:path}", "/ipns/{rest:path}"]


class _Places:
    """Counts the bodies being sent."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(STREAMS_MAX)

    def take(self) -> bool:
        return self._free.acquire(blocking=False)

    def give_back(self) -> None:
        self._free.release()


def gateway_routes(gateway: Gateway) -> Sequence[ControllerRouterHandler]:
    """Return the routes that answer from a gateway."""
    places = _Places()

    @route(_PATHS, http_method=list(HttpMethod))
    async def serve(request: Request[Any, Any, Any]) -> Response[Any]:
        if request.method == HttpMethod.OPTIONS:
            return Response(None, status_code=204, headers={**CORS_HEADERS, "Allow": METHODS})
        if request.method not in (HttpMethod.GET, HttpMethod.HEAD):
            return _refused(
                GatewayRefusal(
                    405, f"{METHODS} are served", code="gateway.method", headers={"Allow": METHODS}
                )
            )
        path = request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        try:
            answer = await to_thread.run_sync(
                gateway.answer, path, query, dict(request.headers.items())
            )
        except GatewayRefusal as refusal:
            return _refused(refusal)
        headers = {**answer.headers, **CORS_HEADERS}
        if request.method == HttpMethod.HEAD or isinstance(answer.body, bytes):
            return _whole(request, answer, headers)
        if not places.take():
            return _refused(
                GatewayRefusal(
                    429,
                    "too many bodies are being sent",
                    code="gateway.busy",
                    headers={"Retry-After": _RETRY_S},
                )
            )
        return _Paced(
            answer.body,
            places,
            status_code=answer.status,
            headers=headers,
            media_type=headers["Content-Type"],
        )

    return (serve,)


def _whole(
    request: Request[Any, Any, Any], answer: Answer, headers: dict[str, str]
) -> Response[Any]:
    body = answer.body if isinstance(answer.body, bytes) else b""
    if request.method == HttpMethod.HEAD:
        body = b""
    kind = headers.get("Content-Type")
    response = Response(body, status_code=answer.status, headers=headers, media_type=kind)
    if kind is None:
        response.media_type = None
    return response


def _refused(refusal: GatewayRefusal) -> Response[bytes]:
    response = problem(
        refusal.status,
        title="The gateway does not serve this",
        detail=refusal.message,
        code=refusal.code,
    )
    for name, value in {**CORS_HEADERS, **refusal.headers}.items():
        response.headers[name] = value
    return response


class _Paced(Stream):
    """A body in pieces, and the place it takes until it ends, in whatever way."""

    def __init__(self, pieces: Iterator[bytes], places: _Places, **response: Any) -> None:
        super().__init__(_read(pieces), **response)
        self._places = places

    def to_asgi_response(self, *args: Any, **response: Any) -> ASGIResponse:
        made = super().to_asgi_response(*args, **response)
        assert isinstance(made, ASGIStreamingResponse)  # noqa: S101  what a Stream makes
        return _PacedResponse(made, self._places)


class _PacedResponse(ASGIResponse):
    """Sends a body; past the time the connection is cut like a failure.

    The time counts for the whole, as who does not read leaves us waiting to send, not to read.
    """

    def __init__(self, body: ASGIStreamingResponse, places: _Places) -> None:
        super().__init__()
        self._body = body
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with fail_after(STREAM_S_MAX):
                await self._body(scope, receive, send)
        finally:
            self._places.give_back()


async def _read(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces, each read in a thread."""
    while (piece := await to_thread.run_sync(next, pieces, None)) is not None:
        yield piece


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    return gateway_routes(node.gateway)


MOUNT: Final = Mount("ipfs", _routes)
