"""Reading what a caller names, and writing a result where it was asked for: whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lodestamp.errors import InputError, SourceError, StoreError
from lodestamp.node.whole import read_bounded, write_whole

INPUT_SIZE_MAX: Final = 16 << 20
"""Bytes of a file or standard input: a block in hex, and as much again."""


def is_stream(path: Path) -> bool:
    """Tell whether the name is taken by something that is no file, such as /dev/stdout."""
    return path.exists() and not path.is_file() and not path.is_dir()


def refuse_target(path: Path, *, force: bool) -> None:
    """Refuse, before anything is recorded, a name that could not be written.

    InputError ``exists`` for a file without `force`; StoreError ``io`` for a folder, or a name in
    no folder.
    """
    try:
        there, folder, placed = path.is_file(), path.is_dir(), path.parent.is_dir()
    except OSError as error:  # a name too long for the file system
        raise StoreError(f"{path}: {error.strerror}", code="io", hint="-o names another") from error
    if there and not force:
        raise InputError(f"{path} exists", code="exists", hint="--force overwrites it")
    if folder:
        raise StoreError(f"{path} is a folder", code="io", hint="-o takes the name of a file")
    if not placed:
        raise StoreError(f"there is no folder {path.parent}", code="io", hint="make it first")


def write_result(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file whole; a stream is written to directly. Errors as `refuse_target`."""
    try:
        if is_stream(path):
            path.write_bytes(data)
        else:
            write_whole(path, data, replace=force)
    except FileExistsError:
        refuse_target(path, force=force)
        raise StoreError(f"{path}: the name is taken", code="io") from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", code="io") from error


def read_file(path: Path) -> bytes:
    """Return a file's bytes; SourceError where it cannot be read, or is longer than we read."""
    try:
        data = read_bounded(path, INPUT_SIZE_MAX)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    if data is None:
        raise SourceError(f"{path} has more than {INPUT_SIZE_MAX:,} bytes")
    return data
