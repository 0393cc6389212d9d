"""The trickle layout (content spec R41)."""

from __future__ import annotations

import pytest

from dags import held
from lodestamp.core.content import (
    Chunker,
    LayoutName,
    add_bytes,
    dag_pb,
    get_profile,
    read,
    unixfs,
)
from lodestamp.core.content.unixfs import EntryType

TRICKLE = get_profile("unixfs-v0-2015").override(
    chunker=Chunker(4), max_links=2, layout=LayoutName.TRICKLE
)


def shape(blocks, cid):
    """Return the tree below a node as nested lists; a leaf is its first byte."""
    node = dag_pb.decode(blocks[cid])
    if not node.links:
        return (unixfs.decode(node.data).data or b"\0")[0] // 4
    return [shape(blocks, link.cid) for link in node.links]


@pytest.mark.parametrize(
    ("leaves", "tree"),
    [
        (1, [0]),
        (2, [0, 1]),
        (3, [0, 1, [2]]),
        (10, [0, 1, [2, 3], [4, 5], [6, 7], [8, 9]]),
        (13, [0, 1, [2, 3], [4, 5], [6, 7], [8, 9], [10, 11, [12]]]),
    ],
)
def test_leaves_first_then_four_trees_of_each_depth(leaves, tree):
    root, blocks = add_bytes(bytes(range(4 * leaves)), TRICKLE)
    assert shape(held(blocks), root.cid) == tree
    assert root.blocks == len(blocks)


def test_R20_leaves_have_the_type_raw_and_the_root_is_an_inner_node():
    root, blocks = add_bytes(b"abcd", TRICKLE)
    leaf, top = (unixfs.decode(dag_pb.decode(block.data).data) for block in blocks)
    assert (leaf.type, top.type) == (EntryType.RAW, EntryType.FILE)
    assert blocks[-1].cid == root.cid
    assert b"".join(read(held(blocks).get, root.cid)) == b"abcd"


def test_the_empty_file_is_one_node_without_links():
    root, blocks = add_bytes(b"", TRICKLE)
    assert str(root.cid) == "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
    assert root.blocks == len(blocks) == 1
