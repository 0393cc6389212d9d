"""Slices: which blocks, in which order, and what is missing, unused or refused."""

from __future__ import annotations

import pytest

from dags import held
from lodestamp.core.content import (
    Block,
    Chunker,
    File,
    add_bytes,
    add_directory,
    get_profile,
    slices,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMismatch, BlockMissing, LodestampError

TINY = get_profile("unixfs-v1-2025").override(chunker=Chunker(4), max_links=3)
CONTENT = bytes(range(100))


@pytest.fixture
def tree():
    *blocks, root = add_directory(
        [File((b"d", b"file"), [CONTENT]), File((b"other",), [b"x"])],
        TINY.override(hamt_threshold=0),
    )
    return held(blocks), root.cid


def test_R90_path_blocks_come_first_then_the_touched_nodes_in_order(tree):
    blocks, root = tree
    part = slices.extract(blocks.get, root, "d/file", 40, 44)
    assert part[0].cid == root
    assert len(part) == 2 + 4
    assert part[-1].data == CONTENT[40:44]


def test_R91_a_slice_is_proved_from_its_blocks_alone(tree):
    blocks, root = tree
    part = slices.extract(blocks.get, root, "d/file", 10, 70)
    found = slices.verify(part, root, "d/file", 10, 70)
    assert found.data == CONTENT[10:70]
    assert found.file_size == 100
    assert found.used == tuple(block.cid for block in part)
    assert found.unused == ()


def test_R91_unneeded_blocks_are_reported_and_still_checked(tree):
    blocks, root = tree
    part = slices.extract(blocks.get, root, "d/file", 0, 4)
    more = Block(Cid.of(0x55, b"more"), b"more")
    assert slices.verify([more, *part], root, "d/file", 0, 4).unused == (more.cid,)
    with pytest.raises(BlockMismatch):
        slices.verify([*part, Block(more.cid, b"less")], root, "d/file", 0, 4)


def test_R91_a_missing_needed_block_is_unknown_and_not_refuted(tree):
    blocks, root = tree
    part = slices.extract(blocks.get, root, "d/file", 0, 20)
    for left_out in part:
        rest = [block for block in part if block is not left_out]
        with pytest.raises(BlockMissing) as missing:
            slices.verify(rest, root, "d/file", 0, 20)
        assert missing.value.cid == str(left_out.cid)


def test_every_changed_bit_is_refused(tree):
    blocks, root = tree
    part = slices.extract(blocks.get, root, "d/file", 38, 46)
    for number, block in enumerate(part):
        for at in range(len(block.data)):
            changed = bytearray(block.data)
            changed[at] ^= 1 << at % 8
            tampered = [*part[:number], Block(block.cid, bytes(changed)), *part[number + 1 :]]
            with pytest.raises(BlockMismatch):
                slices.verify(tampered, root, "d/file", 38, 46)


@pytest.mark.parametrize(
    ("path", "start", "end", "code"),
    [
        ("d/none", 0, 1, "path.absent"),
        ("d", 0, 0, "path.not-a-file"),
        ("d/file/x", 0, 1, "path.not-a-directory"),
        ("d/../other", 0, 1, "path.dotdot"),
        ("d/file", 99, 101, "unixfs.range"),
        ("d/file", -1, 1, "unixfs.range"),
    ],
)
def test_a_slice_of_what_is_not_there_is_refused(tree, path, start, end, code):
    blocks, root = tree
    with pytest.raises(LodestampError) as refused:
        slices.extract(blocks.get, root, path, start, end)
    assert refused.value.code == code


def test_a_block_that_occurs_twice_is_sent_once():
    root, blocks = add_bytes(bytes(100), TINY)
    part = slices.extract(held(blocks).get, root.cid, "", 0, 100)
    assert len(part) == len({block.cid for block in part}) < root.blocks
    assert slices.verify(part, root.cid, "", 0, 100).data == bytes(100)
