"""Tiles: the stored form of the tree, 256 hashes wide (transparency spec R7-R10, C2SP tlog-tiles).

Hash i of tile (L, n) is the root over the entries [(256n+i) * 256^L, (256n+i+1) * 256^L). Only
full tiles are hashed upwards, so a tile never changes once it is full, and a partial tile is a
prefix of what it becomes.

>>> [str(tile) for tile in tiles_for(257)]
['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']
>>> parse_tile_path("tile/0/x001/x234/067.p/8")
TileRef(level=0, index=1234067, width=8)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from lodestamp.core.merkle.tree import SIZE_MAX
from lodestamp.errors import BadEntry, BadTilePath, LimitExceeded, UsageError

TILE_WIDTH: Final = 256
"""Hashes in a full tile, and entries in a full bundle."""

TILE_HEIGHT: Final = 8
"""Levels of the binary tree that one tile level spans: 2^8 = 256."""

TILE_LEVEL_MAX: Final = 63
"""The highest level that the path grammar can name."""

TILE_INDEX_MAX: Final = SIZE_MAX // TILE_WIDTH
"""The highest tile index; a tile beyond it lies outside every tree."""

ENTRY_SIZE_MAX: Final = 65_535
"""Bytes in the longest entry of a bundle: its length is a 16-bit integer."""

_PATH_LENGTH_MAX: Final = 64
"""Characters; the longest tile path has 44."""

_spelled: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
).fullmatch


class HashReader(Protocol):
    """Where the hashes of a tree are read from."""

    def hashes(self, level: int, start: int, count: int) -> bytes:
        """Return hashes `start` to `start + count - 1` of tile level `level`, 32 bytes each.

        At most 256 are asked for at once, all in one tile, and only hashes that exist.
        """


@dataclass(frozen=True, slots=True)
class TileRef:
    """The name of a tile, or of the bundle of entries below it when `level` is None.

    `width` is 256 for a full tile, less for a partial one; it is never 0. BadTilePath outside
    those bounds.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= TILE_LEVEL_MAX:
            raise BadTilePath(f"no tile has level {self.level}")
        if not 0 <= self.index <= TILE_INDEX_MAX:
            raise BadTilePath(f"no tile has index {self.index}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise BadTilePath(f"no tile has width {self.width}")

    def path(self) -> str:
        """Spell the path: index in groups of three digits, all but the last marked with x (R8)."""
        level = "entries" if self.level is None else str(self.level)
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    def __str__(self) -> str:
        return self.path()


def parse_tile_path(path: str) -> TileRef:
    """Parse ``tile/<L>/<N>[.p/<W>]`` or ``tile/entries/<N>[.p/<W>]``; else BadTilePath (R8, R10).

    Exactly the spelling of `TileRef.path` is taken: no leading zeros, no leading ``x000`` group,
    no width of 256.
    """
    found = _spelled(path) if len(path) <= _PATH_LENGTH_MAX else None
    if found is None:
        raise BadTilePath(f"{path[:80]!r} is not a tile path")
    level, digits, width = found.groups()
    tile = TileRef(
        None if level == "entries" else int(level),
        int(digits.replace("x", "").replace("/", "")),
        int(width) if width else TILE_WIDTH,
    )
    if tile.path() != path:
        raise BadTilePath(f"{path!r} is not the one spelling of {tile.path()!r}")
    return tile


def tiles_for(size: int) -> tuple[TileRef, ...]:
    """Name every hash tile of a tree of `size` leaves, lowest level first (R9).

    O(size / 256) names. LimitExceeded above 2^63-1, UsageError below 0.
    """
    require_size(size)
    return tuple(_tiles(size))


def _tiles(size: int) -> Iterator[TileRef]:
    level, width = 0, size
    while width:
        full, partial = divmod(width, TILE_WIDTH)
        for index in range(full):
            yield TileRef(level, index)
        if partial:
            yield TileRef(level, full, partial)
        level, width = level + 1, full


def require_size(size: int) -> None:
    """Refuse a size above 2^63-1 with LimitExceeded and one below 0 with UsageError (R3)."""
    if size < 0:
        raise UsageError(f"a tree cannot have {size} leaves")
    if size > SIZE_MAX:
        raise LimitExceeded("tree size", SIZE_MAX, size)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Join 1 to 256 entries, each behind its length in two bytes, big-endian (R10).

    BadEntry for another number of entries, or for one above 65,535 bytes.
    """
    _require_width(len(entries))
    out = bytearray()
    for entry in entries:
        if len(entry) > ENTRY_SIZE_MAX:
            raise BadEntry(f"an entry of {len(entry):,} bytes does not fit a bundle")
        out += len(entry).to_bytes(2, "big")
        out += entry
    return bytes(out)


def decode_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Split a bundle into its `width` entries, of any length up to 65,535 bytes (R10).

    BadEntry when it is cut short, holds another number of entries, or bytes behind the last.
    """
    _require_width(width)
    entries: list[bytes] = []
    position = 0
    for _ in range(width):
        start = position + 2
        position = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or position > len(data):
            raise BadEntry(f"the bundle ends within entry {len(entries)} of {width}")
        entries.append(data[start:position])
    if position != len(data):
        raise BadEntry(f"{len(data) - position:,} bytes follow the {width} entries of the bundle")
    return tuple(entries)


def _require_width(width: int) -> None:
    if not 1 <= width <= TILE_WIDTH:
        raise BadEntry(f"a bundle holds 1 to {TILE_WIDTH} entries, not {width}")
