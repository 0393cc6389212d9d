"""Collecting garbage: what is pinned stays, what is not goes (content spec R105, R106)."""

from __future__ import annotations

import os

import pytest

from lodestamp.core.content import Block, add_bytes, dag_cbor, get_profile
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMissing, StoreError
from lodestamp.node.blocks import Pin, collect_garbage
from lodestamp.node.blocks.garbage import GRACE_MS
from lodestamp.node.blocks.writer import LEASE_MS
from stores import Clock, audited_store, codes, pack_files, put, raw, raws

PROFILE = get_profile("unixfs-v0-2015")


def _added(store, size=700_000):
    root, blocks = add_bytes(os.urandom(size), PROFILE)
    with store.writer() as writer:
        for block in blocks:
            writer.put(block)
        writer.commit([Pin.of_root(root)])
    return root, blocks


def test_r106_what_no_pin_reaches_is_removed(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        root, blocks = _added(store)
        put(store, raws(100, size=50_000))
        clock.ms += 10
        done = collect_garbage(store, grace_ms=0)
        assert (done.removed_blocks, done.kept_blocks) == (100, len(blocks))
        assert [pack.done for pack in done.packs] == ["rewritten"]
        assert all(store.get(block.cid) == block.data for block in blocks)
        assert store.get(raw(0).cid) is None
        assert sum(path.stat().st_size for path in pack_files(tmp_path)) < 800_000
        store.unpin(root.cid)
        clock.ms += 10
        assert [p.done for p in collect_garbage(store, grace_ms=0).packs] == ["unlinked"]
    assert pack_files(tmp_path) == []


def test_r106_a_pack_with_half_its_bytes_live_is_left(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        _, blocks = _added(store)
        put(store, raws(10))
        clock.ms += 10
        assert [p.done for p in collect_garbage(store, grace_ms=0).packs] == ["kept"]
        assert store.get(raw(0).cid) is None
        assert store.get(blocks[0].cid) == blocks[0].data
        put(store, raws(10))  # known no more, so stored again
        assert store.get(raw(0).cid) == raw(0).data


def test_r106_a_dry_run_tells_and_removes_nothing(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        put(store, raws(10))
        clock.ms += 10
        done = collect_garbage(store, grace_ms=0, dry_run=True)
        assert (done.removed_blocks, done.packs[0].live) == (10, 0)
        assert done.as_json()["dry_run"] is True
        assert store.get(raw(0).cid) == raw(0).data


def test_r106_what_is_young_is_spared(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        put(store, raws(10))
        clock.ms += 3_600_000
        assert collect_garbage(store).removed_blocks == 0
        clock.ms += 1
        assert collect_garbage(store).removed_blocks == 10


def test_r106_a_lease_spares_what_was_added_since(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        put(store, raws(5))
        clock.ms += 10
        with store.writer() as writer:
            for block in raws(5, start=10):
                writer.put(block)
            writer.put(raw(0))  # known: only dated anew
            writer.commit()
            clock.ms += 1_000
            assert collect_garbage(store, grace_ms=0).removed_blocks == 4
            assert store.get(raw(0).cid) == raw(0).data
            assert store.get(raw(10).cid) == raw(10).data
            writer.commit([Pin(raw(0).cid)])
        assert collect_garbage(store, grace_ms=0).removed_blocks == 5
        assert store.get(raw(0).cid) == raw(0).data


def test_r106_an_expired_lease_holds_nothing(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        writer = store.writer().__enter__()
        writer.put(raw(1))
        writer.commit()
        clock.ms += 3_600_001
        assert collect_garbage(store, grace_ms=0).removed_blocks == 1
        writer.__exit__(None, None, None)


def test_r106_a_missing_block_stops_the_collection(tmp_path):
    clock = Clock()
    leaf = raw(1)
    node = dag_cbor.encode([leaf.cid])
    top = Block(Cid.of(0x71, node), node)
    with audited_store(tmp_path, clock) as store:
        put(store, [top, leaf, raw(2)])
        store.pin(Pin(top.cid))
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("DELETE FROM content_blocks WHERE mh = ?", (leaf.cid.multihash.encode(),))
    assert codes(tmp_path) == {"B7", "B8"}
    from stores import opened_store

    with opened_store(tmp_path, clock) as store:
        clock.ms += 10
        with pytest.raises(BlockMissing):
            collect_garbage(store, grace_ms=0)
        assert store.get(raw(2).cid) == raw(2).data


def test_r105_a_block_reached_first_as_a_raw_leaf_is_still_walked(tmp_path):
    """The same bytes under two codecs: opaque by one, with links by the other."""
    clock = Clock()
    leaf = raw(1)
    node = dag_cbor.encode([leaf.cid])
    inner = Block(Cid.of(0x71, node), node)
    both = dag_cbor.encode([Cid.of(0x55, node), inner.cid])
    top = Block(Cid.of(0x71, both), both)
    with audited_store(tmp_path, clock) as store:
        put(store, [leaf, inner, top])
        store.pin(Pin(top.cid))
        clock.ms += 10
        assert collect_garbage(store, grace_ms=0).removed_blocks == 0


def test_r106_direct_pins_keep_one_block(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        root, blocks = _added(store)
        store.unpin(root.cid)
        store.pin(Pin(root.cid, "direct"))
        clock.ms += 10
        assert collect_garbage(store, grace_ms=0).kept_blocks == 1
        assert store.get(root.cid) == blocks[-1].data


def test_r106_adds_run_while_garbage_is_collected(tmp_path):
    """A writer with its own pack is neither waited for nor rewritten."""
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        put(store, raws(50, size=10_000))
        clock.ms += 10
        with store.writer() as writer:
            writer.put(raw(200))
            writer.commit()
            done = collect_garbage(store, grace_ms=0)
            assert done.removed_blocks == 50
            assert [pack.done for pack in done.packs] == ["kept"]  # somebody appends to it
            writer.put(raw(201))
            writer.commit([Pin(raw(200).cid), Pin(raw(201).cid)])
        clock.ms += 10
        collect_garbage(store, grace_ms=0)
        assert store.get(raw(200).cid) == raw(200).data
        assert store.get(raw(201).cid) == raw(201).data


def test_r106_a_writer_whose_lease_ran_out_pins_nothing_that_was_collected(tmp_path):
    """All its blocks were known, so that it wrote no batch; an hour later they were swept."""
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        root, blocks = add_bytes(os.urandom(3_000_000), PROFILE)
        put(store, blocks)
        with store.writer() as writer:
            for block in blocks:
                writer.put(block)
            clock.ms += LEASE_MS + GRACE_MS + 1
            assert collect_garbage(store).removed_blocks == len(blocks)
            with pytest.raises(StoreError) as refused:
                writer.commit([Pin.of_root(root)])
            assert refused.value.code == "lease-lost"
        assert store.pins() == []


def test_r106_a_writer_that_finds_everything_known_renews_its_lease(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        known = raws(1_024)
        put(store, known)
        with store.writer() as writer:
            for block in known:
                clock.ms += LEASE_MS // 400  # two and a half hours in all, and never a batch
                writer.put(block)
            assert collect_garbage(store).removed_blocks == 0
            writer.commit([Pin(block.cid) for block in known])


def test_r106_a_slow_writer_ends_a_batch_before_its_lease_does(tmp_path):
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        fresh = raws(1_024)
        with store.writer() as writer:
            for block in fresh:
                clock.ms += LEASE_MS // 400
                writer.put(block)
            assert collect_garbage(store).removed_blocks == 0
            writer.commit([Pin(block.cid) for block in fresh])
        assert store.first_absent([block.cid for block in fresh]) is None
