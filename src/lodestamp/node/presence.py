"""Who works on something in a folder and is alive: a locked file per worker (flows spec R48).

The system lets a lock go when its process ends, however it ends, so what a killed worker had in
hand can be taken up at once. A worker on another machine leaves no file here: of that one only the
time of its lease says that it is gone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from lodestamp.errors import StoreError

OWNER_LENGTH = 32


class Presence:
    """This worker's mark; close it when the worker ends."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Mark `owner`, 32 hex digits, as alive; StoreError ``io`` when that cannot be written."""
        self.owner = owner
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self._path(owner), flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}", code="io") from error

    def is_gone(self, owner: str) -> bool:
        """Tell whether a worker of this folder is known to have ended."""
        if owner == self.owner:
            return False
        try:
            descriptor = os.open(self._path(owner), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False  # it was never here, or left in order: its lease says the rest
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def forget(self, owner: str) -> None:
        """Take away the mark of one who is gone and whose work is taken over."""
        with suppress(OSError):
            self._path(owner).unlink()

    def close(self) -> None:
        """Take the mark away."""
        with suppress(OSError):
            self._path(self.owner).unlink()
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.runner"
