"""Import: empty files, one chunk, boundaries of the tree, and what is held and copied."""

from __future__ import annotations

import tracemalloc
from collections import deque
from hashlib import sha256

import pytest

from lodestamp.core.content import (
    HASHER_BATCH,
    PROFILES,
    Block,
    Chunker,
    LayoutName,
    Metadata,
    Mtime,
    Root,
    add_bytes,
    add_file,
    add_symlink,
    address_file,
    dag_pb,
    get_profile,
    unixfs,
)
from lodestamp.errors import LimitExceeded

V0 = get_profile("unixfs-v0-2015")
V1 = get_profile("unixfs-v1-2025")
TINY = V0.override(chunker=Chunker(4), max_links=3)
TINY_RAW = TINY.override(raw_leaves=True)


def depth_of(root, blocks):
    """Return the levels of links above the leaves, by following the last link down."""
    held = {block.cid: block.data for block in blocks}
    cid, depth = root.cid, 0
    while cid.codec == 0x70 and (links := dag_pb.decode(held[cid]).links):
        cid, depth = links[-1].cid, depth + 1
    return depth


def test_the_empty_file_has_one_leaf_of_no_bytes():
    root, blocks = add_bytes(b"", V0)
    assert str(root.cid) == "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
    assert [block.data.hex() for block in blocks] == ["0a0408021800"]
    assert (root.size, root.dag_size, root.blocks) == (0, 6, 1)

    root, blocks = add_bytes(b"", V1)
    assert [block.data for block in blocks] == [b""]
    assert (root.size, root.dag_size, root.blocks) == (0, 0, 1)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_no_pieces_and_empty_pieces_are_the_empty_file(profile):
    assert address_file([], profile) == address_file([b"", memoryview(b"")], profile)


def test_a_file_of_one_chunk_in_the_default_profile_has_its_own_sha256():
    root, _ = add_bytes(b"hello world", V1)
    assert root.cid.digest == sha256(b"hello world").digest()


def test_a_one_chunk_file_with_raw_leaves_in_a_v0_profile_is_a_v1_raw_cid():
    profile = get_profile("legacy-cidv0-raw")
    one, _ = add_bytes(bytes(262_144), profile)
    two, blocks = add_bytes(bytes(262_145), profile)
    assert (one.cid.version, one.cid.codec) == (1, 0x55)
    assert (two.cid.version, two.cid.codec) == (0, 0x70)
    assert [block.cid.version for block in blocks] == [1, 1, 0]


def test_five_links_of_256_byte_chunks_take_245_bytes_because_names_are_written():
    root, blocks = add_bytes(bytes(1026), V1.override(chunker=Chunker(256)))
    assert len(blocks[-1].data) == 245
    assert {link.name for link in dag_pb.decode(blocks[-1].data).links} == {b""}
    assert root.dag_size == 1026 + 245


@pytest.mark.parametrize(
    ("leaves", "depth", "nodes"),
    [(1, 0, 0), (2, 1, 1), (3, 1, 1), (4, 2, 3), (9, 2, 4), (10, 3, 4 + 3), (27, 3, 13)],
)
def test_a_row_closes_only_when_another_child_comes(leaves, depth, nodes):
    root, blocks = add_bytes(bytes(range(4 * leaves - 3)), TINY_RAW)
    assert root.blocks == len(blocks) == leaves + nodes
    assert depth_of(root, blocks) == depth


def test_a_last_group_of_one_child_has_its_own_inner_node():
    root, blocks = add_bytes(b"aaaabbbbccccd", TINY_RAW)
    top = dag_pb.decode(blocks[-1].data)
    last = dag_pb.decode(blocks[-2].data)
    assert blocks[-1].cid == root.cid
    assert [len(top.links), len(last.links)] == [2, 1]
    assert top.links[-1].cid == blocks[-2].cid


def test_tsize_counts_the_blocks_below_and_blocksizes_the_content():
    root, blocks = add_bytes(b"aaaabbbbccccd", TINY)
    top = dag_pb.decode(blocks[-1].data)
    entry = unixfs.decode(top.data)
    assert entry.blocksizes == (12, 1)
    assert entry.filesize == root.size == 13
    sizes = [len(block.data) for block in blocks]
    first, last = sum(sizes[:3]) + sizes[4], sizes[3] + sizes[5]
    assert [link.tsize for link in top.links] == [first, last]
    assert root.dag_size == sum(sizes)


def test_blocks_come_children_first_and_the_root_last():
    *blocks, root = add_file([bytes(100)], TINY)
    seen = set()
    for block in blocks:
        assert isinstance(block, Block)
        assert block.cid.matches(block.data)
        assert all(link.cid in seen for link in dag_pb.decode(block.data).links)
        seen.add(block.cid)
    assert isinstance(root, Root)
    assert root.cid == block.cid


