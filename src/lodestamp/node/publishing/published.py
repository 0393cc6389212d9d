"""What a log shows the world, as C2SP tlog-tiles lays it out (transparency spec §4, R7-R10).

Everything is read from committed rows, so nothing beyond the published size is ever seen.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import (
    TILE_WIDTH,
    TileRef,
    encode_bundle,
    parse_tile_path,
)
from lodestamp.errors import BadTilePath
from lodestamp.node import recorder
from lodestamp.node.anchors import cosigned_note
from lodestamp.node.storage import METADATA, Database

_BITS_PER_LEVEL: Final = 8


class PublishedLog:
    """Reads the published log of a database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def checkpoint(self) -> bytes:
        """Return the newest signed note, with the cosignatures gathered for it so far."""
        with self._database.reading("reading the checkpoint") as connection:
            head = recorder.read_head(connection)
            return cosigned_note(connection, head.note, head.size)

    def find(self, path: str) -> bytes | None:
        """Return a tile or bundle by its path; None for what is no path or not published yet.

        A partial tile stays after the tile has filled: it is its beginning.
        """
        try:
            tile = parse_tile_path(path)
        except BadTilePath:
            return None
        with self._database.reading("reading a tile") as connection:
            if not is_published(tile, recorder.read_head(connection).size):
                return None
            return read_tile(connection, tile)


def is_published(tile: TileRef, size: int) -> bool:
    """Tell whether a tree of `size` entries has this tile, whole as it is named."""
    count = size >> _BITS_PER_LEVEL * (tile.level or 0)
    return tile.index * TILE_WIDTH + tile.width <= count


def read_tile(connection: Connection, tile: TileRef) -> bytes:
    """Read a published tile or bundle; LogCorrupt when the rows do not hold it."""
    first = tile.index * TILE_WIDTH
    if tile.level is not None:
        return recorder.TileReader(connection).hashes(tile.level, first, tile.width)
    columns = METADATA.tables["operation"].c
    query = (
        select(columns.op_id)
        .where(columns.seq >= first, columns.seq < first + tile.width)
        .order_by(columns.seq)
    )
    entries = [OP_CID_PREFIX + op_id for op_id in connection.execute(query).scalars()]
    return encode_bundle(entries)
