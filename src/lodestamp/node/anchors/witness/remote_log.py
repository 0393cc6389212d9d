"""Reading a log over HTTP as C2SP tlog-tiles lays it out. Nothing of it is believed."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Self

from lodestamp.core.merkle import HASH_SIZE, TILE_WIDTH, TileRef, decode_bundle
from lodestamp.core.transparency import NOTE_SIZE_MAX
from lodestamp.errors import BadEntry, LimitExceeded, RemoteError
from lodestamp.node.blocks import Remote

BUNDLE_SIZE_MAX: Final = TILE_WIDTH * 65_537
"""Bytes of the largest bundle: 256 entries of 65,535 bytes, each behind its length."""
_NOT_FOUND: Final = 404


class RemoteLog:
    """A log under its prefix. Thread-safe; close it, or use it as a context manager.

    UsageError for a URL that is not dialled.
    """

    def __init__(self, url: str) -> None:
        self._remote = Remote(url)

    @property
    def url(self) -> str:
        """The prefix."""
        return self._remote.url

    def checkpoint(self) -> bytes:
        """Return the bytes of the newest checkpoint; RemoteError when there are none to be had."""
        return self._ask("/checkpoint", NOTE_SIZE_MAX)

    def tiles(self, size: int) -> RemoteTiles:
        """Return the tiles of the tree of this size."""
        return RemoteTiles(self, size)

    def entries(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the entries of bundle `index` in a tree of `size`; RemoteError when malformed."""
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        data, full = self._tile(TileRef(None, index, width), BUNDLE_SIZE_MAX)
        try:
            return decode_bundle(data, TILE_WIDTH if full else width)[:width]
        except BadEntry as error:
            raise self._remote.malformed(f"bundle {index}: {error.message}") from None

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the hashes of a tile, `width` times 32 bytes; RemoteError when malformed."""
        data, full = self._tile(TileRef(level, index, width), TILE_WIDTH * HASH_SIZE)
        if len(data) != (TILE_WIDTH if full else width) * HASH_SIZE:
            raise self._remote.malformed(f"{len(data)} bytes as tile {level}/{index}")
        return data[: width * HASH_SIZE]

    def close(self) -> None:
        """Let the connections go."""
        self._remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tile(self, tile: TileRef, size_max: int) -> tuple[bytes, bool]:
        """Fetch a tile, and whether it came full: a log may drop partial ones once it is."""
        try:
            return self._ask(f"/{tile.path()}", size_max), tile.width == TILE_WIDTH
        except RemoteError as error:
            if error.status != _NOT_FOUND or tile.width == TILE_WIDTH:
                raise
        return self._ask(f"/{TileRef(tile.level, tile.index).path()}", size_max), True

    def _ask(self, path: str, size_max: int) -> bytes:
        try:
            return self._remote.ask("GET", path, size_max=size_max)
        except LimitExceeded as error:
            raise self._remote.malformed(f"{path}: {error.message}") from None


def seen_by(url: str, origin: str) -> bytes | None:
    """Return the checkpoint that a witness cosigned last of a log, None when it has none.

    `url` is its monitoring prefix. RemoteError when it does not answer.
    """
    with Remote(url) as remote:
        path = f"/{sha256(origin.encode()).hexdigest()}/checkpoint"
        try:
            return remote.ask("GET", path, size_max=NOTE_SIZE_MAX)
        except LimitExceeded as error:
            raise remote.malformed(error.message) from None
        except RemoteError as error:
            if error.status == _NOT_FOUND:
                return None
            raise


class RemoteTiles:
    """The hash tiles of one tree size, read as they are asked for; a `core.merkle.HashReader`."""

    def __init__(self, log: RemoteLog, size: int) -> None:
        self._log = log
        self._size = size
        self._kept: dict[tuple[int, int], bytes] = {}

    def hashes(self, level: int, start: int, count: int) -> bytes:
        """Return hashes of one tile; RemoteError when the log does not give them."""
        index, offset = divmod(start, TILE_WIDTH)
        if (level, index) not in self._kept:
            width = min(TILE_WIDTH, (self._size >> 8 * level) - index * TILE_WIDTH)
            self._kept[level, index] = self._log.tile(level, index, width)
        return self._kept[level, index][offset * HASH_SIZE : (offset + count) * HASH_SIZE]
