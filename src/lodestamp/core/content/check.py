"""Checking a whole DAG: what is missing and what is wrong, block by block (content spec R22, R54).

Only here is every size held against what lies below it, and every name against its hash: reading a
part proves that part (R92).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lodestamp.core.content.block import USUAL_BUDGET, Budget, Get, Meter, load
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.node import Node, read_node
from lodestamp.core.content.reader import Kind, check_names, kind_of
from lodestamp.core.content.shard import Above, Shard, as_shard
from lodestamp.core.content.span import check_child
from lodestamp.core.content.walk import check_depth, edges_of
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import BlockMissing, CidError, ContentError, LimitExceeded, UnixFSError

_Key = tuple[bytes, Above | None]
"""A block's CID; for a sub-shard also what is above it, since its names depend on that."""


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with a block: a code of the error tree, and the error's sentence."""

    cid: Cid
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: blocks and their bytes, each CID once; what is missing or wrong."""

    root: Cid
    blocks: int
    bytes: int
    missing: tuple[Cid, ...]
    defects: tuple[Defect, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether every block is here and none has a defect."""
        return not self.missing and not self.defects


def check(get: Get, root: Cid, budget: Budget = USUAL_BUDGET, *, strict: bool = False) -> Report:
    """Check every block below `root`, and every size, type and name against the blocks below it.

    `strict` also demands the canonical bytes of dag-pb. What is wrong is reported, not raised; what
    lies below a defective block is not looked at. LimitExceeded ``limit.steps`` and
    ``limit.output-bytes`` end the check itself, since it cannot be finished.
    """
    return _Check(get, root, Meter(budget), strict=strict).run()


@dataclass(slots=True)
class _Met:
    """A block that was looked at; the deepest levels and nestings below it are known at its end."""

    node: Node | None
    parts_below: int = 0
    nested_below: int = 0


@dataclass(frozen=True, slots=True)
class _Edge:
    """A link to follow: part of the same file (`size`) or directory (`above`), or neither."""

    cid: Cid
    is_part: bool
    size: int | None = None
    above: Above | None = None


@dataclass(slots=True)
class _Open:
    met: _Met
    edges: Iterator[_Edge]
    nesting: int
    level: int
    is_part: bool = field(default=False)


class _Check:
    """One check: a walk that keeps what it has met."""

    def __init__(self, get: Get, root: Cid, meter: Meter, *, strict: bool) -> None:
        self._get = get
        self._root = root
        self._meter = meter
        self._strict = strict
        self._met: dict[_Key, _Met] = {}
        self._counted: set[bytes] = set()
        self._unreadable: set[bytes] = set()
        self._bytes = 0
        self._missing: dict[Cid, None] = {}
        self._defects: dict[Defect, None] = {}

    def run(self) -> Report:
        top = _Open(_Met(None), iter((_Edge(self._root, is_part=False),)), -1, 0)
        waiting = [top]
        while waiting:
            parent = waiting[-1]
            edge = next(parent.edges, None)
            if edge is None:
                waiting.pop()
                if waiting:
                    _pass_up(waiting[-1].met, parent.met, is_part=parent.is_part)
                continue
            self._meter.step()
            try:
                child = self._follow(parent, edge)
            except BlockMissing:
                self._missing[edge.cid] = None
            except (ContentError, CidError) as error:
                self._defect(edge.cid, error)
            except LimitExceeded as error:
                if error.code in {"limit.steps", "limit.output-bytes"}:
                    raise
                self._defect(edge.cid, error)
            else:
                if child is not None:
                    waiting.append(child)
        return Report(
            self._root,
            len(self._counted),
            self._bytes,
            tuple(self._missing),
            tuple(self._defects),
        )

    def _follow(self, parent: _Open, edge: _Edge) -> _Open | None:
        """Look at what an edge leads to; return it when there is more below it, unseen."""
        nesting, level = parent.nesting, parent.level + 1
        if not edge.is_part:
            nesting, level = nesting + 1, 0
        key = (edge.cid.encode(), edge.above)
        met = self._met.get(key)
        if met is not None:
            check_depth(nesting + met.nested_below, level + met.parts_below)
            if edge.size is not None and met.node is not None:
                check_child(met.node, edge.size)
            _pass_up(parent.met, met, is_part=edge.is_part)
            return None
        check_depth(nesting, level)
        met = self._met[key] = _Met(None)
        node = self._read(edge.cid)
        if node is None:
            return None
        if edge.above is not None:
            self._meter.step(len(node.links))  # read again under every path that leads to it
        met.node = Node(node.cid, b"", (), node.entry) if node.entry else node
        if edge.size is not None:
            check_child(node, edge.size)
        return _Open(met, self._edges(node, edge), nesting, level, edge.is_part)

    def _read(self, cid: Cid) -> Node | None:
        """Return the node of a CID, or None for one that was found unreadable before."""
        key = cid.encode()
        if key in self._unreadable:
            return None
        try:
            data = load(self._get, cid)
            self._count(cid, data)
            return read_node(cid, data, strict=self._strict)
        except (ContentError, CidError, LimitExceeded):
            self._unreadable.add(key)
            raise

    def _count(self, cid: Cid, data: bytes) -> None:
        key = cid.encode()
        if cid.hash_code != HashCode.IDENTITY and key not in self._counted:
            self._counted.add(key)
            self._bytes += len(data)
            self._meter.give(len(data))

    def _edges(self, node: Node, edge: _Edge) -> Iterator[_Edge]:
        """Return the links of a node after checking what it says of itself."""
        kind = kind_of(node)
        if edge.above is not None and kind != Kind.SHARDED:
            raise UnixFSError("a sub-shard is no shard", code="unixfs.child-type")
        if kind == Kind.SHARDED:
            shard = as_shard(node, edge.above)
            return iter([self._shard_edge(shard, link) for link in shard.links])
        if kind == Kind.FILE and node.entry is not None:
            sizes = node.entry.blocksizes
            pairs = zip(node.links, sizes, strict=True)
            return (_Edge(link.cid, is_part=True, size=size) for link, size in pairs)
        if kind == Kind.DIRECTORY:
            check_names(node)
        return (_Edge(cid, is_part=False) for cid, _ in edges_of(node.cid, node.data))

    def _shard_edge(self, shard: Shard, link: PBLink) -> _Edge:
        if shard.is_shard_link(link):
            return _Edge(link.cid, is_part=True, above=Above(shard.path_below(link), shard.fanout))
        shard.entry(link)
        return _Edge(link.cid, is_part=False)

    def _defect(self, cid: Cid, error: ContentError | CidError | LimitExceeded) -> None:
        self._defects[Defect(cid, error.code, error.message)] = None


def _pass_up(parent: _Met, child: _Met, *, is_part: bool) -> None:
    """Let a parent know how deep it goes below this child."""
    parts = child.parts_below + 1 if is_part else 0
    nested = child.nested_below + (0 if is_part else 1)
    parent.parts_below = max(parent.parts_below, parts)
    parent.nested_below = max(parent.nested_below, nested)
