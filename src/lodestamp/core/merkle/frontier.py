"""The state of an append-only tree between two appends (transparency spec R7, R12).

A frontier holds the peaks: the roots of the full subtrees that make up the tree, left to right, one
for each bit of its size. That is all an append needs, however large the tree has grown.

>>> from lodestamp.core.merkle.tree import leaf_hashes, root
>>> leaves = leaf_hashes([b"one", b"two", b"three"])
>>> Frontier.EMPTY.extend(leaves[:1]).extend(leaves[1:]).root() == root(leaves)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lodestamp.core.encoding import Digest
from lodestamp.core.merkle.nodes import TileNodes
from lodestamp.core.merkle.tiles import TILE_HEIGHT, HashReader, require_size
from lodestamp.core.merkle.tree import fold_right, parents, require_hashes
from lodestamp.errors import UsageError


@dataclass(frozen=True, slots=True)
class Frontier:
    """The peaks of a tree of `size` leaves, left to right, which is largest first.

    `size` is between 0 and 2^63-1; there are as many peaks as it has bits set. LimitExceeded,
    UsageError or BadHashLength otherwise.
    """

    size: int
    peaks: tuple[bytes, ...]

    EMPTY: ClassVar[Frontier]

    def __post_init__(self) -> None:
        require_size(self.size)
        if len(self.peaks) != self.size.bit_count():
            raise UsageError(
                f"a tree of {self.size:,} leaves has {self.size.bit_count()} peaks, "
                f"not {len(self.peaks)}"
            )
        require_hashes(self.peaks)

    @classmethod
    def from_tiles(cls, reader: HashReader, size: int) -> Frontier:
        """Recover the frontier of the first `size` entries; at most one read per tile level.

        LimitExceeded or UsageError for a size that is none; BadHashLength from a false reader.
        """
        require_size(size)
        return cls(size, TileNodes(reader, size).peaks(size.bit_length()))

    def extend(self, hashes: Sequence[bytes]) -> Frontier:
        """Append leaf hashes; errors as `grow`."""
        return self.grow(hashes)[0]

    def grow(self, hashes: Sequence[bytes]) -> tuple[Frontier, tuple[bytes, ...]]:
        """Append leaf hashes and return, beside the new frontier, what the tiles gain.

        Element L of the second value is the joined hashes that tile level L gains: at level 0 the
        given ones, above it one for each tile of the level below that has now become full. O(n)
        hashes. BadHashLength when one is not 32 bytes, LimitExceeded above 2^63-1 leaves.
        """
        require_hashes(hashes)
        size = self.size + len(hashes)
        require_size(size)
        peaks = list(self.peaks)
        new_peaks: list[bytes] = []  # lowest first
        gains: list[bytes] = []
        nodes: list[bytes] = list(hashes)
        level = 0
        while nodes:
            if level % TILE_HEIGHT == 0:
                gains.append(b"".join(nodes))
            if self.size >> level & 1:
                nodes.insert(0, peaks.pop())
            if len(nodes) & 1:
                new_peaks.append(nodes.pop())
            nodes = parents(nodes)
            level += 1
        return Frontier(size, (*peaks, *reversed(new_peaks))), tuple(gains)

    def root(self) -> Digest:
        """Compute the root of the tree; `EMPTY_ROOT` when it has no leaves."""
        return fold_right(self.peaks)


Frontier.EMPTY = Frontier(0, ())
