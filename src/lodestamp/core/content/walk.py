"""Walking a DAG: its blocks depth first, each before those below it (content spec R86, R112).

A walk follows links and judges nothing else: a node whose UnixFS message is damaged is a block like
another. `check` judges. Nothing here recurses; depth, links and bytes are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.block import USUAL_BUDGET, Block, Budget, Get, Meter, load
from lodestamp.core.content.limits import DAG_DEPTH_MAX, NESTING_DEPTH_MAX
from lodestamp.core.content.links import links
from lodestamp.core.content.shard import prefix_width
from lodestamp.core.content.unixfs import Entry, EntryType
from lodestamp.core.encoding import Cid, Codec, HashCode
from lodestamp.errors import LimitExceeded, UnixFSError

Edge = tuple[Cid, bool]
"""A link's target, and whether it leads to a part of the same file or sharded directory."""


class Scope(StrEnum):
    """How far a walk goes."""

    BLOCK = "block"
    """The root block alone."""
    ENTITY = "entity"
    """All of a file; all shards of a directory without what they name; else the block alone."""
    ALL = "all"
    """Everything below."""


def walk(
    get: Get,
    root: Cid,
    scope: Scope = Scope.ALL,
    budget: Budget = USUAL_BUDGET,
    *,
    repeated: bool = False,
) -> Iterator[Block]:
    """Yield the blocks of a DAG in the order of their links, each checked against its CID.

    A CID comes once, or with `repeated` every time it is met. Identity CIDs are followed but never
    yielded: they are no blocks of their own. BlockMissing where the first block is missing;
    LimitExceeded ``limit.steps`` ``.output-bytes`` ``.depth``; errors of `load` and of the codecs.
    """
    meter = Meter(budget)
    met: set[bytes] = set()
    waiting: list[tuple[Iterator[Edge], int, int]] = [(iter(((root, False),)), -1, 0)]
    while waiting:
        edges, nesting, level = waiting[-1]
        edge = next(edges, None)
        if edge is None:
            waiting.pop()
            continue
        cid, is_part = edge
        meter.step()
        if scope == Scope.ENTITY and not is_part and len(waiting) > 1:
            continue
        if not repeated:
            key = cid.encode()
            if key in met:
                continue
            met.add(key)
        nesting, level = (nesting, level + 1) if is_part else (nesting + 1, 0)
        check_depth(nesting, level)
        data = load(get, cid)
        if cid.hash_code != HashCode.IDENTITY:
            meter.give(len(data))
            yield Block(cid, data)
        if scope != Scope.BLOCK:
            waiting.append((edges_of(cid, data), nesting, level))


def check_depth(nesting: int, level: int) -> None:
    """Refuse what lies too deep: LimitExceeded ``limit.depth``."""
    if level > DAG_DEPTH_MAX:
        what = "the depth of a file or sharded directory"
        raise LimitExceeded(what, DAG_DEPTH_MAX, level, code="limit.depth")
    if nesting > NESTING_DEPTH_MAX:
        what = "the number of directories within directories"
        raise LimitExceeded(what, NESTING_DEPTH_MAX, nesting, code="limit.depth")


def edges_of(cid: Cid, data: bytes) -> Iterator[Edge]:
    """Yield the links of a block in their order; blocks of unknown codecs have none (R5)."""
    if cid.codec != Codec.DAG_PB:
        for target in links(cid, data):
            yield target, False
        return
    node = dag_pb.decode(data)
    width = _part_width(node.data)
    for link in node.links:
        yield link.cid, width == 0 or len(link.name or b"") == width


def _part_width(message: bytes | None) -> int:
    """Return how long the names of links to parts are: 0 in files; -1 where no link is one."""
    entry = _entry_or_none(message)
    if entry is None:
        return -1
    if entry.type in (EntryType.FILE, EntryType.RAW):
        return 0
    if entry.type == EntryType.HAMT_SHARD and entry.fanout:
        return prefix_width(entry.fanout)
    return -1


def _entry_or_none(message: bytes | None) -> Entry | None:
    if message is None:
        return None
    try:
        return unixfs.decode(message)
    except UnixFSError:
        return None
