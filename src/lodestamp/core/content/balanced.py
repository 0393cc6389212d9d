"""The balanced layout: a tree that grows upwards, every leaf at one depth (content spec R40)."""

from __future__ import annotations

from lodestamp.core.content.block import Block
from lodestamp.core.content.layout import Child, inner_node
from lodestamp.core.content.unixfs import NO_METADATA, Metadata
from lodestamp.core.encoding import HashCode


class BalancedTree:
    """Takes leaves in order and closes inner nodes as they fill.

    A last group of a single child still gets its own inner node; a single leaf is its own root.
    """

    __slots__ = ("_cid_version", "_hash_code", "_levels", "_max_links", "blocks")

    def __init__(
        self, *, cid_version: int, max_links: int, hash_code: int = HashCode.SHA2_256
    ) -> None:
        self._cid_version = cid_version
        self._hash_code = hash_code
        self._max_links = max_links
        self._levels: list[list[Child]] = [[]]
        self.blocks = 0
        """Leaves taken and nodes closed so far."""

    def add_leaf(self, leaf: Child) -> list[Block]:
        """Take the next leaf; return the blocks of the nodes this closes, lowest first."""
        self.blocks += 1
        return self._add(leaf, level=0)

    def finish(self, metadata: Metadata = NO_METADATA) -> tuple[Child, list[Block]]:
        """Close every open level; return the root and the blocks of the nodes this closes.

        At least one leaf was taken before. The root carries the metadata, unless it is that leaf.
        """
        assert self.blocks, "an empty file still has one leaf"  # noqa: S101  our own invariant
        closed: list[Block] = []
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            is_root = level + 1 == len(self._levels)
            node, block = self._close(self._levels[level], metadata if is_root else NO_METADATA)
            closed.append(block)
            closed += self._add(node, level=level + 1)
            level += 1
        return self._levels[level][0], closed

    def _add(self, child: Child, *, level: int) -> list[Block]:
        closed: list[Block] = []
        while level < len(self._levels) and len(self._levels[level]) == self._max_links:
            node, block = self._close(self._levels[level], NO_METADATA)
            closed.append(block)
            self._levels[level] = [child]
            child = node
            level += 1
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(child)
        return closed

    def _close(self, children: list[Child], metadata: Metadata) -> tuple[Child, Block]:
        self.blocks += 1
        version, hash_code = self._cid_version, self._hash_code
        return inner_node(children, metadata, cid_version=version, hash_code=hash_code)
