r"""Directories: a tree of files becomes the DAG and the CID that kubo gives (content spec §3.5).

Files stream through; of a folder only names and CIDs are held, and only while it is open.

>>> from lodestamp.core.content.profiles import get_profile
>>> tree = [File((b"mars.txt",), [b"Hello Mars!\n"]), File((b"venus.txt",), [b"Hello Venus!\n"])]
>>> str(address_directory(tree, get_profile("unixfs-v0-2015")).cid)
'QmWSgS32xQEcXMeqd3YPJLrNBLSdsfYCep2U7CFkyrjXwY'
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from lodestamp.core.content import dag_pb, hamt, unixfs
from lodestamp.core.content.block import Block
from lodestamp.core.content.hamt import Named
from lodestamp.core.content.importer import Hasher, Root, add_file, add_symlink, address_file
from lodestamp.core.content.layout import Child, make_node
from lodestamp.core.content.limits import BLOCK_SIZE_MAX, ENTRIES_MAX
from lodestamp.core.content.node import refuse_duplicate
from lodestamp.core.content.profiles import HamtEstimate, Profile
from lodestamp.core.content.tree import File, Folder, Symlink, TreeEntry, check_path
from lodestamp.core.content.unixfs import NO_METADATA, EntryType, Metadata
from lodestamp.core.encoding import Cid
from lodestamp.errors import LimitExceeded, PathError

_Import = Callable[[File], Iterator[Block | Root]]


def add_directory(
    entries: Iterable[TreeEntry],
    profile: Profile,
    hasher: Hasher | None = None,
    *,
    entries_max: int = ENTRIES_MAX,
) -> Iterator[Block | Root]:
    """Yield every block of a tree, children before parents, and its `Root` last.

    `entries` come in depth-first order; in which order those of one folder come changes the order
    of the blocks, not the root. UnixFSError ``unixfs.duplicate-name``, also for a folder that is
    left and entered again; PathError for a name that no directory can hold and for the root as
    anything but a folder; LimitExceeded ``limit.entries`` and ``limit.depth``; HamtError
    ``hamt.depth`` for two names of one hash. What pieces raise passes through.
    """

    def whole(file: File) -> Iterator[Block | Root]:
        return add_file(file.pieces, profile, hasher, metadata=file.metadata)

    return _Builder(profile, whole, entries_max).run(entries)


def address_directory(
    entries: Iterable[TreeEntry], profile: Profile, *, entries_max: int = ENTRIES_MAX
) -> Root:
    """Return the root that `add_directory` would end with, keeping no block and no file's bytes."""

    def address(file: File) -> Iterator[Block | Root]:
        yield address_file(file.pieces, profile, metadata=file.metadata)

    for item in _Builder(profile, address, entries_max).run(entries):
        if isinstance(item, Root):
            return item
    raise AssertionError("a tree ends with a Root")


@dataclass(slots=True)
class _OpenFolder:
    """A folder whose entries still come: flat, until its estimate passes the threshold (R51)."""

    name: bytes
    metadata: Metadata = NO_METADATA
    flat: list[Named] = field(default_factory=list)
    packed: list[bytes] | None = None
    count: int = 0
    estimate: int = 0


