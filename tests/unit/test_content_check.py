"""Checking a whole DAG: everything missing, everything wrong, and what only the whole can show."""

from __future__ import annotations

import pytest

from dags import Blocks, held
from lodestamp.core.content import Budget, Chunker, PBLink, add_bytes, check, get_profile, read
from lodestamp.core.encoding import Cid
from lodestamp.errors import LimitExceeded

TINY = get_profile("unixfs-v0-2015").override(chunker=Chunker(4), max_links=3)


def codes(report):
    return [defect.code for defect in report.defects]


def test_a_good_dag_is_complete_and_counted_once():
    root, blocks = add_bytes(bytes(100), TINY)
    unique = held(blocks)
    report = check(unique.get, root.cid, strict=True)
    assert report.is_complete
    assert report.blocks == len(unique) < root.blocks
    assert report.bytes == sum(map(len, unique.values()))


def test_all_that_is_missing_and_all_that_is_wrong_is_listed():
    blocks = Blocks()
    gone = [Cid.of(0x55, b"gone"), Cid.of(0x70, b"gone too")]
    bad = blocks.file([(blocks.raw(b"abc"), 4)])
    worse = blocks.put(0x70, b"\xff")
    entries = [(b"a", gone[0]), (b"b", bad), (b"c", gone[1]), (b"d", worse), (b"e", gone[0])]
    report = check(blocks.get, blocks.directory(entries))
    assert report.missing == tuple(gone)
    assert codes(report) == ["unixfs.child-size", "dagpb.truncated"]
    assert [defect.cid for defect in report.defects] == [blocks.raw(b"abc"), worse]
    assert not report.is_complete


def test_R92_one_child_under_two_sizes_is_found_though_it_is_met_before():
    blocks = Blocks()
    leaf = blocks.raw(b"abc")
    root = blocks.directory([(b"a", blocks.file([(leaf, 3)])), (b"b", blocks.file([(leaf, 2)]))])
    assert codes(check(blocks.get, root)) == ["unixfs.child-size"]


def test_sizes_below_a_part_that_a_range_does_not_touch_are_found():
    blocks = Blocks()
    wrong = blocks.file([(blocks.raw(b"xy"), 3)])
    root = blocks.file([(blocks.raw(b"abc"), 3), (wrong, 3)])
    assert b"".join(read(blocks.get, root, 0, 3)) == b"abc"
    assert codes(check(blocks.get, root)) == ["unixfs.child-size"]


def test_a_file_that_is_deep_on_its_second_path_only_is_too_deep():
    """What is met again counts with all that is known to lie below it."""
    blocks = Blocks()
    shallow = blocks.raw(b"x")
    for _ in range(40):
        shallow = blocks.file([(shallow, 1)])
    deep = shallow
    for _ in range(30):
        deep = blocks.file([(deep, 1)])
    root = blocks.directory([(b"a", shallow), (b"b", deep)])
    assert codes(check(blocks.get, root)) == ["limit.depth"]
    assert codes(check(blocks.get, shallow)) == []


def test_an_identity_block_is_checked_and_not_counted():
    blocks = Blocks()
    root = blocks.directory([(b"i", Cid.of(0x55, b"inline", 0))])
    report = check(blocks.get, root)
    assert (report.blocks, report.is_complete) == (1, True)


def test_a_block_under_a_hash_that_cannot_be_checked_is_a_defect():
    blocks = Blocks()
    weak = Cid(1, 0x55, 0x11, bytes(20))
    blocks[weak] = b"x"
    assert codes(check(blocks.get, blocks.directory([(b"w", weak)]))) == ["hash.weak"]


def test_a_check_that_cannot_be_finished_says_so():
    root, blocks = add_bytes(bytes(range(100)), TINY)
    for budget in (Budget(steps=5), Budget(output_bytes=20)):
        with pytest.raises(LimitExceeded):
            check(held(blocks).get, root.cid, budget)


def test_strict_finds_bytes_that_are_not_canonical():
    blocks = Blocks()
    node = blocks[blocks.node([PBLink(blocks.raw(b"x"), b"a", 1)])]
    swapped = blocks.put(0x70, bytes.fromhex("0a020801") + node)
    assert codes(check(blocks.get, swapped)) == []
    assert codes(check(blocks.get, swapped, strict=True)) == ["dagpb.not-canonical"]
