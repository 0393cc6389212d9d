"""Erasing a key erases a content, and nothing else (crypto-erasure)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

import lodestamp
from homes import audited_node, reading
from lodestamp.core.encoding import base64_decode
from lodestamp.core.operations import parse_op
from lodestamp.errors import EncodingError, LogCorrupt, RecordError, StoreError, UnknownOperation
from lodestamp.node.sealing import SEALED_FORMAT
from lodestamp.node.storage import sqlite as storage
from pairs import pair

WORD = "the-word-that-must-go"
SECRET = {"word": WORD, "of": [1, 2, {"deep": True}]}


def bytes_of(home: Path) -> bytes:
    """Every byte of a home but its key files."""
    files = [path for path in home.rglob("*") if path.is_file() and path.parent.name != "keys"]
    return b"".join(path.read_bytes() for path in files)


def sealed(node, number: int = 0) -> str:
    """Record sealed evidence."""
    return node.sealed.record(source=f"mail/{number}", kind="letter", content=SECRET).op_id


def key_of(home: Path, leaf: int) -> bytes:
    with sqlite3.connect(home / "lodestamp.db") as database:
        return database.execute("SELECT key FROM content_key WHERE seq = ?", [leaf]).fetchone()[0]


def test_not_a_byte_of_content_or_key_is_left_and_every_proof_stands(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
        gone, kept = sealed(node, 1), sealed(node, 2)
        key, wire, proof = key_of(home, 1), node.op(gone).wire, node.prove(gone)
        assert node.sealed.open(gone) == SECRET
        assert key in bytes_of(home)
        assert WORD.encode() not in bytes_of(home)
        assert node.sealed.erase(gone) is True
        assert key not in bytes_of(home)
        assert key_of(home, 2) in bytes_of(home)
        for _ in range(2):
            with pytest.raises(RecordError) as refused:
                node.sealed.open(gone)
            assert refused.value.code == "erased"
            assert node.sealed.erase(gone) is False
        assert node.op(gone).wire == wire
        for each in (proof, node.prove(gone)):
            assert lodestamp.verify(each).exit_code == 0
        assert node.sealed.open(kept) == SECRET
    with audited_node(home) as node:
        assert key not in bytes_of(home)
        assert node.sealed.open(kept) == SECRET


def test_the_sealed_form_is_as_documented(tmp_path):
    """AES-256-GCM over the canonical content; format, source and kind are sealed in."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with audited_node(tmp_path / "home") as node:
        op = node.op(sealed(node, 7))
        content = op.body["content"]
        assert set(content) == {"format", "nonce", "box"}
        assert content["format"] == SEALED_FORMAT == "lodestamp-sealed/1"
        box = AESGCM(key_of(tmp_path / "home", 0))
        context = b'lodestamp-sealed/1\n["mail/7","letter"]'
        nonce = base64_decode(content["nonce"])
        assert len(nonce) == 12
        opened = box.decrypt(nonce, base64_decode(content["box"]), context)
        assert json.loads(opened) == SECRET


def test_two_seals_of_one_content_have_nothing_in_common(tmp_path):
    with audited_node(tmp_path / "home") as node:
        first, second = (node.op(sealed(node)).body["content"] for _ in range(2))
        assert first["nonce"] != second["nonce"]
        assert first["box"] != second["box"]
        assert key_of(tmp_path / "home", 0) != key_of(tmp_path / "home", 1)


def test_the_key_never_leaves_the_home(tmp_path):
    """Neither by sync nor in a proof; another home can keep the operation and not read it."""
    with pair(tmp_path) as both:
        a, b = both.nodes
        op_id = sealed(a)
        key = key_of(both.homes[0], 0)
        assert b.sync(both.served[0].url).received == 1
        assert b.op(op_id) == a.op(op_id)
        assert key not in bytes_of(both.homes[1])
        assert key.hex().encode() not in a.prove(op_id).encode()
        with pytest.raises(RecordError) as refused:
            b.sealed.open(op_id)
        assert refused.value.code == "not-sealed"


def test_what_was_not_sealed_here_is_neither_opened_nor_erased(tmp_path):
    with audited_node(tmp_path / "home") as node:
        plain = node.record(**reading(1)).op_id
        for ask in (node.sealed.open, node.sealed.erase):
            with pytest.raises(RecordError) as refused:
                ask(plain)
            assert refused.value.code == "not-sealed"
            with pytest.raises(UnknownOperation):
                ask("sha256:" + "0" * 64)
        with pytest.raises(EncodingError) as float_:
            node.sealed.record(source="s", kind="k", content={"n": 1.5})
        assert float_.value.code == "float"


def test_a_purge_takes_the_key_along(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        op_id = sealed(node)
        key = key_of(home, 0)
        assert node.purge([op_id]) == 1
        assert key not in bytes_of(home)
        with pytest.raises(RecordError) as refused:
            node.sealed.open(op_id)
        assert refused.value.code == "erased"


def test_a_reader_that_keeps_the_write_ahead_log_is_told_and_erasing_again_finishes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(storage, "_PRAGMAS", (*storage._PRAGMAS[:-1], "PRAGMA busy_timeout=100"))
    home = tmp_path / "home"
    with audited_node(home) as node:
        op_id = sealed(node)
        key = key_of(home, 0)
        reader = sqlite3.connect(home / "lodestamp.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM operation").fetchone()
        with pytest.raises(StoreError) as busy:
            node.sealed.erase(op_id)
        assert busy.value.code == "log-busy"
        reader.close()
        assert node.sealed.erase(op_id) is False
        assert key not in bytes_of(home)


def test_a_wrong_key_or_a_box_of_another_source_is_damage(tmp_path):
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        first = sealed(node, 1)
        content = parse_op(node.op(first).wire).body["content"]
        moved = node.record(source="mail/2", kind="letter", content=content).op_id
        plain = node.record(**reading(3)).op_id
        key = key_of(home, 0)
        with sqlite3.connect(home / "lodestamp.db") as database:
            database.execute("UPDATE content_key SET key = zeroblob(32)")
            for leaf in (1, 2):
                database.execute("INSERT INTO content_key VALUES (?, ?, NULL)", (leaf, key))
        for each in (first, moved, plain):
            with pytest.raises(LogCorrupt):
                node.sealed.open(each)
