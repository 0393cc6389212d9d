"""Operations for owner peers: one wire form, or a page of the log (operations spec §11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from anyio import to_thread
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from lodestamp.core.encoding import INT_MAX, canonical_json
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.guard import guard_of
from lodestamp.faces.http.query import number_of
from lodestamp.node.home import Node

PAGE_MAX: Final = 500
"""Operations in a page: at 256 KiB each, what one answer may take in memory."""
JSON: Final = "application/json"


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    @get("/v1/ops/{op_id:str}")
    async def show(request: Request[Any, Any, Any], op_id: FromPath[str]) -> Response[bytes]:
        await guard_of(request).owner(request)
        operation = await to_thread.run_sync(node.op, op_id)
        return Response(operation.wire, media_type=JSON)

    @get("/v1/ops")
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        await guard_of(request).owner(request)
        after = number_of(request, "after", INT_MAX, default=-1)
        limit = number_of(request, "limit", PAGE_MAX, default=PAGE_MAX)
        return Response(await to_thread.run_sync(_page, node, after, limit), media_type=JSON)

    return show, page


def _page(node: Node, after: int, limit: int) -> bytes:
    """Return ``{"next","operations"}``: `next` is the last leaf index given, null at the end."""
    operations, next_ = node.peers.page(after, limit)
    return b"".join(
        (b'{"next":', canonical_json(next_), b',"operations":[', b",".join(operations), b"]}")
    )


MOUNT: Final = Mount("ops", _routes)
