"""The auditor of blocks: each of its findings provoked (content spec R108)."""

from __future__ import annotations

import os
import sqlite3

import pytest

from lodestamp.core.content import Block, dag_cbor
from lodestamp.core.encoding import Cid
from lodestamp.node.blocks import FileRef, Pin
from stores import codes, opened_store, pack_files, put, raw, raws


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A store with a sealed and an open pack, and a pinned DAG."""
    monkeypatch.setattr("lodestamp.node.blocks.own_pack.PACK_SIZE_MAX", 6 << 20)
    node = dag_cbor.encode([block.cid for block in raws(7, size=1 << 20)])
    top = Block(Cid.of(0x71, node), node)
    with opened_store(tmp_path) as store:
        put(store, [*raws(7, size=1 << 20), top])
        store.pin(Pin(top.cid))
    assert len(pack_files(tmp_path)) == 2
    assert codes(tmp_path) == set()
    return tmp_path


def _sql(folder, text, *values):
    with sqlite3.connect(folder / "a.db") as database:
        database.execute(text, values)


def _flip(path, at):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_r108_b1_a_missing_or_unknown_pack(folder):
    first = pack_files(folder)[0]
    first.rename(first.with_name("pack-00000009.car"))
    assert codes(folder) == {"B1", "B8"}


def test_r108_b2_a_sealed_pack_that_grew(folder):
    first = pack_files(folder)[0]
    first.chmod(0o600)
    with first.open("ab") as file:
        file.write(b"x")
    assert codes(folder) == {"B2"}


def test_r108_b3_a_pack_that_is_none(folder):
    _flip(pack_files(folder)[1], 3)
    assert codes(folder) == {"B3", "B6"}


def test_r108_b4_b5_a_flipped_bit_in_a_sealed_pack(folder):
    _flip(pack_files(folder)[0], 5_000)
    assert codes(folder) == {"B4", "B5", "B8"}


def test_r108_b4_a_seal_that_is_another(folder):
    _sql(folder, "UPDATE content_packs SET sha256 = zeroblob(32) WHERE state = 'sealed'")
    assert codes(folder) == {"B4"}


def test_r108_b6_a_row_that_points_beside(folder):
    _sql(folder, "UPDATE content_blocks SET head = head + 1 WHERE pack_id = 1")
    assert "B6" in codes(folder)
    _sql(folder, "UPDATE content_blocks SET head = head - 1, offset = offset + 1 WHERE pack_id = 1")
    assert {"B6"} <= codes(folder)


def test_r108_b7_a_section_without_a_row(folder):
    key = raw(0, 1 << 20).cid.multihash.encode()
    _sql(folder, "DELETE FROM content_blocks WHERE mh = ?", key)
    assert codes(folder) == {"B7", "B8"}


def test_r108_b8_a_pin_of_what_is_not_here(folder):
    _sql(folder, "UPDATE content_pins SET cid = ?", raw(51).cid.encode())
    assert codes(folder) == {"B8"}


def test_r108_b9_a_file_that_changed(folder):
    path = folder / "content"
    path.write_bytes(b"abc")
    with opened_store(folder) as store, store.writer() as writer:
        status = path.stat()
        ref = FileRef(str(path), 0, 3, 3, status.st_mtime_ns)
        writer.put_ref(Cid.of(0x55, b"abc"), ref)
        writer.commit()
    assert codes(folder) == set()
    path.write_bytes(b"abd")
    assert codes(folder) == {"B9"}
    path.unlink()
    os.mkfifo(path)
    assert codes(folder) == {"B9"}


def test_r108_b10_what_no_row_may_say(folder):
    _sql(folder, "UPDATE content_packs SET state = 'lost' WHERE state = 'open'")
    assert codes(folder) == {"B10"}
    _sql(folder, "UPDATE content_packs SET state = 'open' WHERE state = 'lost'")
    key = raw(0, 1 << 20).cid.multihash.encode()
    _sql(folder, "UPDATE content_blocks SET bad = 1 WHERE mh = ?", key)
    assert codes(folder) == {"B10", "B8"}


def test_r108_a_home_without_blocks_is_clean(tmp_path):
    from lodestamp.node.storage import Database

    Database.open(tmp_path / "a.db").close()
    assert codes(tmp_path) == set()
    assert not (tmp_path / "blocks").exists()
