"""Nodes: a block, checked and read as far as its own bytes tell (content spec R22, R23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.block import Get, load
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.unixfs import Entry, EntryType
from lodestamp.core.encoding import Cid, Codec
from lodestamp.errors import UnixFSError

_FILE_TYPES = frozenset((EntryType.FILE, EntryType.RAW))


@dataclass(frozen=True, slots=True)
class Node:
    """A block of codec raw or dag-pb, or of one that is opaque here.

    `entry` is None for all but UnixFS nodes. `data` is the block's bytes; `links` those of dag-pb.
    """

    cid: Cid
    data: bytes
    links: tuple[PBLink, ...] = ()
    entry: Entry | None = None

    @property
    def is_file(self) -> bool:
        """Tell whether it is a file, a part of one, or a raw leaf."""
        if self.cid.codec == Codec.RAW:
            return True
        return self.entry is not None and self.entry.type in _FILE_TYPES

    @property
    def is_dag_pb(self) -> bool:
        """Tell whether it is a dag-pb node, UnixFS or plain."""
        return self.cid.codec == Codec.DAG_PB

    @property
    def own_content(self) -> bytes:
        """The content bytes that a file node holds itself."""
        if self.entry is None:
            return self.data
        return self.entry.data or b""

    @property
    def size(self) -> int:
        """The content bytes at and below a file node, by its own word."""
        return len(self.data) if self.entry is None else self.entry.filesize or 0


def open_node(get: Get, cid: Cid) -> Node:
    """Return the node of this CID; dag-pb without a UnixFS message is plain (R23).

    Errors as `load` and `dag_pb.decode`; UnixFSError ``unixfs.*`` when the node breaks a rule that
    its own bytes show.
    """
    return read_node(cid, load(get, cid))


def read_node(cid: Cid, data: bytes, *, strict: bool = False) -> Node:
    """Return the node of a checked block; errors as `open_node`, but for those of `load`."""
    if cid.codec != Codec.DAG_PB:
        return Node(cid, data)
    node = dag_pb.decode(data, strict=strict)
    entry = None if node.data is None else _entry_of(node.data)
    if entry is not None:
        _check(entry, node.links)
    return Node(cid, data, node.links, entry)


def _entry_of(message: bytes) -> Entry | None:
    try:
        return unixfs.decode(message)
    except UnixFSError as error:
        if error.code == "unixfs.message":
            return None
        raise


def _check(entry: Entry, links: tuple[PBLink, ...]) -> None:
    if entry.type == EntryType.SYMLINK:
        if links:
            raise UnixFSError("a symlink has links", code="unixfs.symlink-links")
    elif entry.type in _FILE_TYPES:
        if len(entry.blocksizes) != len(links):
            message = f"{len(entry.blocksizes)} blocksizes for {len(links)} links"
            raise UnixFSError(message, code="unixfs.blocksizes-count")
        own = len(entry.data or b"")
        if (entry.filesize or 0) != own + sum(entry.blocksizes):
            raise UnixFSError("filesize is not the sum of its parts", code="unixfs.filesize")
        if any(link.name for link in links):
            raise UnixFSError("the link of a chunk has a name", code="unixfs.chunk-name")


def refuse_duplicate(name: bytes) -> NoReturn:
    """Refuse a directory that has a name twice: UnixFSError ``unixfs.duplicate-name``."""
    message = f"two entries of one directory are named {name[:80]!r}"
    raise UnixFSError(message, code="unixfs.duplicate-name")
