"""A log as files that any web server can hand out (transparency spec R31).

Tiles and bundles come first, the checkpoint last, each written whole and synced: who fetches the
checkpoint finds every tile it speaks of. The database stays the truth.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from lodestamp.core.merkle import TileRef, root_at, tiles_for
from lodestamp.core.transparency import (
    NOTE_SIZE_MAX,
    Checkpoint,
    VerifierKey,
    open_note,
    parse_checkpoint,
)
from lodestamp.errors import BadNote, LimitExceeded, LogCorrupt, StoreError, UsageError
from lodestamp.node import recorder
from lodestamp.node.anchors import cosigned_note
from lodestamp.node.progress import Progress
from lodestamp.node.publishing.published import read_tile
from lodestamp.node.storage import Database
from lodestamp.node.whole import read_bounded, write_whole

MIRRORS_MAX: Final = 64
"""Folders that a log remembers as its mirrors: the auditor reads every file in all of them."""
MIRRORS_META: Final = "mirrors"
"""Where the database keeps their paths, as a JSON list."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a folder holds now, and how many files were written for it."""

    folder: Path
    size: int
    written: int


def mirror(
    database: Database, key: VerifierKey, folder: Path, *, progress: Progress | None = None
) -> Mirrored:
    """Bring a folder up to date with the log, and remember it for the auditor.

    Only what the folder's checkpoint does not cover yet is written. LogCorrupt ``log-rolled-back``
    or ``log-forked`` when that checkpoint is not of this log's past, UsageError when the folder
    holds other things, StoreError when a file cannot be written, LimitExceeded beyond 64 mirrors.
    """
    folder = folder.absolute()
    try:
        _require_place(folder)
        with database.reading("mirroring the log") as connection:
            head = recorder.read_head(connection)
            had = _mirrored(folder, key)
            _require_past(connection, had, head.size)
            tiles = list(_new_tiles(had.size if had else 0, head.size))
            for done, tile in enumerate(tiles, start=1):
                path = folder / tile.path()
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, read_tile(connection, tile))
                _sync_above(path.parent, folder)
                if progress is not None:
                    progress(done, len(tiles))
            write_whole(folder / "checkpoint", cosigned_note(connection, head.note, head.size))
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}", code="io") from error
    _remember(database, folder)
    return Mirrored(folder, head.size, len(tiles) + 1)


def _require_place(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    strangers = {entry.name for entry in folder.iterdir()} - {"checkpoint", "tile"}
    strangers = {name for name in strangers if not name.endswith(".part")}
    if strangers:
        hint = "give an empty or a new folder"
        raise UsageError(f"{folder} holds other files", code="not-a-mirror", hint=hint)


def _mirrored(folder: Path, key: VerifierKey) -> Checkpoint | None:
    """Return the checkpoint that a folder holds, None when it has none yet."""
    try:
        note = read_bounded(folder / "checkpoint", NOTE_SIZE_MAX)
    except FileNotFoundError:
        return None
    try:
        return parse_checkpoint(open_note(note or b"", [key]).text)
    except BadNote as error:
        hint = "give an empty or a new folder"
        raise UsageError(
            f"{folder} is a mirror of another log: {error.message}", code="not-a-mirror", hint=hint
        ) from None


def _require_past(connection: Connection, had: Checkpoint | None, size: int) -> None:
    if had is None:
        return
    if had.size > size:
        message = f"the mirror has {had.size} operations, the log only {size}"
        raise LogCorrupt(message, code="log-rolled-back")
    if root_at(recorder.TileReader(connection), had.size) != had.root:
        message = f"the mirror's tree of {had.size} is not this log's"
        raise LogCorrupt(message, code="log-forked")


def _new_tiles(old: int, size: int) -> Iterator[TileRef]:
    """Name the tiles and bundles that a tree of `size` has and one of `old` does not."""
    known = set(tiles_for(old)) if old else set()
    for tile in tiles_for(size):
        if tile not in known:
            yield tile
            if tile.level == 0:
                yield TileRef(None, tile.index, tile.width)


def _sync_above(path: Path, top: Path) -> None:
    """Make new folders on the way up survive a power cut; the file's own was synced with it."""
    while path != top:
        path = path.parent
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remember(database: Database, folder: Path) -> None:
    with database.writing("remembering a mirror") as connection:
        known = json.loads(recorder.read_meta(connection, MIRRORS_META) or "[]")
        if str(folder) in known:
            return
        if len(known) >= MIRRORS_MAX:
            raise LimitExceeded("the number of mirrors", MIRRORS_MAX, len(known) + 1)
        recorder.replace_meta(connection, MIRRORS_META, json.dumps(sorted([*known, str(folder)])))
