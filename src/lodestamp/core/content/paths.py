"""Paths into a DAG: from a root, name by name, to the block they lead to (content spec R75).

Names are compared as bytes. Symlinks are found, never followed. That a name is absent is proved by
the blocks that were read: the flat directory, or the shard whose bucket is empty or another's.

>>> parse_path("/ipfs/bafkqaaa/a//./b").segments
(b'a', b'b')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lodestamp.core.content import dag_cbor, dag_json, hamt
from lodestamp.core.content.block import Get
from lodestamp.core.content.dag_cbor import NodeValue
from lodestamp.core.content.limits import PATH_SEGMENTS_MAX, PATH_SIZE_MAX
from lodestamp.core.content.node import Node, open_node
from lodestamp.core.content.reader import Kind, kind_of
from lodestamp.core.content.shard import Shard
from lodestamp.core.encoding import Cid, Codec
from lodestamp.errors import CidError, LimitExceeded, PathError

_PREFIX: Final = "/ipfs/"
_DECODERS: Final[Mapping[int, Callable[[bytes], NodeValue]]] = MappingProxyType(
    {Codec.DAG_CBOR: dag_cbor.decode, Codec.DAG_JSON: dag_json.decode}
)
_index = re.compile(rb"0|[1-9][0-9]{0,8}").fullmatch


@dataclass(frozen=True, slots=True)
class ContentPath:
    """A root and the names that lead on from it."""

    root: Cid
    segments: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a path leads.

    `cid` is its last block; `blocks` every block that was read on the way, from the root to that
    one, shards included; `roots` the root and what each segment led to. `within` are the segments
    that lead on inside the last block, where that is DAG-CBOR or DAG-JSON.
    """

    cid: Cid
    blocks: tuple[Cid, ...]
    roots: tuple[Cid, ...]
    within: tuple[bytes, ...] = ()


def parse_path(text: str) -> ContentPath:
    """Parse ``/ipfs/CID/a/b`` or ``CID/a/b``; nothing is percent-decoded here.

    CidError; PathError ``path.dotdot`` ``path.not-utf8``; LimitExceeded ``limit.path``.
    """
    first, _, rest = text.removeprefix(_PREFIX).partition("/")
    if not first:
        raise CidError("cid.base", "a path without a CID")
    return ContentPath(Cid.parse(first), segments_of(rest))


def segments_of(path: str | bytes | Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the names of a path: empty ones and ``.`` dropped, ``..`` refused.

    PathError ``path.dotdot``, and ``path.not-utf8`` for text with lone surrogates; LimitExceeded
    ``limit.path`` beyond 4,096 bytes or 256 segments.
    """
    if isinstance(path, str):
        try:
            path = path.encode()
        except UnicodeEncodeError:
            raise PathError("a path has lone surrogates", code="path.not-utf8") from None
    if isinstance(path, bytes):
        if len(path) > PATH_SIZE_MAX:
            what = "the size of a path in bytes"
            raise LimitExceeded(what, PATH_SIZE_MAX, len(path), code="limit.path")
        path = path.split(b"/")
    segments = tuple(segment for segment in path if segment not in (b"", b"."))
    if len(segments) > PATH_SEGMENTS_MAX:
        what = "the number of segments of a path"
        raise LimitExceeded(what, PATH_SEGMENTS_MAX, len(segments), code="limit.path")
    if b".." in segments:
        raise PathError("a path may not go up: '..'", code="path.dotdot")
    return segments


def resolve(get: Get, cid: Cid, path: str | bytes | Iterable[bytes] = ()) -> Resolution:
    """Follow a path from a root.

    PathError ``path.absent`` (proved by what was read), ``path.not-a-directory`` (a name past a
    file, symlink, opaque block or value); BlockMissing; errors as `segments_of`, `open_node`,
    `hamt.lookup` and the codecs of DAG-CBOR and DAG-JSON.
    """
    blocks = [cid]
    roots = [cid]
    node = open_node(get, cid)
    within: list[bytes] = []
    value: NodeValue = None
    for segment in segments_of(path):
        if node.cid.codec in _DECODERS:
            value = _DECODERS[node.cid.codec](node.data) if not within else value
            value = _member(value, segment, node)
            within.append(segment)
            if not isinstance(value, Cid):
                continue
            found = value
        else:
            found = _step(get, node, segment, blocks)
        within.clear()
        roots.append(found)
        blocks.append(found)
        node = open_node(get, found)
    return Resolution(node.cid, tuple(blocks), tuple(roots), tuple(within))


def _step(get: Get, node: Node, segment: bytes, blocks: list[Cid]) -> Cid:
    """Return what a name leads to from a node; the shards on the way are put into `blocks`."""
    kind = kind_of(node)
    found: Cid | None = None
    if kind == Kind.SHARDED:
        for each in hamt.trace(get, node.cid, segment):
            if not isinstance(each, Shard):
                found = each.cid
            elif each.path:
                blocks.append(each.cid)
    elif kind in (Kind.DIRECTORY, Kind.PLAIN):
        found = next((link.cid for link in node.links if link.name == segment), None)
    else:
        raise _not_a_directory(segment, node)
    if found is None:
        raise _absent(segment, node)
    return found


def _member(value: NodeValue, segment: bytes, node: Node) -> NodeValue:
    """Return what a map has under a key, or a list at an index in decimal."""
    if isinstance(value, dict):
        key = segment.decode("utf-8", "replace")
        if key.encode() != segment or key not in value:
            raise _absent(segment, node)
        return value[key]
    if isinstance(value, list):
        if not _index(segment) or int(segment) >= len(value):
            raise _absent(segment, node)
        return value[int(segment)]
    raise _not_a_directory(segment, node)


def _absent(segment: bytes, node: Node) -> PathError:
    return PathError(f"{segment[:80]!r} is not in {node.cid}", code="path.absent")


def _not_a_directory(segment: bytes, node: Node) -> PathError:
    message = f"{segment[:80]!r} is asked of {node.cid}, which is no directory"
    return PathError(message, code="path.not-a-directory")
