"""The balanced layout: a tree that grows upwards, every leaf at one depth (content spec R40).

Only the open levels are held, at most `max_links` small values each, so memory does not grow with
the file beyond its logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.encoding import Cid, Codec, HashCode


@dataclass(frozen=True, slots=True)
class Block:
    """A block's bytes and the CID that names them."""

    cid: Cid
    data: bytes


class Child(NamedTuple):
    """What a parent keeps of a finished node.

    Its binary CID, the content bytes below it (`size`), and the bytes of its whole DAG
    (`dag_size`, the Tsize of R12).
    """

    cid: bytes
    size: int
    dag_size: int


class BalancedTree:
    """Takes leaves in order and closes inner nodes as they fill.

    A last group of a single child still gets its own inner node; a single leaf is its own root.
    """

    __slots__ = ("_cid_version", "_levels", "_max_links", "blocks")

    def __init__(self, *, cid_version: int, max_links: int) -> None:
        self._cid_version = cid_version
        self._max_links = max_links
        self._levels: list[list[Child]] = [[]]
        self.blocks = 0
        """Leaves taken and nodes closed so far."""

    def add_leaf(self, leaf: Child) -> list[Block]:
        """Take the next leaf; return the blocks of the nodes this closes, lowest first."""
        self.blocks += 1
        return self._add(leaf, level=0)

    def finish(self) -> tuple[Child, list[Block]]:
        """Close every open level; return the root and the blocks of the nodes this closes.

        At least one leaf was taken before.
        """
        assert self.blocks, "an empty file still has one leaf"  # noqa: S101  our own invariant
        closed: list[Block] = []
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            node, block = self._close(self._levels[level])
            closed.append(block)
            closed += self._add(node, level=level + 1)
            level += 1
        return self._levels[level][0], closed

    def _add(self, child: Child, *, level: int) -> list[Block]:
        closed: list[Block] = []
        while level < len(self._levels) and len(self._levels[level]) == self._max_links:
            node, block = self._close(self._levels[level])
            closed.append(block)
            self._levels[level] = [child]
            child = node
            level += 1
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(child)
        return closed

    def _close(self, children: list[Child]) -> tuple[Child, Block]:
        """Make the inner node over these children (R11, R12, R21)."""
        self.blocks += 1
        size = sum(child.size for child in children)
        entry = unixfs.Entry(
            unixfs.EntryType.FILE,
            filesize=size,
            blocksizes=tuple(child.size for child in children),
        )
        links = b"".join(dag_pb.encode_link(cid, b"", dag_size) for cid, _, dag_size in children)
        data = dag_pb.join(links=links, data=unixfs.encode(entry))
        cid = Cid(self._cid_version, Codec.DAG_PB, HashCode.SHA2_256, sha256(data).digest())
        dag_size = len(data) + sum(child.dag_size for child in children)
        return Child(cid.encode(), size, dag_size), Block(cid, data)
