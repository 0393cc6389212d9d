"""The auditor of mirrors: files equal tables (A15). It shares no code with what writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import TileRef, parse_tile_path
from lodestamp.core.transparency import VerifierKey, open_note, parse_checkpoint
from lodestamp.errors import InputError, LodestampError
from lodestamp.node.findings import AuditReport
from lodestamp.node.storage import METADATA, Database

_META: Final = "mirrors"
_FILE_SIZE_MAX: Final = 1 << 18
"""Bytes read of one file: a note has the most, 131,072."""
_LEVELS: Final = range(8)


def audit_mirrors(database: Database, key: VerifierKey, report: AuditReport) -> None:
    """Compare every file of every mirror with the tables, and look for those that are missing.

    A mirror that cannot be read, such as one on a disk that is not there, is counted and no
    finding.
    """
    try:
        with database.reading("auditing mirrors") as connection:
            meta = METADATA.tables["meta"].c
            stored = connection.execute(select(meta.value).where(meta.key == _META)).scalar()
            for folder in json.loads(stored or "[]"):
                _audit_mirror(connection, Path(folder), key, report)
    except LodestampError as error:
        report.find("S1", "database", error.message)
    except (ValueError, TypeError) as error:
        report.find("S1", "meta mirrors", str(error))


def _audit_mirror(
    connection: Connection, folder: Path, key: VerifierKey, report: AuditReport
) -> None:
    try:
        note = _read(folder / "checkpoint")
    except OSError:
        report.count("mirrors_away")
        return
    report.count("mirrors")
    size = _audit_checkpoint(connection, folder, note, key, report)
    if size is None:
        return
    present = set()
    for path in sorted(each for each in (folder / "tile").rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.endswith(".part"):
            present.add(name)
            _audit_file(connection, folder, name, report)
    for tile in _tiles_of(size):
        if tile.path() not in present:
            report.find("A15", f"{folder}/{tile.path()}", "the mirror lacks it")


def _audit_checkpoint(
    connection: Connection, folder: Path, note: bytes, key: VerifierKey, report: AuditReport
) -> int | None:
    where = f"{folder}/checkpoint"
    try:
        stated = parse_checkpoint(open_note(note, [key]).text)
    except InputError as error:
        report.find("A15", where, error.message)
        return None
    columns = METADATA.tables["log_checkpoint"].c
    query = select(columns.root).where(columns.size == stated.size)
    if connection.execute(query).scalar() != stated.root:
        report.find("A15", where, f"no checkpoint of size {stated.size} has this root here")
        return None
    return stated.size


def _audit_file(connection: Connection, folder: Path, name: str, report: AuditReport) -> None:
    where = f"{folder}/{name}"
    report.count("mirror_files")
    try:
        tile = parse_tile_path(name)
        if _read(folder / name) != _stored(connection, tile):
            report.find("A15", where, "its bytes are not those of the tables")
    except (LodestampError, OSError) as error:
        report.find("A15", where, str(error))


def _stored(connection: Connection, tile: TileRef) -> bytes:
    if tile.level is None:
        columns = METADATA.tables["operation"].c
        first = tile.index * 256
        query = select(columns.op_id).where(columns.seq.between(first, first + tile.width - 1))
        ids = connection.execute(query.order_by(columns.seq)).scalars()
        return b"".join(b"\x00\x24" + OP_CID_PREFIX + op_id for op_id in ids)
    columns = METADATA.tables["log_tile"].c
    query = select(columns.hashes).where(columns.level == tile.level, columns.n == tile.index)
    hashes: bytes = connection.execute(query).scalar() or b""
    return hashes[: tile.width * 32]


def _tiles_of(size: int) -> Iterator[TileRef]:
    """Name what a mirror of this size must hold, derived apart from what wrote it."""
    for level in _LEVELS:
        count = size >> 8 * level
        for index in range(-(-count // 256)):
            width = min(256, count - 256 * index)
            yield TileRef(level, index, width)
            if level == 0:
                yield TileRef(None, index, width)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FILE_SIZE_MAX)
