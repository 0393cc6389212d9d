"""Adding files and folders to the store: each becomes its DAG, acknowledged and pinned as one.

Without a store the same work gives only the addresses (content spec §3, §10).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lodestamp.core.content import (
    NO_METADATA,
    Block,
    File,
    Folder,
    Metadata,
    Mtime,
    Profile,
    Root,
    Symlink,
    TreeEntry,
    add_directory,
    add_file,
    add_symlink,
    address_directory,
    address_file,
)
from lodestamp.core.encoding import Codec
from lodestamp.errors import SourceError, UsageError
from lodestamp.node.blocks.pins import Pin
from lodestamp.node.blocks.source import SourceFile, unreadable
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.blocks.tree import USUAL_TREE, TreeOptions, is_folder, read_tree
from lodestamp.node.blocks.writer import BlockWriter, FileRef
from lodestamp.node.progress import Progress

STREAM_NAME: Final = "-"
"""How the bytes of standard input are called."""


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What is read of the disk, and what becomes of it.

    `mode` and `mtime` are written on every file and folder; `wrap` puts all paths into one folder;
    `nocopy` leaves raw leaves in their files; `name` is the pins'.
    """

    tree: TreeOptions = USUAL_TREE
    mode: int | None = None
    mtime: Mtime | None = None
    dereference: bool = False
    wrap: bool = False
    nocopy: bool = False
    pin: bool = True
    name: str | None = None

    @property
    def carries_metadata(self) -> bool:
        """Tell whether any node may carry a mode or a time, which raw leaves cannot (R24)."""
        tree = self.tree
        return tree.mode or tree.mtime or self.mode is not None or self.mtime is not None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one path; `new_blocks` and `new_bytes` are what was not here before."""

    path: str
    root: Root
    new_blocks: int
    new_bytes: int

    def as_json(self) -> dict[str, object]:
        """Return the object of ``content add --json``."""
        return {
            "cid": str(self.root.cid),
            "path": self.path,
            "profile": self.root.profile,
            "size": self.root.size,
            "dag_size": self.root.dag_size,
            "blocks": self.root.blocks,
            "new_blocks": self.new_blocks,
            "new_bytes": self.new_bytes,
        }


class Adder:
    """Adds paths under one profile; with `store` None it only computes their addresses.

    UsageError when `nocopy` is asked of a profile or options that frame leaves.
    """

    def __init__(
        self, store: BlockStore | None, profile: Profile, options: AddOptions | None = None
    ) -> None:
        self._store = store
        self._profile = profile
        self._options = options or AddOptions()
        if self._options.nocopy and not (profile.raw_leaves and not self._options.carries_metadata):
            hint = "take a profile with raw leaves, and leave mode and mtime out"
            raise UsageError("--nocopy needs leaves that are the file's own bytes", hint=hint)

    def add(
        self,
        paths: Sequence[Path],
        progress: Progress | None = None,
        *,
        stream: Iterable[bytes] = (),
    ) -> Iterator[Added]:
        """Add paths one after another, each on disk and pinned when it is yielded.

        The path ``-`` stands for `stream`. SourceError when a path cannot be read or changes
        meanwhile: then it is not pinned. PathError, UnixFSError and LimitExceeded as
        `read_tree` and `add_directory`; StoreError when the disk refuses.
        """
        works = [_Reading(path, self._options, progress, stream) for path in paths]
        if self._options.wrap:
            works = [_Wrapped(works, self._options)]
        if self._store is None:
            for work in works:
                yield Added(work.name, work.address(self._profile), 0, 0)
            return
        with self._store.writer() as writer:
            for work in works:
                yield self._add(work, writer)

    def _add(self, work: _Reading, writer: BlockWriter) -> Added:
        blocks, size = writer.new_blocks, writer.new_bytes
        root: Root | None = None
        for item in work.blocks(self._profile):
            if isinstance(item, Root):
                root = item
            elif self._options.nocopy and item.cid.codec == Codec.RAW and work.current is not None:
                writer.put_ref(item.cid, work.take_ref(len(item.data)))
            else:
                writer.put_made(item)
        assert root is not None, "every import ends with a Root"  # noqa: S101
        writer.commit([Pin.of_root(root, self._options.name)] if self._options.pin else [])
        return Added(work.name, root, writer.new_blocks - blocks, writer.new_bytes - size)


class _Reading:
    """One path as it is read: a file, a folder, a symlink or a stream."""

    def __init__(
        self,
        path: Path,
        options: AddOptions,
        progress: Progress | None,
        stream: Iterable[bytes],
    ) -> None:
        self.name = str(path)
        self.current: SourceFile | None = None
        """The file whose leaves come now, where its place on disk is known."""
        self._path = path
        self._options = options
        self._progress = progress
        self._stream = stream
        self._offset = 0

    def blocks(self, profile: Profile) -> Iterator[Block | Root]:
        """Yield every block and the root last."""
        with ExitStack() as resources:
            entries = list(self._single(resources))
            if not entries:
                yield from add_directory(self.entries(()), profile)
                return
            entry = entries[0]
            if isinstance(entry, Symlink):
                root, block = add_symlink(entry.target, profile, entry.mtime)
                yield from (block, root)
            elif isinstance(entry, File):
                yield from add_file(entry.pieces, profile, metadata=entry.metadata)

    def address(self, profile: Profile) -> Root:
        """Return the root alone."""
        with ExitStack() as resources:
            entries = list(self._single(resources))
            if not entries:
                return address_directory(self.entries(()), profile)
            entry = entries[0]
            if isinstance(entry, Symlink):
                return add_symlink(entry.target, profile, entry.mtime)[0]
            assert isinstance(entry, File)  # noqa: S101  a single entry is a file or a symlink
            return address_file(entry.pieces, profile, metadata=entry.metadata)

    def entries(self, prefix: tuple[bytes, ...]) -> Iterator[TreeEntry]:
        """Yield the path's entries below a prefix, itself included when that is not empty."""
        with ExitStack() as resources:
            single = list(self._single(resources))
            if single:
                yield from (replace(each, path=prefix) for each in single)
                return
            tree = read_tree(self._path, self._options.tree, self._progress)
            for entry in tree:
                if isinstance(entry, Folder) and not entry.path and not prefix:
                    yield replace(entry, metadata=self._metadata(entry.metadata))
                    continue
                self.current = None
                placed = replace(entry, path=prefix + entry.path)
                if isinstance(placed, File | Folder):
                    placed = replace(placed, metadata=self._metadata(placed.metadata))
                elif self._options.mtime is not None:
                    placed = replace(placed, mtime=self._options.mtime)
                if isinstance(placed, File) and isinstance(entry, File):
                    placed = replace(placed, pieces=self._placed(entry))
                yield placed

    def _placed(self, entry: File) -> Iterable[bytes | memoryview]:
        """Remember where the leaves of a file in a folder lie, for `nocopy`."""
        if self._options.nocopy:
            path = self._path.joinpath(*map(os.fsdecode, entry.path))
            self.current = SourceFile.open(path)
            self.current.close()
            self._offset = 0
        return entry.pieces

    def _single(self, resources: ExitStack) -> Iterator[File | Symlink]:
        """Yield the one entry that the path is, or none when it is a folder."""
        if self.name == STREAM_NAME:
            yield File((), self._stream, self._metadata(NO_METADATA))
            return
        if self._path.is_symlink() and not self._options.dereference:
            try:
                target = os.fsencode(self._path.readlink())
            except OSError as error:
                raise unreadable(self._path, error) from error
            yield Symlink((), target, self._options.mtime)
            return
        if is_folder(self._path):
            return
        source = resources.enter_context(SourceFile.open(self._path))
        tree = self._options.tree
        seconds, nanoseconds = divmod(source.status.st_mtime_ns, 1_000_000_000)
        found = Metadata(
            source.status.st_mode & 0o7777 if tree.mode else None,
            Mtime(seconds, nanoseconds) if tree.mtime else None,
        )
        self.current, self._offset = source, 0
        yield File((), source.pieces(self._progress), self._metadata(found))

    def _metadata(self, found: Metadata) -> Metadata:
        options = self._options
        return Metadata(
            found.mode if options.mode is None else options.mode,
            found.mtime if options.mtime is None else options.mtime,
        )

    def take_ref(self, size: int) -> FileRef:
        """Return where the next leaf of the file being read lies."""
        source = self.current
        assert source is not None, "asked only while a file is read"  # noqa: S101
        offset, self._offset = self._offset, self._offset + size
        path = os.path.realpath(source.path)
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            raise SourceError(f"{path!r} is not UTF-8", code="source.unreadable") from None
        return FileRef(path, offset, size, source.size, source.status.st_mtime_ns)


class _Wrapped(_Reading):
    """Several paths in one folder, each under its own last name."""

    def __init__(self, works: Sequence[_Reading], options: AddOptions) -> None:
        super().__init__(Path(), options, None, ())
        self.name = ""
        self._works = works

    def _single(self, resources: ExitStack) -> Iterator[File | Symlink]:
        del resources
        return iter(())

    def entries(self, prefix: tuple[bytes, ...]) -> Iterator[TreeEntry]:
        for work in self._works:
            name = os.fsencode(Path(work.name).resolve().name) if work.name != STREAM_NAME else b"-"
            for entry in work.entries((*prefix, name)):
                self.current, self._offset = work.current, 0
                yield entry
