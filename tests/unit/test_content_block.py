"""Blocks and budgets: what a few hostile blocks may cost."""

from __future__ import annotations

import tracemalloc

import pytest

from dags import Blocks
from lodestamp.core.content import (
    LINKS_READ_MAX,
    Budget,
    Entry,
    EntryType,
    PBLink,
    Scope,
    check,
    hamt,
    read,
    stat,
    walk,
)
from lodestamp.errors import LimitExceeded, LodestampError

MIB = 1 << 20


def wide_file(blocks, links, first):
    """Return a file node of many links, of which only the first has bytes."""
    empty, leaf = blocks.raw(b""), blocks.raw(first)
    children = [(leaf, len(first)), *[(empty, 0)] * (links - 1)]
    return blocks.file(children)


def test_links_passed_over_are_counted():
    """One block of many links, named many times, would cost its reading each time."""
    blocks = Blocks()
    wide = wide_file(blocks, 2000, b"x")
    root = blocks.file([(wide, 1)] * 2000)
    with pytest.raises(LimitExceeded) as refused:
        list(read(blocks.get, root, 1, 2000, Budget(steps=10_000)))
    assert refused.value.code == "limit.steps"


def test_entries_of_a_shard_are_counted_when_only_shards_are_walked():
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    inner = blocks.shard([(b"%02Xname" % bucket, leaf) for bucket in range(256)])
    root = blocks.shard([(b"%02X" % bucket, inner) for bucket in range(256)])
    with pytest.raises(LimitExceeded) as refused:
        list(walk(blocks.get, root, Scope.ENTITY, Budget(steps=10_000), repeated=True))
    assert refused.value.code == "limit.steps"


def test_a_shard_checked_under_many_paths_is_counted_by_its_links():
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    cid = blocks.shard([(b"%02Xname" % bucket, leaf) for bucket in range(256)])
    for _ in range(3):
        cid = blocks.shard([(b"%02X" % bucket, cid) for bucket in range(256)])
    with pytest.raises(LimitExceeded) as refused:
        check(blocks.get, cid, Budget(steps=20_000))
    assert refused.value.code == "limit.steps"


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"\xff", "dagpb.truncated"),
        (bytes.fromhex("12070a050155000178") * (LINKS_READ_MAX + 1), "limit"),
    ],
    ids=["cut short", "too many links"],
)
def test_a_block_that_cannot_be_read_is_read_once(block, code):
    blocks = Blocks()
    broken = blocks.put(0x70, block)
    root = blocks.shard([(b"%02X" % bucket, broken) for bucket in range(256)])
    asked = []

    def get(cid):
        asked.append(cid)
        return blocks[cid]

    report = check(get, root)
    assert [defect.code for defect in report.defects] == [code]
    assert asked.count(broken) == 1


def hostile():
    """Return roots that declare what no memory holds."""
    blocks = Blocks()
    leaf = blocks.raw(b"x")
    most = (1 << 64) - 1
    huge = Entry(EntryType.FILE, filesize=most, blocksizes=(most,))
    return blocks, [
        blocks.node([PBLink(leaf, b"", most)], huge),
        blocks.node((), Entry(EntryType.FILE, b"x", most)),
        blocks.shard([(b"00a", leaf)], fanout=1 << 40, bitfield=b"\1"),
        blocks.put(0x70, bytes.fromhex("0affffffffffffffff7f")),
        blocks.put(0x70, bytes.fromhex("12ffffffffffffffff7f")),
        blocks.put(0x70, bytes.fromhex("0a0c080222ffffffffffffffff7f")),
    ]


def test_what_is_declared_is_not_allocated():
    """2^64-1 bytes, fanouts of 2^40, lengths of 2^63: nothing is held for them."""
    blocks, roots = hostile()
    tracemalloc.start()
    try:
        for root in roots:
            for ask in (stat, read, hamt.iterate, walk):
                try:
                    found = ask(blocks.get, root)
                    if ask is not stat:
                        list(found)
                except LodestampError:
                    continue
            check(blocks.get, root)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB


def test_more_links_than_a_node_may_have_are_refused():
    blocks = Blocks()
    link = bytes.fromhex("12070a0501550001") + b"x"
    root = blocks.put(0x70, link * (LINKS_READ_MAX + 1))
    with pytest.raises(LimitExceeded):
        stat(blocks.get, root)
