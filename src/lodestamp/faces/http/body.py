"""Reading a request's body, never more of it than a route takes."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request

from lodestamp.errors import LimitExceeded

BODY_SIZE_MAX: Final = 1 << 20
"""Bytes of a request's body where a route names no other bound: a list of 1,000 ids has 74 kB."""


async def read_body(request: Request[Any, Any, Any], size_max: int = BODY_SIZE_MAX) -> bytes:
    """Read a body of at most `size_max` bytes; LimitExceeded as soon as there is one more.

    A route that takes more than `BODY_SIZE_MAX` must say so to the framework as well, with its
    `request_max_body_size`.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > size_max:
            raise LimitExceeded("the size of the request's body", size_max, size)
        pieces.append(piece)
    return b"".join(pieces)