class _Builder:
    """Builds one tree."""

    def __init__(self, profile: Profile, import_file: _Import, entries_max: int) -> None:
        self._profile = profile
        self._import_file = import_file
        self._entries_max = entries_max
        self._open: list[_OpenFolder] = []
        self._size = self._blocks = 0

    def run(self, entries: Iterable[TreeEntry]) -> Iterator[Block | Root]:
        self._enter(b"", NO_METADATA)
        for entry in entries:
            check_path(entry.path)
            folders = entry.path if isinstance(entry, Folder) else entry.path[:-1]
            shared = 0
            for name, folder in zip(folders, self._open[1:], strict=False):
                if name != folder.name:
                    break
                shared += 1
            while len(self._open) > 1 + shared:
                yield from self._leave()
            if isinstance(entry, Folder):
                if shared == len(folders) and (folders or self._open[0].count):
                    refuse_duplicate(folders[-1] if folders else b"")
                self._come_to(folders, entry.metadata)
                continue
            if not entry.path:
                raise PathError("the root of a tree is a folder", code="path.not-a-directory")
            self._come_to(folders, NO_METADATA)
            yield from self._add(entry)
        while len(self._open) > 1:
            yield from self._leave()
        top = yield from self._close(self._open[0])
        cid = Cid.decode(top.cid)
        yield Root(cid, self._size, top.dag_size, self._blocks, self._profile.name)

    def _come_to(self, folders: tuple[bytes, ...], metadata: Metadata) -> None:
        """Open the folders of this path that are not; the last of them carries the metadata."""
        for name in folders[len(self._open) - 1 :]:
            self._enter(name, NO_METADATA)
        if metadata:
            self._set_metadata(self._open[-1], metadata)

    def _enter(self, name: bytes, metadata: Metadata) -> None:
        folder = _OpenFolder(name)
        self._set_metadata(folder, metadata)
        self._open.append(folder)

    def _set_metadata(self, folder: _OpenFolder, metadata: Metadata) -> None:
        folder.metadata = metadata
        if self._profile.hamt_estimate == HamtEstimate.BLOCK_BYTES:
            folder.estimate = len(dag_pb.join(links=b"", data=_flat_message(metadata)))

    def _add(self, entry: File | Symlink) -> Iterator[Block]:
        root: Root | None = None
        if isinstance(entry, Symlink):
            root, block = add_symlink(entry.target, self._profile, entry.mtime)
            yield block
        else:
            for item in self._import_file(entry):
                if isinstance(item, Root):
                    root = item
                else:
                    yield item
        assert root is not None  # noqa: S101  every import ends with a Root
        self._size += root.size
        self._blocks += root.blocks
        self._put(Named(entry.path[-1], root.cid.encode(), root.dag_size))

    def _leave(self) -> Iterator[Block]:
        folder = self._open.pop()
        child = yield from self._close(folder)
        self._put(Named(folder.name, child.cid, child.dag_size))

    def _put(self, entry: Named) -> None:
        """Put an entry into the innermost open folder."""
        folder = self._open[-1]
        folder.count += 1
        if folder.count > self._entries_max:
            raise LimitExceeded(
                "the number of entries of a directory",
                self._entries_max,
                folder.count,
                code="limit.entries",
            )
        if folder.packed is not None:
            folder.packed.append(hamt.pack(entry))
            return
        folder.flat.append(entry)
        folder.estimate += estimate(entry, self._profile.hamt_estimate)
        if folder.estimate > self._profile.hamt_threshold:
            folder.packed = [hamt.pack(each) for each in folder.flat]
            folder.flat.clear()

    def _close(self, folder: _OpenFolder) -> Generator[Block, None, Child]:
        """Yield the blocks of a folder that is complete; return what its parent keeps of it."""
        profile = self._profile
        if folder.packed is None:
            child, block = flat_directory(folder.flat, profile, folder.metadata)
            self._blocks += 1
            yield block
            return child
        folder.packed.sort()
        for item in hamt.build_packed(folder.packed, profile, folder.metadata):
            if isinstance(item, Child):
                return item
            self._blocks += 1
            yield item
        raise AssertionError("a HAMT ends with its root")


def flat_directory(
    entries: Iterable[Named], profile: Profile, metadata: Metadata = NO_METADATA
) -> tuple[Child, Block]:
    """Return a directory of one block, links sorted by the bytes of their names (R50).

    UnixFSError ``unixfs.duplicate-name``; LimitExceeded when the block has over 2 MiB.
    """
    ordered = sorted(entries)
    for entry, after in pairwise(ordered):
        if entry.name == after.name:
            refuse_duplicate(entry.name)
    links = b"".join(dag_pb.encode_link(cid, name, size) for name, cid, size in ordered)
    data = dag_pb.join(links=links, data=_flat_message(metadata))
    if len(data) > BLOCK_SIZE_MAX:
        raise LimitExceeded("the size of a flat directory in bytes", BLOCK_SIZE_MAX, len(data))
    block = make_node(data, cid_version=profile.cid_version, hash_code=profile.hash_code)
    dag_size = len(data) + sum(entry.dag_size for entry in ordered)
    return Child(block.cid.encode(), 0, dag_size), block


def estimate(entry: Named, how: HamtEstimate) -> int:
    """Return what an entry adds to the estimated size of its directory, in bytes (R51)."""
    if how == HamtEstimate.LINKS_BYTES:
        return len(entry.name) + len(entry.cid)
    return len(dag_pb.encode_link(entry.cid, entry.name, entry.dag_size))


def _flat_message(metadata: Metadata) -> bytes:
    entry = unixfs.Entry(EntryType.DIRECTORY, mode=metadata.mode, mtime=metadata.mtime)
    return unixfs.encode(entry)
