"""Reading: what a CID holds, from blocks that nobody has to trust (content spec R22, R75, R90).

`get` returns the bytes of a block or None; each is checked against its CID before it counts.

>>> from lodestamp.core.content.importer import add_bytes
>>> from lodestamp.core.content.profiles import get_profile
>>> root, blocks = add_bytes(b"hello world", get_profile("unixfs-v0-2015"))
>>> b"".join(read({each.cid: each.data for each in blocks}.get, root.cid, 6, 9))
b'wor'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lodestamp.core.content import hamt
from lodestamp.core.content.block import USUAL_BUDGET, Budget, Get, Meter
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.node import Node, open_node, refuse_duplicate
from lodestamp.core.content.shard import as_shard
from lodestamp.core.content.span import read_span
from lodestamp.core.content.unixfs import EntryType, Mtime
from lodestamp.core.encoding import Cid
from lodestamp.errors import PathError


class Kind(StrEnum):
    """What a CID holds."""

    FILE = "file"
    DIRECTORY = "directory"
    SHARDED = "sharded-directory"
    SYMLINK = "symlink"
    PLAIN = "plain"
    """A dag-pb node without a UnixFS message: links and bytes."""
    OPAQUE = "opaque"
    """A block of another codec."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What the root block of a CID says of it.

    `size` is the content of a file in bytes, else 0; `links` the links of the root block alone;
    `mode` at most 32 bits as stored; `target` that of a symlink.
    """

    cid: Cid
    kind: Kind
    size: int
    links: int
    block_size: int
    mode: int | None = None
    mtime: Mtime | None = None
    target: bytes | None = None


def stat(get: Get, cid: Cid) -> Stat:
    """Return what the root block says; it is a claim about the blocks below (R92).

    Errors as `open_node`, and HamtError for a shard that is none.
    """
    node = open_node(get, cid)
    kind, entry = kind_of(node), node.entry
    if kind == Kind.SHARDED:
        as_shard(node)
    return Stat(
        cid,
        kind,
        node.size if kind == Kind.FILE else 0,
        len(node.links),
        len(node.data),
        None if entry is None else entry.mode,
        None if entry is None else entry.mtime,
        node.own_content if kind == Kind.SYMLINK else None,
    )


def kind_of(node: Node) -> Kind:
    """Return what a node is."""
    if node.is_file:
        return Kind.FILE
    if node.entry is not None:
        return _KINDS[node.entry.type]
    return Kind.PLAIN if node.is_dag_pb else Kind.OPAQUE


_KINDS = {
    EntryType.DIRECTORY: Kind.DIRECTORY,
    EntryType.HAMT_SHARD: Kind.SHARDED,
    EntryType.SYMLINK: Kind.SYMLINK,
}


def read(
    get: Get,
    cid: Cid,
    start: int = 0,
    end: int | None = None,
    budget: Budget = USUAL_BUDGET,
) -> Iterator[bytes]:
    """Yield the bytes of a file from `start` up to, without, `end` (default: its size).

    Only the blocks that hold them are asked for; each is checked, with R22, before its bytes come
    out. Nothing comes out when more is asked for than the budget allows: LimitExceeded
    ``limit.output-bytes``, ``limit.steps``, ``limit.depth``. PathError ``path.not-a-file``; for a
    range outside the file UnixFSError ``unixfs.range``; errors as `open_node`; UnixFSError
    ``unixfs.child-size`` and ``.child-type`` for a child its parent does not describe.
    """
    for _node, data in read_span(get, open_node(get, cid), start, end, Meter(budget)):
        if data:
            yield data


def ls(get: Get, cid: Cid, budget: Budget = USUAL_BUDGET) -> Iterator[PBLink]:
    """Yield the entries of a directory: flat as stored, sharded by the hashes of the names.

    No name comes twice: UnixFSError ``unixfs.duplicate-name``. LimitExceeded ``limit.entries``;
    PathError ``path.not-a-directory``; errors as `hamt.iterate`.
    """
    node = open_node(get, cid)
    kind = kind_of(node)
    if kind == Kind.SHARDED:
        yield from hamt.iterate(get, cid, budget)
    elif kind == Kind.DIRECTORY:
        Meter(budget).list(len(node.links))
        check_names(node)
        yield from node.links
    else:
        raise PathError(f"{cid} is no directory", code="path.not-a-directory")


def check_names(node: Node) -> None:
    """Refuse a flat directory that has a name twice: UnixFSError ``unixfs.duplicate-name``."""
    names: set[bytes] = set()
    for link in node.links:
        name = link.name or b""
        if name in names:
            refuse_duplicate(name)
        names.add(name)
