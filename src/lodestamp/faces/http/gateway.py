"""``/ipfs`` and ``/ipns``: the trustless gateway's routes (content spec §8).

Anyone may ask, from any page. At most 64 bodies stream at once, each for ten minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from anyio import to_thread
from litestar import HttpMethod, Request, Response, route
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

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
        return Stream(
            _paced(answer.body, places),
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


async def _paced(pieces: Iterator[bytes], places: _Places) -> AsyncIterator[bytes]:
    """Yield pieces read in a thread; past the time the connection is cut like a failure."""
    deadline = time.monotonic() + STREAM_S_MAX
    try:
        while True:
            piece = await to_thread.run_sync(next, pieces, None)
            if piece is None:
                return
            if time.monotonic() > deadline:
                raise TimeoutError("a body took too long")
            yield piece
    finally:
        places.give_back()


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    return gateway_routes(node.gateway)


MOUNT: Final = Mount("ipfs", _routes)
