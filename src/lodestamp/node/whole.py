"""Files written whole or not at all: under a temporary name, then moved into place."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(
    path: Path, data: bytes, *, mode: int = 0o666, replace: bool = True, sync: bool = True
) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part.

    `mode` is narrowed by the umask. With `sync` the bytes and the name survive a power cut. Without
    `replace`, FileExistsError when the name is taken, even by someone quicker. OSError as it comes.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if sync:
        _sync_folder(path.parent)


def read_bounded(path: Path, size_max: int) -> bytes | None:
    """Read a small file, or return None when it has more than `size_max` bytes."""
    with path.open("rb") as file:
        data = file.read(size_max + 1)
    return data if len(data) <= size_max else None


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
