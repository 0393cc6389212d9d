"""A folder being read once, entry by entry, as a deterministic stream (content spec R55).

The folder is walked through directory handles, so nothing that is swapped for a symlink meanwhile
is followed. Names come in the order of their bytes; they are UTF-8 and never normalised.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodestamp.core.content import (
    ENTRIES_MAX,
    NO_METADATA,
    PATH_SEGMENTS_MAX,
    File,
    Folder,
    Metadata,
    Mtime,
    Symlink,
    TreeEntry,
)
from lodestamp.errors import LimitExceeded, PathError, SourceError
from lodestamp.node.blocks.source import SourceFile, signature, unreadable
from lodestamp.node.progress import Progress

_NANOSECONDS: Final = 1_000_000_000
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """What of a folder is read: hidden entries, empty folders, modes and modification times."""

    hidden: bool = False
    empty_folders: bool = True
    mode: bool = False
    mtime: bool = False


USUAL_TREE: Final = TreeOptions()
"""As kubo adds a folder: no hidden entries, empty folders, no metadata."""


def is_folder(path: Path) -> bool:
    """Tell whether a path leads to a folder; what cannot be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_tree(
    path: Path, options: TreeOptions = USUAL_TREE, progress: Progress | None = None
) -> Iterator[TreeEntry]:
    """Yield the entries of a folder, depth first, as `add_directory` takes them.

    The folder itself may be named through a symlink; below it symlinks are entries. Entries whose
    name starts with a dot are left out unless asked for. A file is open only until the next entry
    is asked for. `progress` tells bytes read, of those found so far.

    SourceError ``source.special`` for a FIFO, socket or device, ``source.changed`` for a file or
    folder that changed while it was read, and as `SourceFile.open`. PathError ``path.not-utf8``.
    LimitExceeded ``limit.depth`` and ``limit.entries``.
    """
    with ExitStack() as resources:
        yield from _TreeReader(path, options, progress, resources).entries()


@dataclass(slots=True)
class _OpenFolder:
    descriptor: int
    path: tuple[bytes, ...]
    names: Iterator[bytes]
    opened_as: tuple[int, int, int, int]


class _TreeReader:
    """One walk; every handle it opens belongs to `resources`."""

    def __init__(
        self, root: Path, options: TreeOptions, progress: Progress | None, resources: ExitStack
    ) -> None:
        self._root = root
        self._options = options
        self._progress = progress
        self._resources = resources
        self._open: list[_OpenFolder] = []
        self._unnamed: list[Folder] = []
        self._done = 0
        resources.callback(self._close_all)

    def entries(self) -> Iterator[TreeEntry]:
        try:
            root = os.open(self._root, _OPEN_FOLDER & ~os.O_NOFOLLOW)
        except (OSError, ValueError) as error:
            raise unreadable(self._root, error) from error
        yield from self._enter(root, ())
        while self._open:
            folder = self._open[-1]
            name = next(folder.names, None)
            if name is None:
                self._leave()
                continue
            yield from self._read(folder, name)

    def _read(self, folder: _OpenFolder, name: bytes) -> Iterator[TreeEntry]:
        path = (*folder.path, name)
        try:
            status = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                descriptor = os.open(name, _OPEN_FOLDER, dir_fd=folder.descriptor)
                yield from self._enter(descriptor, path)
            elif stat.S_ISLNK(status.st_mode):
                target = os.readlink(name, dir_fd=folder.descriptor)
                yield from self._named()
                mtime = _mtime(status) if self._options.mtime else None
                yield Symlink(path, target, mtime)
            elif not stat.S_ISREG(status.st_mode):
                message = f"{self._shown(path)} is neither file, folder nor symlink"
                raise SourceError(message, code="source.special")
            else:
                within = (folder.descriptor, name)
                with SourceFile.open(self._shown(path), within=within) as source:
                    yield from self._named()
                    yield File(path, source.pieces(self._told), self._metadata(source.status))
                self._done += source.size
        except OSError as error:
            raise unreadable(self._shown(path), error) from error

    def _enter(self, descriptor: int, path: tuple[bytes, ...]) -> Iterator[TreeEntry]:
        """Open a folder and name it, or keep it to be named with the first entry in it."""
        if len(path) > PATH_SEGMENTS_MAX:
            os.close(descriptor)
            what = "the number of folders within folders"
            raise LimitExceeded(what, PATH_SEGMENTS_MAX, len(path), code="limit.depth")
        status = os.fstat(descriptor)
        opened = _OpenFolder(descriptor, path, iter(()), signature(status))
        self._open.append(opened)
        opened.names = iter(self._names(descriptor, path))
        self._unnamed.append(Folder(path, self._metadata(status)))
        if self._options.empty_folders or not path:
            yield from self._named()

    def _leave(self) -> None:
        folder = self._open.pop()
        now = signature(os.fstat(folder.descriptor))
        os.close(folder.descriptor)
        if now != folder.opened_as:
            message = f"{self._shown(folder.path)} changed while it was read"
            raise SourceError(message, code="source.changed")
        if self._unnamed and self._unnamed[-1].path == folder.path:
            self._unnamed.pop()

    def _named(self) -> Iterator[TreeEntry]:
        unnamed, self._unnamed = self._unnamed, []
        yield from unnamed

    def _names(self, descriptor: int, path: tuple[bytes, ...]) -> list[bytes]:
        """Return the names in a folder that are read, sorted by their bytes."""
        names: list[bytes] = []
        with os.scandir(descriptor) as found:
            for entry in found:
                name = os.fsencode(entry.name)
                if name.startswith(b".") and not self._options.hidden:
                    continue
                try:
                    name.decode()
                except UnicodeDecodeError:
                    message = f"the name {name!r} is not UTF-8"
                    raise PathError(message, code="path.not-utf8") from None
                names.append(name)
                if len(names) > ENTRIES_MAX:
                    what = f"the number of entries of {self._shown(path)}"
                    raise LimitExceeded(what, ENTRIES_MAX, len(names), code="limit.entries")
        names.sort()
        return names

    def _metadata(self, status: os.stat_result) -> Metadata:
        if not self._options.mode and not self._options.mtime:
            return NO_METADATA
        mode = stat.S_IMODE(status.st_mode) if self._options.mode else None
        return Metadata(mode, _mtime(status) if self._options.mtime else None)

    def _told(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done, self._done + total)

    def _shown(self, path: tuple[bytes, ...]) -> Path:
        return self._root.joinpath(*map(os.fsdecode, path))

    def _close_all(self) -> None:
        for folder in self._open:
            os.close(folder.descriptor)


def _mtime(status: os.stat_result) -> Mtime:
    return Mtime(*divmod(status.st_mtime_ns, _NANOSECONDS))
