"""Reading: ranges, own bytes before children, what is fetched, and what is refused at once."""

from __future__ import annotations

import pytest

from dags import Blocks, held
from lodestamp.core.content import (
    Budget,
    Chunker,
    Entry,
    EntryType,
    File,
    Kind,
    LayoutName,
    Mtime,
    PBLink,
    add_bytes,
    add_directory,
    add_symlink,
    get_profile,
    ls,
    read,
    stat,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import (
    BlockMismatch,
    BlockMissing,
    CidError,
    LimitExceeded,
    LodestampError,
    PathError,
    UnixFSError,
)

V0 = get_profile("unixfs-v0-2015")
TINY = V0.override(chunker=Chunker(4), max_links=3)
CONTENT = bytes(range(100))


def refusal(read_it):
    with pytest.raises(LodestampError) as refused:
        list(read_it())
    return refused.value.code


@pytest.mark.parametrize("layout", LayoutName)
@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 0), (3, 5), (99, 100), (17, 83), (100, 100)]
)
def test_a_range_is_the_bytes_of_the_range(layout, start, end):
    root, blocks = add_bytes(CONTENT, TINY.override(layout=layout))
    assert b"".join(read(held(blocks).get, root.cid, start, end)) == CONTENT[start:end]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4), (0, 101), (101, None), (101, 101)])
def test_a_range_outside_the_file_is_refused(start, end):
    root, blocks = add_bytes(CONTENT, TINY)
    assert refusal(lambda: read(held(blocks).get, root.cid, start, end)) == "unixfs.range"


def test_R90_only_the_blocks_that_a_range_touches_are_asked_for():
    root, blocks = add_bytes(CONTENT, TINY)
    asked = []

    def get(cid):
        asked.append(cid)
        return held(blocks)[cid]

    assert b"".join(read(get, root.cid, 40, 44)) == CONTENT[40:44]
    assert len(asked) == 4
    assert len(asked) == len(set(asked))


def test_R22_own_bytes_come_before_those_of_the_children():
    blocks = Blocks()
    root = blocks.file([(blocks.raw(b"child"), 5)], data=b"own-")
    assert b"".join(read(blocks.get, root)) == b"own-child"
    assert b"".join(read(blocks.get, root, 2, 6)) == b"n-ch"


def test_R23_leaves_of_type_raw_are_read_and_plain_nodes_are_no_files():
    blocks = Blocks()
    leaf = blocks.node((), Entry(EntryType.RAW, b"abc", 3))
    assert b"".join(read(blocks.get, blocks.file([(leaf, 3)]))) == b"abc"
    plain = blocks.node([PBLink(leaf, b"x", 0)])
    assert stat(blocks.get, plain).kind == Kind.PLAIN
    assert refusal(lambda: read(blocks.get, plain)) == "path.not-a-file"
    no_message = blocks.put(0x70, bytes.fromhex("0a01ff"))
    assert stat(blocks.get, no_message).kind == Kind.PLAIN


def test_R5_a_block_of_an_unknown_codec_is_opaque():
    blocks = Blocks()
    cid = blocks.put(0x3F42, b"anything")
    assert stat(blocks.get, cid).kind == Kind.OPAQUE
    assert refusal(lambda: read(blocks.get, cid)) == "path.not-a-file"
    assert refusal(lambda: ls(blocks.get, cid)) == "path.not-a-directory"


def test_an_identity_cid_holds_its_block_itself():
    cid = Cid.of(0x55, b"inline", 0)
    assert b"".join(read({}.get, cid)) == b"inline"


def test_R6_a_hash_that_proves_nothing_is_refused():
    for code, length, expected in (
        (0x11, 20, "hash.weak"),
        (0xD5, 16, "hash.weak"),
        (0x1B, 32, "hash.unsupported"),
    ):
        cid = Cid(1, 0x55, code, bytes(length))
        with pytest.raises(CidError) as refused:
            stat({cid: b"x"}.get, cid)
        assert refused.value.code == expected


@pytest.mark.parametrize("code", [0x12, 0x13, 0x16, 0xB220])
def test_R6_blocks_of_other_hash_functions_are_checked(code):
    cid = Cid.of(0x55, b"block", code)
    assert b"".join(read({cid: b"block"}.get, cid)) == b"block"
    with pytest.raises(BlockMismatch):
        stat({cid: b"clock"}.get, cid)


