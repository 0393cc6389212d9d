"""The block store: what goes in comes out, checked (content spec R100-R104, R107)."""

from __future__ import annotations

import os
import sqlite3

import pytest

from lodestamp.core.content import (
    BLOCK_SIZE_MAX,
    Block,
    PieceStream,
    add_bytes,
    car,
    get_profile,
    read,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMismatch, BlockMissing, CidError, PinError, StoreError
from lodestamp.node.blocks import FileRef, Pin
from stores import audited_store, codes, opened_store, pack_files, put, raw, raws


def test_r101_what_was_put_is_got(tmp_path):
    with audited_store(tmp_path) as store:
        blocks = raws(300)
        put(store, blocks)
        assert [store.get(block.cid) for block in blocks] == [block.data for block in blocks]
        assert store.get(raw(999).cid) is None
        assert store.has(blocks[0].cid)
        assert not store.has(raw(999).cid)
        with pytest.raises(BlockMissing) as missing:
            store.need(raw(999).cid)
        assert missing.value.cid == str(raw(999).cid)


def test_r4_the_store_keys_on_the_multihash(tmp_path):
    root, blocks = add_bytes(b"x" * 600_000, get_profile("unixfs-v0-2015"))
    with audited_store(tmp_path) as store:
        put(store, blocks)
        assert store.get(root.cid.to_v1()) == store.get(root.cid)
        assert store.get(Cid(1, 0x55, 0x12, root.cid.digest)) is not None


def test_r101_a_known_block_is_not_stored_again(tmp_path):
    with audited_store(tmp_path) as store:
        put(store, raws(10))
        size = pack_files(tmp_path)[0].stat().st_size
        put(store, raws(10))
        assert pack_files(tmp_path)[0].stat().st_size == size
        assert store.put(raw(0)) is False
        assert store.put(raw(10)) is True


@pytest.mark.parametrize(
    ("block", "kind", "code"),
    [
        (Block(raw(1).cid, b"other"), BlockMismatch, "block.mismatch"),
        (Block(raw(1).cid, bytes(BLOCK_SIZE_MAX + 1)), BlockMismatch, "block.too-big"),
        (Block(Cid(1, 0x55, 0x11, bytes(20)), b"x"), CidError, "hash.weak"),
        (Block(Cid(1, 0x55, 0x1B, bytes(32)), b"x"), CidError, "hash.unsupported"),
    ],
)
def test_r101_a_block_that_is_not_its_cids_is_refused(tmp_path, block, kind, code):
    with audited_store(tmp_path) as store:
        with pytest.raises(kind) as refused, store.writer() as writer:
            writer.put(raw(5))
            writer.put(block)
        assert refused.value.code == code
        assert store.get(raw(5).cid) is None  # nothing was acknowledged


def test_identity_blocks_are_answered_from_their_cid(tmp_path):
    cid = Cid(1, 0x55, 0, b"within")
    with audited_store(tmp_path) as store:
        put(store, [Block(cid, b"within")])
        assert store.get(cid) == b"within"
        assert store.has(cid)
    assert pack_files(tmp_path) == []


def test_r100_a_pack_is_a_car_that_any_tool_reads(tmp_path):
    with audited_store(tmp_path) as store:
        put(store, raws(20))
    with pack_files(tmp_path)[0].open("rb") as file:
        reader = car.read(file)
        assert [str(root) for root in reader.roots] == ["bafkqaaa"]
        assert list(reader) == raws(20)


def test_r103_damaged_bytes_are_never_answered_and_healed_by_putting_again(tmp_path):
    with opened_store(tmp_path) as store:
        put(store, raws(3))
        path = pack_files(tmp_path)[0]
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
        for _ in range(2):  # the second time by the mark
            with pytest.raises(BlockMismatch) as refused:
                store.get(raw(2).cid)
            assert refused.value.code == "block.mismatch"
        assert not store.has(raw(2).cid)
        assert store.get(raw(1).cid) == raw(1).data
        assert store.put(raw(2)) is True
        assert store.get(raw(2).cid) == raw(2).data
    assert codes(tmp_path) == {"B5"}  # the damaged section is still there


def test_r103_damage_that_a_reader_meets_is_marked_and_named(tmp_path):
    """The store leaves hashing to who reads for hashing, and learns what that found."""
    with opened_store(tmp_path) as store:
        root, blocks = add_bytes(b"y" * 3_000_000, get_profile("unixfs-v1-2025"))
        put(store, blocks)
        path = pack_files(tmp_path)[0]
        with store.read_for_hashing() as get:
            whole = b"".join(read(get, root.cid))
        assert whole == b"y" * 3_000_000
        data = bytearray(path.read_bytes())
        at = data.index(b"y" * 1000)
        data[at] ^= 1
        path.write_bytes(bytes(data))
        given = b""
        with pytest.raises(BlockMismatch) as refused, store.read_for_hashing() as get:
            for piece in read(get, root.cid):
                given += piece
        assert given == b""
        assert refused.value.at is not None
        assert not store.has(Cid.parse(refused.value.cid))
        with store.read_for_hashing() as get, pytest.raises(BlockMismatch):
            get(Cid.parse(refused.value.cid))


def test_r100_a_full_pack_is_sealed_and_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr("lodestamp.node.blocks.own_pack.PACK_SIZE_MAX", 6 << 20)
    blocks = raws(20, size=1 << 20)
    with audited_store(tmp_path) as store:
        put(store, blocks)
        assert all(store.get(block.cid) == block.data for block in blocks)
        put(store, raws(3, size=1 << 20, start=50))
    files = pack_files(tmp_path)
    assert len(files) > 3
    assert all(path.stat().st_size <= 6 << 20 for path in files)
    assert [path.stat().st_mode & 0o777 for path in files[:3]] == [0o400] * 3
    with sqlite3.connect(tmp_path / "a.db") as database:
        rows = database.execute("SELECT state, sha256 IS NULL FROM content_packs").fetchall()
    assert ("sealed", 0) in rows
    assert ("sealed", 1) not in rows


def test_r104_each_writer_has_a_pack_of_its_own(tmp_path):
    with audited_store(tmp_path) as store:
        with store.writer() as one, store.writer() as two:
            one.put(raw(1))
            one.commit()
            two.put(raw(2))
            two.put(raw(1))
            two.commit()
            assert len(pack_files(tmp_path)) == 2
        with store.writer() as three:
            three.put(raw(3))
            three.commit()
        assert len(pack_files(tmp_path)) == 2  # a pack nobody has is taken up again


def test_r101_two_writers_of_one_block_leave_one_row(tmp_path):
    with audited_store(tmp_path) as store, store.writer() as one, store.writer() as two:
        one.put(raw(1))
        two.put(raw(1))
        one._append_waiting()
        two._append_waiting()
        one.commit()
        two.commit()
        assert store.get(raw(1).cid) == raw(1).data


def test_a_full_disk_is_told_and_leaves_the_store_whole(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with audited_store(tmp_path) as store:
        put(store, raws(5))
        monkeypatch.setattr("os.pwritev", full)
        with pytest.raises(StoreError) as refused:
            put(store, raws(5, start=5))
        assert refused.value.code == "disk-full"
        monkeypatch.undo()
        assert store.get(raw(0).cid) == raw(0).data
        assert store.get(raw(5).cid) is None
        put(store, raws(5, start=5))
        assert store.get(raw(5).cid) == raw(5).data


def test_r106_a_pin_of_a_dag_with_a_gap_is_refused(tmp_path):
    root, blocks = add_bytes(os.urandom(700_000), get_profile("unixfs-v0-2015"))
    with audited_store(tmp_path) as store:
        put(store, blocks[1:])
        with pytest.raises(PinError) as refused:
            store.pin(Pin(root.cid))
        assert refused.value.code == "pin.incomplete"
        store.pin(Pin(root.cid, "direct"))
        put(store, blocks[:1])
        store.pin(Pin.of_root(root, "all"))
        (pin,) = store.pins()
        assert (pin.cid, pin.mode, pin.name, pin.size) == (root.cid, "recursive", "all", 700_000)
        store.pin(Pin(root.cid, "direct"))
        assert store.pins() == [pin]  # never weakened
        store.unpin(root.cid)
        with pytest.raises(PinError) as unknown:
            store.unpin(root.cid)
        assert unknown.value.code == "pin.unknown"


def test_r107_a_reference_gives_the_bytes_of_its_file_until_that_changes(tmp_path):
    path = tmp_path / "content"
    path.write_bytes(b"abcdef")
    status = path.stat()
    cid = Cid.of(0x55, b"cde")
    ref = FileRef(str(path), 2, 3, status.st_size, status.st_mtime_ns)
    with opened_store(tmp_path) as store:
        with store.writer() as writer:
            writer.put_ref(cid, ref)
            writer.commit()
        assert store.get(cid) == b"cde"
        path.write_bytes(b"abXdef")
        with pytest.raises(BlockMismatch) as changed:
            store.get(cid)
        assert changed.value.code == "block.source-changed"
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if nothing had been
        with pytest.raises(BlockMismatch):
            store.get(cid)
        assert codes(tmp_path) == {"B9"}
        path.unlink()
        with pytest.raises(BlockMismatch):
            store.get(cid)
        store.put(Block(cid, b"cde"))
        assert store.get(cid) == b"cde"


def test_many_small_blocks_come_back_from_many_batches(tmp_path):
    blocks = raws(9_000, size=16)
    with audited_store(tmp_path) as store:
        put(store, blocks)
        assert store.first_absent([block.cid for block in blocks]) is None
        reader = car.read(PieceStream([pack_files(tmp_path)[0].read_bytes()]))
        assert sum(1 for _ in reader) == 9_000