def test_a_root_names_the_profile_that_made_it():
    assert address_file([b"x"], get_profile("legacy-cid-v0")).profile == "unixfs-v0-2015"
    assert address_file([b"x"], TINY).profile == TINY.name


@pytest.mark.parametrize("profile", [TINY, TINY_RAW], ids=["dag-pb leaves", "raw leaves"])
def test_a_source_may_refill_its_buffer_between_pieces(profile):
    content = bytes(range(250))

    def refilled(width):
        buffer = bytearray(width)
        for start in range(0, len(content), width):
            part = content[start : start + width]
            buffer[: len(part)] = part
            yield memoryview(buffer)[: len(part)]
            buffer[:] = b"\xff" * width

    whole, blocks = add_bytes(content, profile)
    for width in (1, 3, 4, 5, 8, 250):
        assert address_file(refilled(width), profile) == whole
        assert list(add_file(refilled(width), profile)) == [*blocks, whole]


def test_a_hasher_gets_leaves_in_batches_and_changes_nothing():
    batches = []

    def hasher(blocks):
        batches.append(len(blocks))
        return [sha256(block).digest() for block in blocks]

    content = bytes(range(4 * 20))
    assert list(add_file([content], TINY, hasher)) == list(add_file([content], TINY))
    assert batches == [HASHER_BATCH, HASHER_BATCH, 4]


def test_what_the_source_raises_passes_through():
    def failing():
        yield b"abc"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        address_file(failing(), V1)


def peak_bytes(run):
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("profile", [V1, V0], ids=["raw leaves", "dag-pb leaves"])
def test_addressing_whole_chunks_copies_none_of_them(profile):
    piece = bytes(1 << 20)
    assert peak_bytes(lambda: address_file([piece] * 32, profile)) < 1 << 17


def test_adding_a_file_holds_no_more_than_two_chunks():
    piece = bytes(1 << 20)
    assert peak_bytes(lambda: deque(add_file([piece] * 32, V1), maxlen=0)) < (2 << 20) + (1 << 17)


@pytest.mark.parametrize("size", [0, 1, 4, 5, 200])
@pytest.mark.parametrize("layout", LayoutName)
def test_R24_metadata_stands_in_the_root_alone_and_forces_framed_leaves(size, layout):
    content, metadata = bytes(range(size)), Metadata(0o640, Mtime(-1, 5))
    profile = TINY_RAW.override(layout=layout)
    *blocks, root = add_file([content], profile, metadata=metadata)
    assert address_file([content], profile, metadata=metadata) == root
    assert root.profile == profile.override(raw_leaves=False).name
    carrying = []
    for block in blocks:
        assert block.cid.codec == 0x70
        entry = unixfs.decode(dag_pb.decode(block.data).data)
        if (entry.mode, entry.mtime) != (None, None):
            assert (entry.mode, entry.mtime) == (0o640, Mtime(-1, 5))
            carrying.append(block.cid)
    assert carrying == [root.cid]
    assert root.dag_size == sum(len(block.data) for block in blocks)


def test_a_source_may_refill_its_buffer_when_metadata_is_kept():
    def refilled():
        buffer = bytearray(b"aaaabbbb")
        yield memoryview(buffer)[:4]
        buffer[:4] = b"XXXX"
        yield memoryview(buffer)[4:]

    metadata = Metadata(0o600)
    expected = address_file([b"aaaabbbb"], TINY, metadata=metadata)
    assert address_file(refilled(), TINY, metadata=metadata) == expected


@pytest.mark.parametrize("hash_code", [0x13, 0xB220])
def test_R6_a_custom_profile_may_write_another_hash_function(hash_code):
    profile = V1.override(chunker=Chunker(4), max_links=3, hash_code=hash_code)
    root, blocks = add_bytes(bytes(range(50)), profile)
    assert {block.cid.hash_code for block in blocks} == {hash_code}
    assert all(block.cid.matches(block.data) for block in blocks)
    assert address_file([bytes(range(50))], profile) == root
    assert list(add_file([bytes(range(50))], profile, lambda _: [])) == [*blocks, root]


def test_a_symlink_keeps_its_raw_target():
    root, block = add_symlink(b"../no/such \xff", V0)
    entry = unixfs.decode(dag_pb.decode(block.data, strict=True).data)
    assert (entry.type, entry.data, entry.filesize) == (
        unixfs.EntryType.SYMLINK,
        b"../no/such \xff",
        None,
    )
    assert (root.cid, root.size, root.blocks) == (block.cid, 0, 1)
    with pytest.raises(LimitExceeded):
        add_symlink(bytes(4097), V0)
