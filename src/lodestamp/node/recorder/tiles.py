"""The tree in the database: one growing row per tile (transparency spec R7, R9, §5)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from lodestamp.core.merkle import HASH_SIZE, TILE_WIDTH
from lodestamp.errors import LogCorrupt
from lodestamp.node.recorder.tables import log_tile

# Built once: building and keying the statement anew for each tile costs more than running it.
_TILE = select(log_tile.c.hashes).where(
    log_tile.c.level == bindparam("of_level"), log_tile.c.n == bindparam("of_n")
)


class TileReader:
    """Reads hashes of any tile level inside one transaction; a `core.merkle.HashReader`.

    Tiles are kept for the reader's life, so a path costs one row a level.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}

    def hashes(self, level: int, start: int, count: int) -> bytes:
        """Return `count` hashes from `start`, 32 bytes each; LogCorrupt when some are missing."""
        found = bytearray()
        while count:
            n, offset = divmod(start, TILE_WIDTH)
            width = min(count, TILE_WIDTH - offset)
            piece = self._tile(level, n)[offset * HASH_SIZE : (offset + width) * HASH_SIZE]
            if len(piece) != width * HASH_SIZE:
                raise LogCorrupt(f"tile {level}/{n} holds too few hashes")
            found += piece
            start += width
            count -= width
        return bytes(found)

    def _tile(self, level: int, n: int) -> bytes:
        key = (level, n)
        if key not in self._tiles:
            at = {"of_level": level, "of_n": n}
            self._tiles[key] = self._connection.execute(_TILE, at).scalar() or b""
        return self._tiles[key]


def append_hashes(connection: Connection, level: int, first: int, hashes: bytes) -> None:
    """Append hashes of one tile level after the `first` that its rows already hold.

    LogCorrupt when the growing tile does not hold exactly the hashes before `first`.
    """
    end = first + len(hashes) // HASH_SIZE
    if first % TILE_WIDTH and end > first:
        n, width = divmod(first, TILE_WIDTH)
        count = min(TILE_WIDTH - width, end - first)
        _grow_tile(connection, level, n, width, hashes[: count * HASH_SIZE])
        hashes = hashes[count * HASH_SIZE :]
        first += count
    step = TILE_WIDTH * HASH_SIZE
    rows = [
        {
            "level": level,
            "n": (first + at // HASH_SIZE) // TILE_WIDTH,
            "hashes": hashes[at : at + step],
        }
        for at in range(0, len(hashes), step)
    ]
    if rows:
        connection.execute(insert(log_tile), rows)


def _grow_tile(connection: Connection, level: int, n: int, width: int, hashes: bytes) -> None:
    here = (log_tile.c.level == level) & (log_tile.c.n == n)
    held: bytes = connection.execute(select(log_tile.c.hashes).where(here)).scalar() or b""
    if len(held) != width * HASH_SIZE:
        raise LogCorrupt(f"tile {level}/{n} holds {len(held)} bytes, not {width * HASH_SIZE}")
    connection.execute(update(log_tile).where(here).values(hashes=held + hashes))
