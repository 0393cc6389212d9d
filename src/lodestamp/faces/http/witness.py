"""``/witness``: cosigning checkpoints of other logs (transparency spec §4, C2SP tlog-witness).

Nobody is asked who they are: the signature of a log that is witnessed here is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from anyio import to_thread
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from lodestamp.core.transparency import ADD_CHECKPOINT_SIZE_MAX
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.body import read_body
from lodestamp.faces.http.problem import problem
from lodestamp.node.home import Node

BASE: Final = "/witness"


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    witness = node.public.witness

    @post(f"{BASE}/add-checkpoint", status_code=HTTP_200_OK)
    async def add_checkpoint(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await read_body(request, ADD_CHECKPOINT_SIZE_MAX)
        answer = await to_thread.run_sync(witness.add_checkpoint, body)
        if not answer.body:
            return problem(
                answer.status, title="Not cosigned", detail=answer.reason, code=answer.code
            )
        return Response(
            answer.body,
            status_code=answer.status,
            headers={"Cache-Control": "no-store", "Content-Type": answer.media_type},
        )

    @get(f"{BASE}/{{digest:str}}/checkpoint")
    async def checkpoint(digest: FromPath[str]) -> Response[bytes]:
        note = await to_thread.run_sync(witness.checkpoint, digest)
        if note is None:
            return problem(
                404,
                title="No such log",
                detail="nothing of this log was cosigned here",
                code="not-found",
            )
        return Response(
            note,
            media_type="text/plain",
            headers={"Cache-Control": "no-cache"},
        )

    return (add_checkpoint, checkpoint)


MOUNT: Final = Mount("witness", _routes)
