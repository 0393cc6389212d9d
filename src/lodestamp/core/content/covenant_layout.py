"""The covenant layout: a file whose every inner block fits a tapscript element (content spec R65).

A script can hash a stack element of at most 520 bytes. With eight links a node no inner block is
larger, so a script can walk from the root's digest to a leaf's: hash ``prefix || digest || suffix``
and compare, level by level. Eight links hold 8^d leaves at depth d (R67).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.content import dag_pb
from lodestamp.core.content.block import USUAL_BUDGET, Budget, Get, Meter
from lodestamp.core.content.limits import DAG_DEPTH_MAX
from lodestamp.core.content.node import Node, open_node
from lodestamp.core.content.span import check_child
from lodestamp.core.encoding import Cid, Codec, HashCode
from lodestamp.errors import ContentError, LimitExceeded, PathError

SCRIPT_ELEMENT_MAX: Final = 520
"""Bytes of one element on a tapscript stack (BIP 342); an inner block must be one."""
LINKS_PER_NODE: Final = 8
"""Ten links fit one level only: at the next a block has 529 bytes."""


@dataclass(frozen=True, slots=True)
class Level:
    """One inner block, cut around the digest that leads on: their joined bytes are the block."""

    prefix: bytes
    digest: bytes
    suffix: bytes


def path(get: Get, root: Cid, leaf_index: int) -> list[Level]:
    """Return the inner blocks from the root down to the leaf of this index, from 0.

    The lowest digest is the leaf's own; a file of one leaf has no level. ContentError
    ``covenant.block-too-big`` for an inner block of more than 520 bytes, ``covenant.layout`` where
    the tree is not that of a covenant profile; PathError ``path.absent`` when the file has no such
    leaf, ``path.not-a-file``; LimitExceeded ``limit.depth``; errors as `open_node`.
    """
    node = _open_file(get, root)
    depth = _depth(get, node)
    if not 0 <= leaf_index < LINKS_PER_NODE**depth:
        raise _no_leaf(root, leaf_index)
    levels: list[Level] = []
    is_last = True
    for below in reversed(range(depth)):
        _check_inner(node, is_last=is_last)
        number = leaf_index // LINKS_PER_NODE**below % LINKS_PER_NODE
        if number >= len(node.links):
            raise _no_leaf(root, leaf_index)
        is_last = is_last and number == len(node.links) - 1
        levels.append(_level(node, number))
        node = _child(get, node, number)
        if bool(node.links) != bool(below):
            raise _other_layout(node, "its leaves have several depths")
    return levels


def check(get: Get, root: Cid, budget: Budget = USUAL_BUDGET) -> int:
    """Return the levels of inner blocks of a file after checking that a script can take each.

    Leaves of codec raw are not asked for. Errors as `path`, and LimitExceeded ``limit.steps``.
    """
    meter = Meter(budget)
    waiting = [(_open_file(get, root), 0)]
    met: set[Cid] = set()
    deepest = 0
    while waiting:
        node, level = waiting.pop()
        if not node.links:
            continue
        if level == DAG_DEPTH_MAX:
            raise _too_deep(level + 1)
        deepest = max(deepest, level + 1)
        _check_inner(node, is_last=True)
        for number, link in enumerate(node.links):
            meter.step()
            if link.cid.codec != Codec.RAW and link.cid not in met:
                met.add(link.cid)
                waiting.append((_child(get, node, number), level + 1))
    return deepest


def _open_file(get: Get, root: Cid) -> Node:
    node = open_node(get, root)
    if not node.is_file:
        raise PathError(f"{root} is no file", code="path.not-a-file")
    return node


def _child(get: Get, node: Node, number: int) -> Node:
    assert node.entry is not None  # noqa: S101  only a dag-pb file has links
    child = open_node(get, node.links[number].cid)
    check_child(child, node.entry.blocksizes[number])
    return child


def _depth(get: Get, node: Node) -> int:
    """Return the inner levels above the first leaf."""
    depth = 0
    while node.links:
        depth += 1
        if depth > DAG_DEPTH_MAX:
            raise _too_deep(depth)
        node = _child(get, node, 0)
    return depth


def _check_inner(node: Node, *, is_last: bool) -> None:
    """Refuse an inner block that no script can hash, or one that is not full before the last."""
    if len(node.data) > SCRIPT_ELEMENT_MAX:
        message = f"{node.cid} has {len(node.data)} bytes, more than {SCRIPT_ELEMENT_MAX}"
        raise ContentError(message, code="covenant.block-too-big")
    dag_pb.decode(node.data, strict=True)  # so each CID stands where its link does
    if node.own_content:
        raise _other_layout(node, "content in an inner node")
    codes = {node.cid.hash_code, *(link.cid.hash_code for link in node.links)}
    if codes != {HashCode.SHA2_256}:
        raise _other_layout(node, "a script hashes by SHA-256 only")
    count = len(node.links)
    if count > LINKS_PER_NODE or (count < LINKS_PER_NODE and not is_last):
        raise _other_layout(node, f"{count} links in a node")


def _level(node: Node, number: int) -> Level:
    """Cut a block around the digest of one of its links."""
    at = 0
    for link in node.links[: number + 1]:
        at = node.data.index(link.cid.encode(), at) + len(link.cid.encode())
    start = at - len(node.links[number].cid.digest)
    return Level(node.data[:start], node.data[start:at], node.data[at:])


def _no_leaf(root: Cid, leaf_index: int) -> PathError:
    return PathError(f"{root} has no leaf {leaf_index:,}", code="path.absent")


def _other_layout(node: Node, why: str) -> ContentError:
    return ContentError(f"{node.cid}: {why}", code="covenant.layout")


def _too_deep(depth: int) -> LimitExceeded:
    return LimitExceeded("the depth of a file", DAG_DEPTH_MAX, depth, code="limit.depth")
