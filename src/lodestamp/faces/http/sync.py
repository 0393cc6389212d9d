"""The routes of sync, under ``/v1/sync``: for owner peers (operations spec §11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from anyio import to_thread
from litestar import Request, Response, get, post
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from lodestamp.core.encoding import INT_MAX
from lodestamp.core.keys import KeyId
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.body import BODY_SIZE_MAX
from lodestamp.faces.http.guard import guard_of
from lodestamp.faces.http.query import number_of, text_of
from lodestamp.node.home import Node
from lodestamp.node.sync import (
    PUSH_SIZE_MAX,
    VECTOR_SIZE_MAX,
    DelegationServer,
    check_receipts,
)

BASE: Final = "/v1/sync"
LINES: Final = "application/x-ndjson"
OCTETS: Final = "application/octet-stream"
JSON: Final = "application/json"

_Asking = Request[Any, Any, Any]


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    server = node.peers.server

    @post(f"{BASE}/heads", status_code=HTTP_200_OK)
    async def heads(request: _Asking) -> Response[bytes]:
        body = await guard_of(request).owner(request)
        return Response(await to_thread.run_sync(server.heads, body), media_type=JSON)

    @get(f"{BASE}/symbols")
    async def symbols(request: _Asking) -> Response[bytes]:
        await guard_of(request).owner(request)
        size, first, count = (
            number_of(request, name, INT_MAX) for name in ("size", "from", "count")
        )
        frame = await to_thread.run_sync(server.symbols, size, first, count)
        return Response(frame, media_type=OCTETS)

    @get(f"{BASE}/ids")
    async def ids(request: _Asking) -> Stream:
        await guard_of(request).owner(request)
        size = number_of(request, "size", INT_MAX)
        return Stream(await to_thread.run_sync(server.ids, size), media_type=OCTETS)

    @post(f"{BASE}/push", request_max_body_size=PUSH_SIZE_MAX, status_code=HTTP_200_OK)
    async def push(request: _Asking) -> Stream:
        body, signed, delegate = await guard_of(request).pusher(
            request, node.peers.delegation.takes_receipts, size_max=PUSH_SIZE_MAX
        )
        if delegate:
            check_receipts(body, signed.key_id, signed.cap)
        return Stream(server.push(body, signed.key_id), media_type=LINES)

    @get(f"{BASE}/delegated")
    async def delegated(request: _Asking) -> Stream:
        cap_id = text_of(request, "cap")
        after = number_of(request, "after", INT_MAX, default=0)
        delegation = node.peers.delegation
        signed = await guard_of(request).audience(request, partial(_sees, delegation, cap_id))
        await to_thread.run_sync(node.notify, cap_id)
        lines = await to_thread.run_sync(delegation.stream, signed.key_id, cap_id, after)
        return Stream(lines, media_type=LINES)

    return (
        heads,
        delegated,
        symbols,
        ids,
        push,
        _lines("pull", server.pull),
        _lines("ops", server.ops),
        _lines("vector", server.vector, VECTOR_SIZE_MAX),
    )


def _sees(delegation: DelegationServer, cap_id: str, key_id: KeyId) -> bool:
    return delegation.may_see(key_id, cap_id)


def _lines(
    name: str, answer: Callable[[bytes], Iterator[bytes]], size_max: int = BODY_SIZE_MAX
) -> ControllerRouterHandler:
    """Return the route that answers a body with a stream of operations."""

    @post(f"{BASE}/{name}", name=name, request_max_body_size=size_max, status_code=HTTP_200_OK)
    async def stream(request: _Asking) -> Stream:
        body = await guard_of(request).owner(request, size_max=size_max)
        return Stream(await to_thread.run_sync(answer, body), media_type=LINES)

    return stream


MOUNT: Final = Mount("sync", _routes)
