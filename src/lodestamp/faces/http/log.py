"""``/log``: the log as C2SP tlog-tiles lays it out, for everybody (transparency spec §4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from anyio import to_thread
from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.problem import problem
from lodestamp.node.home import Node

BASE: Final = "/log"
FOREVER: Final = "public, max-age=31536000, immutable"
"""What is named by its place and width never changes."""


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    published = node.public.published

    @get(f"{BASE}/checkpoint")
    async def checkpoint() -> Response[bytes]:
        note = await to_thread.run_sync(published.checkpoint)
        return Response(
            note,
            media_type="text/plain",
            headers={"Cache-Control": "no-cache"},
        )

    @get(f"{BASE}/tile/{{rest:path}}")
    async def tile(request: Request[Any, Any, Any]) -> Response[bytes]:
        path = request.scope["raw_path"].decode("latin-1").removeprefix(f"{BASE}/")
        found = await to_thread.run_sync(published.find, path)
        if found is None:
            return problem(
                404,
                title="No such tile",
                detail="no tile path, or beyond the published size",
                code="not-found",
            )
        return Response(
            found, media_type="application/octet-stream", headers={"Cache-Control": FOREVER}
        )

    return (checkpoint, tile)


MOUNT: Final = Mount("log", _routes)
