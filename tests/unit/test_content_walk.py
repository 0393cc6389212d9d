"""Walking: order, scopes, repeats, and bounds."""

from __future__ import annotations

import pytest

from dags import Blocks, held
from lodestamp.core.content import (
    Budget,
    Chunker,
    File,
    PBLink,
    Scope,
    add_bytes,
    add_directory,
    dag_cbor,
    dag_json,
    get_profile,
    walk,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMissing, LimitExceeded

TINY = get_profile("unixfs-v1-2025").override(chunker=Chunker(4), max_links=3)


def cids(blocks, root, *args, **options):
    return [block.cid for block in walk(blocks.get, root, *args, **options)]


def test_R86_blocks_come_depth_first_in_node_order_each_once():
    blocks = Blocks()
    a, b = blocks.raw(b"a"), blocks.raw(b"b")
    left, right = blocks.directory([(b"a", a), (b"b", b)]), blocks.directory([(b"b", b)])
    root = blocks.directory([(b"l", left), (b"r", right), (b"x", a)])
    assert cids(blocks, root) == [root, left, a, b, right]
    assert cids(blocks, root, repeated=True) == [root, left, a, b, right, b, a]


def test_R112_an_entity_is_a_file_a_flat_block_or_all_shards():
    file, blocks = add_bytes(bytes(50), TINY)
    assert set(cids(held(blocks), file.cid, Scope.ENTITY)) == {block.cid for block in blocks}
    assert cids(held(blocks), file.cid, Scope.BLOCK) == [file.cid]

    tree = [File((b"%d" % number,), [b"%d" % number]) for number in range(600)]
    *blocks, flat = add_directory(tree, TINY)
    assert cids(held(blocks), flat.cid, Scope.ENTITY) == [flat.cid]
    *blocks, sharded = add_directory(tree, TINY.override(hamt_threshold=0))
    shards = cids(held(blocks), sharded.cid, Scope.ENTITY)
    assert len(shards) == sharded.blocks - 600
    assert {cid.codec for cid in shards} == {0x70}


def test_links_of_every_codec_are_followed_and_unknown_ones_are_opaque():
    """R5, R70, R71."""
    blocks = Blocks()
    leaf = blocks.raw(b"leaf")
    opaque = blocks.put(0x3F42, leaf.encode())
    text = blocks.put(0x0129, b'{"a":{"/":"%s"}}' % str(leaf).encode())
    root = blocks.put(0x71, dag_cbor.encode({"j": text, "o": [opaque]}))
    assert cids(blocks, root) == [root, text, leaf, opaque]
    assert list(dag_json.links(blocks[text])) == [leaf]


def test_identity_blocks_are_followed_and_never_yielded():
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    inline = Cid.of(0x71, dag_cbor.encode([leaf]), 0)
    root = blocks.directory([(b"i", inline)])
    assert cids(blocks, root) == [root, leaf]


def test_a_node_with_a_damaged_message_is_walked_all_the_same():
    """R23: links are links."""
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    plain = blocks.node([PBLink(leaf, b"x", 0)])
    damaged = blocks.put(0x70, blocks[plain] + bytes.fromhex("0a020809"))
    assert cids(blocks, damaged) == [damaged, leaf]


def test_the_first_missing_block_ends_the_walk():
    blocks = Blocks()
    root = blocks.directory([(b"a", blocks.raw(b"a")), (b"b", Cid.of(0x55, b"b"))])
    found = walk(blocks.get, root)
    assert next(found).cid == root
    next(found)
    with pytest.raises(BlockMissing):
        next(found)


def test_depth_steps_and_bytes_are_bounded():
    blocks = Blocks()
    cid = blocks.raw(b"x" * 10)
    for _ in range(256):
        cid = blocks.directory([(b"d", cid)])
    assert len(cids(blocks, cid)) == 257
    too_deep = blocks.directory([(b"d", cid)])
    for budget, root, code in (
        (Budget(), too_deep, "limit.depth"),
        (Budget(steps=256), cid, "limit.steps"),
        (Budget(output_bytes=100), cid, "limit.output-bytes"),
    ):
        with pytest.raises(LimitExceeded) as refused:
            cids(blocks, root, budget=budget)
        assert refused.value.code == code


def test_a_repeated_walk_of_a_bomb_is_bounded_by_its_steps():
    blocks = Blocks()
    cid = blocks.raw(b"")
    for _ in range(6):
        cid = blocks.directory([(b"%d" % number, cid) for number in range(100)])
    assert len(cids(blocks, cid)) == 7
    with pytest.raises(LimitExceeded):
        cids(blocks, cid, Scope.ALL, Budget(steps=10_000), repeated=True)
