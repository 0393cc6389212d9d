"""Nodes of the binary tree, recovered from tiles (transparency spec R7).

Tiles keep every eighth level; the seven between are hashed again from a tile when they are needed.
Each tile is read once, as one span of at most 256 hashes, so that a path through a tree of n leaves
costs at most two reads for each of its log256(n) tile levels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lodestamp.core.merkle.tiles import TILE_HEIGHT, TILE_WIDTH, HashReader
from lodestamp.core.merkle.tree import HASH_SIZE, fold_right, parents
from lodestamp.errors import BadHashLength

_TILES_KEPT: Final = 256
"""Tiles whose inner levels are remembered: 16 KiB each, 4 MiB in all. The tiles near the root, and
those of recent entries, serve proof after proof; hashing one anew takes 254 hashes."""


class TileNodes:
    """The nodes of the tree of the first `size` entries, read through `reader`.

    `size` is between 1 and 2^63-1. A reader that returns another number of bytes than was asked
    for is met with BadHashLength; its own errors pass through.
    """

    __slots__ = ("_reader", "_rows", "_size")

    def __init__(self, reader: HashReader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._rows: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def full(self, level: int, index: int) -> bytes:
        """Return the root over entries [index * 2^level, (index+1) * 2^level), all in the tree."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile, place = divmod(index, TILE_WIDTH >> height)
        row = self._tile(tile_level, tile)[height]
        return row[HASH_SIZE * place : HASH_SIZE * (place + 1)]

    def peaks(self, levels: int) -> tuple[bytes, ...]:
        """Return the peaks below height `levels`, largest first.

        They are the full subtrees at the right edge, one for each bit of the size.
        """
        size = self._size
        below = reversed(range(levels))
        return tuple(self.full(k, (size >> k) - 1) for k in below if size >> k & 1)

    def siblings(self, level: int, index: int) -> tuple[bytes, ...]:
        """Return the siblings on the way from a node up to the root.

        One is full or cut short by the right edge; a level without one promotes the node.
        """
        found: list[bytes] = []
        size = self._size
        rows: tuple[bytes, ...] = ()
        for step in range(level, (size - 1).bit_length()):
            height = step % TILE_HEIGHT
            if not height:
                rows = ()  # the next tile: below this level, siblings stand in one
            beside = index ^ 1
            if beside + 1 << step <= size:
                rows = rows or self._tile(step // TILE_HEIGHT, beside >> TILE_HEIGHT - height)
                at = HASH_SIZE * (beside & (TILE_WIDTH >> height) - 1)
                found.append(rows[height][at : at + HASH_SIZE])
            elif beside << step < size:
                found.append(fold_right(self.peaks(step)))
            index >>= 1
        return tuple(found)

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        rows = self._rows.get((level, index))
        if rows is None:
            start = index * TILE_WIDTH
            count = min(TILE_WIDTH, (self._size >> TILE_HEIGHT * level) - start)
            data = self._reader.hashes(level, start, count)
            if len(data) != count * HASH_SIZE:
                raise BadHashLength(
                    f"asked for {count} hashes of tile level {level}, got {len(data)} bytes"
                )
            rows = self._rows[level, index] = _inner_rows(_Tile(data))
        return rows


class _Tile(bytes):
    """A tile that is looked up by its last hash and compared whole: hashing 8 KiB takes 5 us."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(self[-HASH_SIZE:])


@lru_cache(maxsize=_TILES_KEPT)
def _inner_rows(tile: _Tile) -> tuple[bytes, ...]:
    """Return the eight levels within a tile, each as its full nodes joined."""
    rows: list[bytes] = [tile]
    nodes = [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]
    for _ in range(1, TILE_HEIGHT):
        nodes = parents(nodes)
        rows.append(b"".join(nodes))
    return tuple(rows)
