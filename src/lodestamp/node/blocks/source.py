"""A file being read once, from start to end, and noticed when it changes underneath.

Bytes are read into one buffer of 1 MiB that is used again and again: memory stays flat, and a file
that shrinks while it is read is an error here, where mapping it would kill the process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from lodestamp.errors import SourceError
from lodestamp.node.progress import Progress

PIECE_SIZE: Final = 1 << 20
"""Bytes: the chunk of the default profile, so that each piece is hashed where it lies."""


class SourceFile:
    """An open regular file.

    SourceError codes: ``source.missing`` ``source.directory`` ``source.unreadable``
    ``source.special`` ``source.changed``.
    """

    def __init__(self, path: Path, descriptor: int, status: os.stat_result) -> None:
        self.path = path
        self.size = status.st_size
        self.status = status
        self._descriptor = descriptor
        self._opened_as = signature(status)

    @classmethod
    def open(cls, path: Path, *, within: tuple[int, bytes] | None = None) -> Self:
        """Open a regular file for reading; a SourceError says why it cannot be read.

        A file `within` an open folder, by its descriptor and name, is opened there and only if it
        is no symlink; `path` then only says what it is called.
        """
        # O_NONBLOCK: opening a FIFO must not wait for its writer before we refuse it
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            if within is None:
                descriptor = os.open(path, flags)
            else:
                descriptor = os.open(within[1], flags | os.O_NOFOLLOW, dir_fd=within[0])
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return cls(path, descriptor, status)
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise unreadable(path, IsADirectoryError())
        raise SourceError(f"{path} is not a regular file", code="source.special")

    def pieces(self, progress: Progress | None = None) -> Iterator[memoryview]:
        """Yield the file's bytes; each piece is valid only until the next one is asked for.

        SourceError ``source.changed`` when size or modification time moved meanwhile.
        """
        buffer = bytearray(min(PIECE_SIZE, self.size + 1))
        view = memoryview(buffer)
        done = 0
        while done <= self.size and (count := self._fill(view)):  # a file that grows is left
            done += count
            yield view[:count]
            if progress is not None:
                progress(done, self.size)
        if done != self.size or signature(os.fstat(self._descriptor)) != self._opened_as:
            raise SourceError(
                f"{self.path} changed while it was read",
                code="source.changed",
                hint="try again when nothing writes to it",
            )

    def _fill(self, view: memoryview) -> int:
        filled = 0
        try:
            while filled < len(view):
                count = os.readv(self._descriptor, [view[filled:]])
                if count == 0:
                    break
                filled += count
        except OSError as error:
            raise unreadable(self.path, error) from error
        return filled

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def unreadable(path: object, error: OSError | ValueError) -> SourceError:
    """Return what to say of a path that could not be opened or read."""
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{path}: no such file", code="source.missing")
    if isinstance(error, IsADirectoryError):
        return SourceError(f"{path} is a directory; a file is needed here", code="source.directory")
    why = getattr(error, "strerror", None) or str(error)  # a ValueError: a NUL in the name
    return SourceError(f"{path}: {why}", code="source.unreadable")


def signature(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what moves when a file or folder changes: device, inode, size, mtime."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
