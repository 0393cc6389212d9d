"""The trickle layout: a tree that is deeper the later its leaves come (content spec R41).

Every node holds up to `max_links` leaves, then trees of depth 1, 2, 3 ..., four of each. A tree of
depth d stops below d; the root never does. The root is an inner node even over one leaf or none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lodestamp.core.content.block import Block
from lodestamp.core.content.layout import Child, inner_node
from lodestamp.core.content.unixfs import NO_METADATA, Metadata
from lodestamp.core.encoding import HashCode

_TREES_PER_DEPTH: Final = 4


@dataclass(slots=True)
class _Open:
    """A node that may still grow; `depth` bounds its subtrees, None at the root."""

    depth: int | None
    children: list[Child] = field(default_factory=list)


class TrickleTree:
    """Takes leaves in order; a node closes when it and all trees below it are full."""

    __slots__ = ("_cid_version", "_hash_code", "_max_links", "_open", "blocks")

    def __init__(
        self, *, cid_version: int, max_links: int, hash_code: int = HashCode.SHA2_256
    ) -> None:
        self._cid_version = cid_version
        self._hash_code = hash_code
        self._max_links = max_links
        self._open = [_Open(None)]
        self.blocks = 0
        """Leaves taken and nodes closed so far."""

    def add_leaf(self, leaf: Child) -> list[Block]:
        """Take the next leaf; return the blocks of the nodes this closes, lowest first."""
        self.blocks += 1
        closed: list[Block] = []
        while len(self._open[-1].children) >= self._max_links:
            top = self._open[-1]
            depth = 1 + (len(top.children) - self._max_links) // _TREES_PER_DEPTH
            if top.depth is None or depth < top.depth:
                self._open.append(_Open(depth))
            else:
                closed.append(self._close_top())
        self._open[-1].children.append(leaf)
        return closed

    def finish(self, metadata: Metadata = NO_METADATA) -> tuple[Child, list[Block]]:
        """Close every open node; return the root and the blocks of the nodes this closes."""
        closed: list[Block] = []
        while len(self._open) > 1:
            closed.append(self._close_top())
        root, block = self._close(self._open[0], metadata)
        return root, [*closed, block]

    def _close_top(self) -> Block:
        node, block = self._close(self._open.pop(), NO_METADATA)
        self._open[-1].children.append(node)
        return block

    def _close(self, node: _Open, metadata: Metadata) -> tuple[Child, Block]:
        self.blocks += 1
        version, hash_code = self._cid_version, self._hash_code
        return inner_node(node.children, metadata, cid_version=version, hash_code=hash_code)
