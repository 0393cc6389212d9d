"""The auditor finds what was done to a log behind the recorder's back, by the code that says so."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import lodestamp
from homes import assert_clean, audited_node, foreign_evidence, found_codes, reading
from lodestamp.core.encoding import OP_CID_PREFIX, address_of, canonical_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.transparency import Checkpoint, NoteSigner, sign_note
from lodestamp.errors import LogCorrupt
from lodestamp.node.findings import FINDINGS_MAX
from lodestamp.node.fsck import fsck
from lodestamp.node.keyring import load_key

Tamper = Callable[[sqlite3.Connection], None]


@pytest.fixture(scope="module")
def log_of_600(tmp_path_factory) -> Path:
    """A log with three tiles on level 0, a claim, a fork and a merge."""
    home = tmp_path_factory.mktemp("audited") / "home"
    with audited_node(home) as node:
        futures = [node.record_future(**reading(n)) for n in range(595)]
        last = [future.result() for future in futures][-1]
        node.append([foreign_evidence(n).wire for n in range(3)])
        node.claim(
            subject="s",
            predicate="p",
            object=1,
            rationale="r",
            deriver="d",
            derived_from=[last.op_id],
        )
        node.record(**reading(600))
    return home


def sql(statement: str) -> Tamper:
    return lambda database: database.execute(statement)


def _swap_entries(database: sqlite3.Connection) -> None:
    rows = database.execute(
        "SELECT op_id, raw FROM operation WHERE seq IN (10, 11) ORDER BY seq"
    ).fetchall()
    database.execute("UPDATE operation SET op_id = zeroblob(32) WHERE seq = 10")
    for seq, (op_id, raw) in zip((11, 10), rows, strict=True):
        database.execute("UPDATE operation SET op_id = ?, raw = ? WHERE seq = ?", (op_id, raw, seq))


def _change_and_rehash(database: sqlite3.Connection) -> None:
    raw = json.loads(database.execute("SELECT raw FROM operation WHERE seq = 20").fetchone()[0])
    raw["body"]["source"] = "sensor/2"
    del raw["op_id"]
    op_id = address_of(canonical_json(raw))
    wire = canonical_json({**raw, "op_id": op_id})
    database.execute(
        "UPDATE operation SET raw = ?, op_id = ? WHERE seq = 20", (wire, bytes.fromhex(op_id[7:]))
    )


def _flip_tile(database: sqlite3.Connection) -> None:
    hashes = bytearray(
        database.execute("SELECT hashes FROM log_tile WHERE level = 0 AND n = 1").fetchone()[0]
    )
    hashes[100] ^= 1
    database.execute("UPDATE log_tile SET hashes = ? WHERE level = 0 AND n = 1", (bytes(hashes),))


def _flip_upper_tile(database: sqlite3.Connection) -> None:
    database.execute(
        "UPDATE log_tile SET hashes = zeroblob(length(hashes)) WHERE level = 1 AND n = 0"
    )


CUT = {"A6", "A7", "A16", "A18", "S2", "S4"}
"""Operations gone at the end: tiles, checkpoints, head, edges and what was published say so."""
HOLED = {"A3", "A6", "A7", "A16", "A18", "S2"}
"""Operations gone before the end: the walk stops there, and the same say so."""
TAMPERS: dict[str, tuple[Tamper, set[str]]] = {
    "drop the last operation": (sql("DELETE FROM operation WHERE seq = 599"), CUT),
    "drop the last four": (sql("DELETE FROM operation WHERE seq > 595"), CUT | {"S7"}),
    "delete everything": (sql("DELETE FROM operation"), CUT | {"S7"}),
    "drop the first": (sql("DELETE FROM operation WHERE seq = 0"), HOLED),
    "drop one in the middle": (sql("DELETE FROM operation WHERE seq = 300"), HOLED),
    "cut the last record short": (
        sql("UPDATE operation SET raw = substr(raw, 1, 99) WHERE seq = 599"),
        {"A1"},
    ),
    "cut one in the middle short": (
        sql("UPDATE operation SET raw = substr(raw, 1, 99) WHERE seq = 300"),
        {"A1"},
    ),
    "purge a body by hand": (sql("UPDATE operation SET raw = NULL WHERE seq = 5"), {"A2"}),
    "mark as purged what is here": (sql("INSERT INTO purge VALUES (5, 1)"), {"A2"}),
    "mark as purged what never was": (sql("INSERT INTO purge VALUES (5000, 1)"), {"A2"}),
    "change a field": (
        sql("UPDATE operation SET raw = CAST(replace(raw,'sensor','census') AS BLOB) WHERE seq=7"),
        {"A1"},
    ),
    "change and rehash": (_change_and_rehash, {"A1", "A4", "A7", "A18", "S2"}),
    "swap two entries": (_swap_entries, {"A4", "A7", "A18", "S2", "S3", "S10"}),
    "strip one signature": (
        sql(
            'UPDATE operation SET raw = CAST(replace(raw, \'"sig":"\', \'"sig":"","x":"\') '
            "AS BLOB) WHERE seq = 9"
        ),
        {"A1"},
    ),
    "change an indexed column": (sql("UPDATE operation SET ts = ts + 1 WHERE seq = 8"), {"S3"}),
    "change a generation": (sql("UPDATE operation SET generation = 7 WHERE seq = 9"), {"S3"}),
    "change what it covers": (sql("UPDATE operation SET covers = 1 WHERE seq = 9"), {"S3"}),
    "change a place": (sql("UPDATE operation SET author_seq = 700 WHERE seq = 9"), {"S3"}),
    "invent a refutation": (sql("INSERT INTO refutes VALUES (3, 50)"), {"S6"}),
    "invent a revocation": (sql("INSERT INTO revocation VALUES (zeroblob(32), 50, 1)"), {"S6"}),
    "forget the contradictions": (sql("DELETE FROM equivocation"), {"S7"}),
    "confirm a contradiction": (sql("UPDATE equivocation SET confirmed_by = 599"), {"S7"}),
    "let nothing wait": (
        sql("INSERT INTO pending VALUES (zeroblob(32), 'p', zeroblob(0), NULL, NULL, x'00', 0)"),
        {"S8"},
    ),
    "let a known one wait": (
        sql("INSERT INTO pending SELECT op_id,'p',op_id,op_id,0,raw,0 FROM operation LIMIT 1"),
        {"S8"},
    ),
    "miscount what waits": (sql("INSERT INTO pending_share VALUES ('p', 1, 1)"), {"S8"}),
    "place what is not there": (sql("INSERT INTO position VALUES (9999, 1, 0, 0, 5)"), {"S2"}),
    "place below the ground": (sql("INSERT INTO position VALUES (9, -1, 0, 0, 5)"), {"S2"}),
    "lose a content's key": (sql("INSERT INTO content_key VALUES (9, NULL, NULL)"), {"S6"}),
    "keep a key of no evidence": (
        sql("INSERT INTO content_key VALUES (598, zeroblob(32), NULL)"),
        {"S6"},
    ),
    "rename the author": (sql("UPDATE author SET text = text || '0'"), {"S3"}),
    "drop an edge": (sql("DELETE FROM parent WHERE child = 50"), {"S2", "S3", "S4", "S10"}),
    "cut a claim off its past": (
        sql("DELETE FROM parent WHERE child = 598"),
        {"S2", "S3", "S4", "S9", "S10"},
    ),
    "add an edge": (sql("INSERT INTO parent VALUES (50, 3)"), {"S2"}),
    "drop a source": (sql("DELETE FROM source"), {"S2"}),
    "add a source": (sql("INSERT INTO source VALUES (50, 3)"), {"S2"}),
    "forget a head": (sql("DELETE FROM head"), {"S4"}),
    "invent a head": (sql("INSERT INTO head VALUES (3)"), {"S4"}),
    "change a tile byte": (_flip_tile, {"A4", "A5"}),
    "change an upper tile": (_flip_upper_tile, {"A5"}),
    "drop a tile": (sql("DELETE FROM log_tile WHERE level = 0 AND n = 1"), {"A5", "A6"}),
    "add a level": (sql("INSERT INTO log_tile VALUES (5, 0, zeroblob(32))"), {"A6"}),
    "widen a tile": (
        sql("UPDATE log_tile SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE level = 1"),
        {"A6"},
    ),
    "change the head only": (sql("UPDATE log_head SET size = size - 1"), {"A8"}),
    "drop the head": (sql("DELETE FROM log_head"), {"A8"}),
    "drop every checkpoint": (sql("DELETE FROM log_checkpoint"), {"A8"}),
    "drop the last checkpoint": (
        sql("DELETE FROM log_checkpoint WHERE size = (SELECT max(size) FROM log_checkpoint)"),
        {"A8"},
    ),
    "change a checkpoint's root": (
        sql("UPDATE log_checkpoint SET root = zeroblob(32) WHERE size = 1 OR size = 600"),
        {"A7", "A8"},
    ),
    "spoil a checkpoint's note": (
        sql("UPDATE log_checkpoint SET note = CAST('x' AS BLOB) WHERE size < 600 AND size > 0"),
        {"A7"},
    ),
    "move a note to another size": (
        sql(
            "UPDATE log_checkpoint SET note = (SELECT note FROM log_checkpoint WHERE size = 0) "
            "WHERE size = 600"
        ),
        {"A7", "A8"},
    ),
    "rename the log": (sql("UPDATE meta SET value = 'example.org/other'"), {"A7", "A18", "K1"}),
    "move the head to another row": (sql("UPDATE log_head SET id = 2"), {"A8"}),
    "point at nothing": (sql("INSERT INTO parent VALUES (50, 99999)"), {"S2"}),
    "point from nothing": (sql("INSERT INTO parent VALUES (99999, 50)"), {"S2"}),
    "plant a trigger": (
        sql(
            "CREATE TRIGGER t AFTER INSERT ON operation BEGIN "
            "UPDATE operation SET raw = NULL WHERE seq = NEW.seq; END"
        ),
        {"S5"},
    ),
    "drop an index": (sql("DROP INDEX ix_parent_reverse"), {"S5"}),
    "spoil the log's name": (sql("UPDATE meta SET value = CAST(value AS BLOB)"), {"S1"}),
    "forget the log's name": (sql("DELETE FROM meta"), {"S1"}),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_each_tamper_is_found_by_its_code(log_of_600, tmp_path, name):
    tamper, codes = TAMPERS[name]
    home = tmp_path / "home"
    shutil.copytree(log_of_600, home)
    database = sqlite3.connect(home / "lodestamp.db", isolation_level=None)
    database.execute("PRAGMA foreign_keys=OFF")
    tamper(database)
    database.close()
    assert found_codes(home) == codes, fsck(home).findings[:5]


def test_every_code_of_the_auditor_is_provoked_here():
    import re

    from lodestamp.node import fsck as home_auditor
    from lodestamp.node.recorder import audit_rows

    rows = Path(audit_rows.__file__)
    files = (Path(home_auditor.__file__), *rows.parent.glob("audit*.py"))
    sources = [file.read_text() for file in files]
    codes = set(re.findall(r'"([ASK]\d{1,2})"', "".join(sources)))
    assert codes == set().union(*(codes for _tamper, codes in TAMPERS.values()))


def test_a_rewritten_log_with_every_note_signed_anew_is_caught_by_what_was_published(tmp_path):
    """Tamper 11: whoever holds the log key can make a log that agrees with itself."""
    home = tmp_path / "home"
    with audited_node(home) as node:
        for number in range(3):
            node.record(**reading(number))
        node.append([foreign_evidence(1).wire])
    with sqlite3.connect(home / "lodestamp.db") as database:
        _rewrite(database, NoteSigner(node.origin, load_key(home / "keys", "log")))
    assert found_codes(home) == {"A18"}
    with pytest.raises(LogCorrupt) as refused:
        lodestamp.open(home)
    assert refused.value.code == "log-forked"


def _rewrite(database: sqlite3.Connection, signer: NoteSigner) -> None:
    """Put another operation in place of the last, rebuild the tree, sign every note again."""
    other = foreign_evidence(2)
    database.execute(
        "UPDATE operation SET raw = ?, op_id = ? WHERE seq = 3", (other.wire, bytes(other.digest))
    )
    ids = [row[0] for row in database.execute("SELECT op_id FROM operation ORDER BY seq")]
    leaves = leaf_hashes([OP_CID_PREFIX + op_id for op_id in ids])
    database.execute("UPDATE log_tile SET hashes = ?", (b"".join(leaves),))
    for (size,) in database.execute("SELECT size FROM log_checkpoint").fetchall():
        tree = root(leaves[:size])
        note = sign_note(Checkpoint(signer.name, size, tree).text(), [signer])
        for table in ("log_checkpoint", "log_head"):
            database.execute(
                f"UPDATE {table} SET root = ?, note = ? WHERE size = ?",  # noqa: S608
                (bytes(tree), note, size),
            )


def test_a_published_size_that_no_checkpoint_row_has_is_held_to_the_operations(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.append([foreign_evidence(n).wire for n in range(3)])
    signer = NoteSigner(node.origin, load_key(home / "keys", "log"))
    fork = Checkpoint(node.origin, 2, b"f" * 32)
    (home / "checkpoint").write_bytes(sign_note(fork.text(), [signer]))
    assert found_codes(home) == {"A18"}
    with pytest.raises(LogCorrupt) as refused:
        lodestamp.open(home)
    assert refused.value.code == "log-forked"


def test_a_checkpoint_signed_by_another_key_is_found(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
    stranger = NoteSigner(node.origin, SigningKey.from_seed("ed25519", b"s" * 32))
    with sqlite3.connect(home / "lodestamp.db") as database:
        row = database.execute("SELECT size, root FROM log_head").fetchone()
        note = sign_note(Checkpoint(node.origin, *row).text(), [stranger])
        database.execute("UPDATE log_head SET note = ?", (note,))
        database.execute("UPDATE log_checkpoint SET note = ? WHERE size = ?", (note, row[0]))
    assert found_codes(home) == {"A7"}
    with pytest.raises(LogCorrupt):
        lodestamp.open(home)


def test_the_published_checkpoint_itself_is_held_to_the_log(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
    (home / "checkpoint").write_bytes(b"not a note")
    assert found_codes(home) == {"A18"}
    with pytest.raises(LogCorrupt):
        lodestamp.open(home)
    (home / "checkpoint").unlink()
    assert_clean(home)


def test_a_flood_of_findings_is_cut_and_counted(log_of_600, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(log_of_600, home)
    with sqlite3.connect(home / "lodestamp.db") as database:
        database.execute("UPDATE operation SET ts = ts + 1")
    report = fsck(home)
    assert len(report.findings) == FINDINGS_MAX
    assert report.checked["findings_left_out"] == 600 - FINDINGS_MAX
    assert report.exit_code == 1