def test_a_missing_a_wrong_and_an_oversize_block_are_told_apart():
    cid = Cid.of(0x55, b"block")
    with pytest.raises(BlockMissing) as missing:
        stat({}.get, cid)
    assert (missing.value.code, missing.value.cid) == ("block.missing", str(cid))
    assert refusal(lambda: read({cid: b"clock"}.get, cid)) == "block.mismatch"
    big = bytes((2 << 20) + 1)
    assert refusal(lambda: read({Cid.of(0x55, big): big}.get, Cid.of(0x55, big))) == "block.too-big"


def bomb():
    """Return 6 blocks that declare 10^18 bytes, and their root."""
    blocks = Blocks()
    cid, size = blocks.raw(b"\0" * 1000), 1000
    for _ in range(5):
        cid, size = blocks.file([(cid, size)] * 1000), size * 1000
    return blocks, cid, size


def test_a_repetition_bomb_gives_not_one_byte():
    blocks, root, size = bomb()
    assert (len(blocks), size) == (6, 10**18)
    assert stat(blocks.get, root).size == 10**18
    with pytest.raises(LimitExceeded) as refused:
        next(read(blocks.get, root))
    assert refused.value.code == "limit.output-bytes"
    assert b"".join(read(blocks.get, root, 10**17, 10**17 + 2500)) == bytes(2500)


def test_steps_through_children_of_no_bytes_are_counted():
    """A bomb of nothing: no output, and 10^18 links."""
    blocks = Blocks()
    cid = blocks.raw(b"")
    for _ in range(5):
        cid = blocks.file([(cid, 0)] * 1000)
    assert refusal(lambda: read(blocks.get, cid, budget=Budget(steps=5000))) == "limit.steps"
    assert list(read(blocks.get, cid, 0, 0)) == []


def test_a_chain_of_65_levels_is_too_deep_and_one_of_64_is_not():
    blocks = Blocks()
    cid = blocks.raw(b"x")
    for _ in range(64):
        cid = blocks.file([(cid, 1)])
    assert b"".join(read(blocks.get, cid)) == b"x"
    cid = blocks.file([(cid, 1)])
    assert refusal(lambda: read(blocks.get, cid)) == "limit.depth"


def test_sizes_that_overflow_are_refused():
    """2^64-1 in filesize and in blocksizes; the sum is compared without wrapping."""
    blocks = Blocks()
    most = (1 << 64) - 1
    leaf = blocks.raw(b"x")
    wrapped = Entry(EntryType.FILE, filesize=most, blocksizes=(most, 1, most))
    root = blocks.node([PBLink(leaf, b"", 0)] * 3, wrapped)
    assert refusal(lambda: read(blocks.get, root)) == "unixfs.filesize"
    honest = blocks.node(
        [PBLink(leaf, b"", 0)], Entry(EntryType.FILE, filesize=most, blocksizes=(most,))
    )
    assert refusal(lambda: read(blocks.get, honest)) == "limit.output-bytes"
    assert refusal(lambda: read(blocks.get, honest, 0, 1)) == "unixfs.child-size"


def test_a_flat_directory_lists_as_stored_and_no_name_twice():
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    assert [
        link.name for link in ls(blocks.get, blocks.directory([(b"b", leaf), (b"a", leaf)]))
    ] == [b"b", b"a"]
    twice = blocks.directory([(b"a", leaf), (b"b", leaf), (b"a", leaf)])
    with pytest.raises(UnixFSError) as refused:
        list(ls(blocks.get, twice))
    assert refused.value.code == "unixfs.duplicate-name"
    with pytest.raises(PathError):
        list(ls(blocks.get, leaf))


def test_the_budget_bounds_the_entries_of_a_flat_directory():
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    root = blocks.directory([(b"%d" % number, leaf) for number in range(10)])
    assert refusal(lambda: ls(blocks.get, root, Budget(entries=9))) == "limit.entries"


def test_stat_tells_what_the_root_says():
    symlink, block = add_symlink(b"to/there", V0, Mtime(5))
    found = stat({block.cid: block.data}.get, symlink.cid)
    assert (found.kind, found.target, found.mtime) == (Kind.SYMLINK, b"to/there", Mtime(5))
    *blocks, root = add_directory([File((b"a",), [b"x"])], V0)
    found = stat(held(blocks).get, root.cid)
    assert (found.kind, found.size, found.links) == (Kind.DIRECTORY, 0, 1)
