"""One application out of mounts: each a name, and the routes it gives to a node.

Every application answers errors as problem documents, bounds every body, compresses where the
caller asks for it, and serves no generated documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from lodestamp.faces.http.body import BODY_SIZE_MAX
from lodestamp.faces.http.guard import Guard
from lodestamp.faces.http.problem import exception_handlers
from lodestamp.node.home import Node

_GZIP_LEVEL: Final = 4
_AS_THEY_ARE: Final = ("^/ipfs/", "^/ipns/", "^/log/tile/")
"""Bodies whose length, ranges and Etag are of the very bytes that a CID names, and hashes."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Routes of one concern, made for a node."""

    name: str
    routes: Callable[[Node], Sequence[ControllerRouterHandler]]


def make_application(node: Node, mounts: Iterable[Mount], hosts: Iterable[str]) -> Litestar:
    """Return the application that serves these mounts from a node; it closes nothing.

    `hosts` are the names the listener goes by, ``host:port`` each: a signed request must be meant
    for one of them. Routes find the guard that checks this as ``state.guard``.
    """
    routes = [route for mount in mounts for route in mount.routes(node)]
    return Litestar(
        route_handlers=routes,
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=_GZIP_LEVEL, exclude=list(_AS_THEY_ARE)
        ),
        exception_handlers=exception_handlers(),
        logging_config=None,
        openapi_config=None,
        request_max_body_size=BODY_SIZE_MAX,
        state=State({"guard": Guard(node.peers.access, frozenset(hosts))}),
    )
