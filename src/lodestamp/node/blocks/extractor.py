"""Writing files and folders out of the store, through directory handles only (content spec R126).

Nothing that stands in the target is followed, and nothing written earlier is: symlinks come last.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from lodestamp.core.content import OUTPUT_BYTES_MAX, Budget, Get, Kind, read
from lodestamp.core.encoding import Cid
from lodestamp.errors import InputError, PathError, StoreError
from lodestamp.node.blocks.outline import Item, Names, outline
from lodestamp.node.blocks.pack import disk_failures
from lodestamp.node.progress import Progress

Symlinks = Literal["safe", "skip"]
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODES: Final = 0o777


class Extractor:
    """Writes DAGs to disk; `get` gives their blocks, whose bytes are hashed before they are used.

    `force` replaces what stands in the way, `restore_mode` applies stored modes without setuid,
    setgid and sticky bits, `symlinks` makes (``safe``) or leaves out (``skip``) symlinks.
    """

    def __init__(
        self,
        get: Get,
        *,
        size_max: int = OUTPUT_BYTES_MAX,
        force: bool = False,
        restore_mode: bool = False,
        symlinks: Symlinks = "safe",
    ) -> None:
        self._get = get
        self._size_max = size_max
        self._force = force
        self._restore_mode = restore_mode
        self._symlinks = symlinks

    def extract(self, cid: Cid, out: Path, progress: Progress | None = None) -> int:
        """Write the file or folder `cid` as `out` and return the bytes written.

        Everything is judged before the first write: PathError, LimitExceeded, errors as `outline`.
        InputError ``exists`` when a target stands there and may not be replaced; StoreError
        ``disk-full`` when the disk has less room than declared, or as it refuses.
        """
        out = out.absolute()
        with disk_failures(f"writing {out}"), _opened(out.parent) as parent:
            items = outline(
                self._get, cid, size_max=self._size_max, case_blind=_is_case_blind(parent)
            )
            if self._symlinks == "skip":
                items = [item for item in items if item.stat.kind != Kind.SYMLINK]
            total = sum(item.stat.size for item in items)
            room = os.fstatvfs(parent)
            if total > room.f_bavail * room.f_frsize:
                message = f"{total:,} bytes do not fit on the disk"
                raise StoreError(message, code="disk-full", hint="free some space")
            name = os.fsencode(out.name)
            writing = _Writing(self._get, items, parent=parent, name=name, progress=progress)
            return writing.run(force=self._force, restore_mode=self._restore_mode)


class _Writing:
    """One extraction: folders and files first, symlinks and modes last."""

    def __init__(
        self,
        get: Get,
        items: list[Item],
        *,
        parent: int,
        name: bytes,
        progress: Progress | None,
    ) -> None:
        self._get = get
        self._items = items
        self._parent = parent
        self._name = name
        self._total = sum(item.stat.size for item in items)
        self._progress = progress
        self._done = 0
        self._force = False

    def run(self, *, force: bool, restore_mode: bool) -> int:
        self._force = force
        self._refuse_target()
        for item in self._items:
            if item.stat.kind == Kind.FILE:
                self._write_file(item, restore_mode=restore_mode)
            elif item.stat.kind != Kind.SYMLINK:
                self._make_folder(item.path)
        for item in self._items:
            if item.stat.kind == Kind.SYMLINK:
                self._make_symlink(item)
        if restore_mode:
            for item in reversed(self._items):
                if item.stat.kind not in (Kind.FILE, Kind.SYMLINK) and item.stat.mode is not None:
                    with self._folder(item.path) as folder:
                        os.fchmod(folder, item.stat.mode & _MODES)
        return self._done

    def _refuse_target(self) -> None:
        try:
            os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not self._force:
            message = f"{os.fsdecode(self._name)} exists"
            raise InputError(message, code="exists", hint="--force overwrites it")

    @contextmanager
    def _folder(self, path: Names | None) -> Iterator[int]:
        """Open a folder of the extraction, segment by segment, following no symlink."""
        descriptor = os.dup(self._parent)
        try:
            for name in () if path is None else (self._name, *path):
                try:
                    below = os.open(name, _FOLDER, dir_fd=descriptor)
                except (NotADirectoryError, OSError) as error:
                    message = f"{os.fsdecode(name)} is in the way and no folder"
                    raise PathError(message, code="path.not-a-directory") from error
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _above(self, path: Names) -> Iterator[tuple[int, bytes]]:
        with self._folder(path[:-1] if path else None) as folder:
            yield folder, path[-1] if path else self._name

    def _make_folder(self, path: Names) -> None:
        with self._above(path) as (folder, name):
            try:
                os.mkdir(name, dir_fd=folder)
            except FileExistsError:
                if not self._force:
                    raise PathError(f"{os.fsdecode(name)} exists", code="path.collision") from None

    def _write_file(self, item: Item, *, restore_mode: bool) -> None:
        temporary = f".{secrets.token_hex(8)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._above(item.path) as (folder, name):
            descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    budget = Budget(output_bytes=item.stat.size)
                    for piece in read(self._get, item.stat.cid, budget=budget):
                        file.write(piece)
                        self._tell(len(piece))
                    if restore_mode and item.stat.mode is not None:
                        os.fchmod(file.fileno(), item.stat.mode & _MODES)
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(temporary, dir_fd=folder)
                raise

    def _make_symlink(self, item: Item) -> None:
        temporary = f".{secrets.token_hex(8)}.part"
        with self._above(item.path) as (folder, name):
            os.symlink(item.stat.target or b"", os.fsencode(temporary), dir_fd=folder)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        message = f"there is no folder {folder}"
        raise StoreError(message, code="io", hint="make it first") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_case_blind(folder: int) -> bool:
    """Find out whether this disk takes two spellings for one name."""
    name = f".lodestamp-{secrets.token_hex(8)}a"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o600, dir_fd=folder))
    try:
        os.stat(name.upper(), dir_fd=folder)
    except FileNotFoundError:
        return False
    finally:
        os.unlink(name, dir_fd=folder)
    return True
