"""Opening after a crash or a loss (content spec R102)."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import delete

from lodestamp.errors import StoreError
from lodestamp.node.blocks import recovery, rewrite, tables
from stores import audited_store, findings, opened_store, pack_files, put, raw, raws


def test_r102_what_was_not_committed_is_cut_off(tmp_path):
    with opened_store(tmp_path) as store:
        put(store, raws(5))
    path = pack_files(tmp_path)[0]
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"torn" * 100)
    assert findings(tmp_path) == []  # a tail of a crash is no contradiction
    with audited_store(tmp_path) as store:
        assert path.stat().st_size == size
        assert store.get(raw(4).cid) == raw(4).data


def test_r102_a_pack_that_lost_committed_bytes_is_corrupt(tmp_path):
    with opened_store(tmp_path) as store:
        put(store, raws(5))
    path = pack_files(tmp_path)[0]
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(StoreError) as refused, opened_store(tmp_path):
        pass
    assert refused.value.code == "store.corrupt"
    assert {finding.code for finding in findings(tmp_path)} == {"B2", "B6"}


def test_r102_a_pack_that_is_gone_is_corrupt(tmp_path):
    with opened_store(tmp_path) as store:
        put(store, raws(5))
    pack_files(tmp_path)[0].unlink()
    with pytest.raises(StoreError) as refused, opened_store(tmp_path):
        pass
    assert refused.value.code == "store.corrupt"


@pytest.mark.parametrize("torn", [0, 1, 40, 120])
def test_r102_a_folder_without_rows_is_indexed_again(tmp_path, monkeypatch, torn):
    monkeypatch.setattr("lodestamp.node.blocks.own_pack.PACK_SIZE_MAX", 6 << 20)
    blocks = raws(12, size=1 << 20)
    with opened_store(tmp_path) as store:
        put(store, blocks)
        put(store, raws(4, start=100))
    for each in tmp_path.glob("a.db*"):
        each.unlink()
    if torn:
        last = pack_files(tmp_path)[-1]
        os.truncate(last, last.stat().st_size - torn)
    with audited_store(tmp_path) as store:
        assert all(store.get(block.cid) == block.data for block in blocks)
        assert (store.get(raw(103).cid) is None) == (torn > 0)
        put(store, raws(1, start=500))
        assert store.get(raw(500).cid) == raw(500).data


def test_a_pack_that_was_only_begun_is_removed(tmp_path):
    with opened_store(tmp_path) as store:
        put(store, raws(1))
    begun = pack_files(tmp_path)[0].with_name("pack-00000007.car")
    begun.write_bytes(b"\x19")
    with audited_store(tmp_path):
        assert not begun.exists()


def test_a_pack_in_use_is_left_alone(tmp_path):
    with opened_store(tmp_path) as store, store.writer() as writer:
        for block in raws(300):
            writer.put(block)
        assert pack_files(tmp_path)
        size = pack_files(tmp_path)[0].stat().st_size
        with opened_store(tmp_path):
            assert pack_files(tmp_path)[0].stat().st_size == size
        writer.commit()
    assert findings(tmp_path) == []


def test_r102_a_damaged_sealed_pack_without_rows_is_never_cut(tmp_path):
    """What lies behind the damage is somebody's content, and the only copy."""
    with opened_store(tmp_path) as store:
        put(store, raws(50))
    path = pack_files(tmp_path)[0]
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 300] = bytes(300)
    path.write_bytes(damaged)
    path.chmod(0o400)
    for each in tmp_path.glob("a.db*"):
        each.unlink()
    with opened_store(tmp_path) as store:
        assert store.get(raw(0).cid) == raw(0).data
        assert store.get(raw(49).cid) is None
    assert path.read_bytes() == damaged
    with opened_store(tmp_path) as store:
        assert store.has(raw(0).cid)
    assert "B3" in {finding.code for finding in findings(tmp_path)}


def test_r106_a_pack_that_another_process_collects_while_we_open_is_no_loss(tmp_path, monkeypatch):
    with opened_store(tmp_path) as store:
        put(store, raws(5))
        opening = recovery._recover_pack

        def late(folder, database, row):
            if folder.pack(row.name).exists():
                with database.writing("sweeping") as connection:
                    connection.execute(delete(tables.blocks))
                assert rewrite._bury(store, row.id, row.name)
            opening(folder, database, row)

        monkeypatch.setattr(recovery, "_recover_pack", late)
        with opened_store(tmp_path) as other:
            assert not other.has(raw(0).cid)
    assert findings(tmp_path) == []
