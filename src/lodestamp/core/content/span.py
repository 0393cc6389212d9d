"""Spans: the part of a file that a range of bytes touches, node by node (content spec R22, R90)."""

from __future__ import annotations

from collections.abc import Iterator

from lodestamp.core.content.block import Get, Meter
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.limits import DAG_DEPTH_MAX
from lodestamp.core.content.node import Node, open_node
from lodestamp.errors import LimitExceeded, PathError, UnixFSError


def clamp(node: Node, start: int, end: int | None) -> tuple[int, int]:
    """Return the range within a file; PathError ``path.not-a-file``, UnixFSError ``unixfs.range``.

    0 <= start <= end <= the file's size.
    """
    if not node.is_file:
        raise PathError(f"{node.cid} is no file", code="path.not-a-file")
    size = node.size
    end = size if end is None else end
    if not 0 <= start <= end <= size:
        message = f"bytes {start:,} to {end:,} of a file of {size:,}"
        raise UnixFSError(message, code="unixfs.range")
    return start, end


def read_span(
    get: Get, root: Node, start: int, end: int | None, meter: Meter
) -> Iterator[tuple[Node, bytes]]:
    """Yield, in the order of the bytes, each node that the range touches and its bytes in it.

    The whole file when `start` is 0 and `end` None: then children of no bytes are read as well.
    """
    whole = start == 0 and end is None
    start, end = clamp(root, start, end)
    meter.give(end - start)
    own = root.own_content
    yield root, own[start:end]
    waiting = [_children(root, 0)]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        link, at, size = found
        meter.step()  # also for a link that is passed over: a node of many costs its reading
        if not whole and (at >= end or at + size <= start):
            if at >= end:
                waiting.pop()
            continue
        if len(waiting) > DAG_DEPTH_MAX:
            raise LimitExceeded(
                "the depth of a file", DAG_DEPTH_MAX, len(waiting), code="limit.depth"
            )
        child = open_node(get, link.cid)
        check_child(child, size)
        own = child.own_content
        yield child, own[max(start - at, 0) : max(end - at, 0)]
        if child.links:
            waiting.append(_children(child, at))


def check_child(child: Node, size: int) -> None:
    """Hold a child against its parent's word: UnixFSError ``unixfs.child-type`` ``.child-size``."""
    if not child.is_file:
        raise UnixFSError("the chunk of a file is no file", code="unixfs.child-type")
    if child.size != size:
        message = f"a chunk of {child.size:,} bytes where its parent says {size:,}"
        raise UnixFSError(message, code="unixfs.child-size")


def _children(node: Node, at: int) -> Iterator[tuple[PBLink, int, int]]:
    """Yield each link with the offset and the number of its bytes; own bytes come before them."""
    if node.entry is None:
        return
    at += len(node.own_content)
    for link, size in zip(node.links, node.entry.blocksizes, strict=True):
        yield link, at, size
        at += size
