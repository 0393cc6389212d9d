"""Writing a result where the caller asked for it: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from lodestamp.errors import InputError, StoreError
from lodestamp.node.whole import write_whole


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
