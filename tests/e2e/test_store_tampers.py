"""The tamper suite of transparency spec §12, rows 1 to 25: a store that somebody wrote into.

Each test is named by its row and asserts which findings of `lodestamp fsck` catch it; where the
store was made to agree with itself, which witness or earlier proof. Rows 26 to 59 are in
`test_tampers.py`; docs/spec/tampers.md is the table of both.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

import lodestamp
from headers import following, worked
from homes import assert_clean, foreign_evidence, found_codes, reading
from listeners import served
from lodestamp.core.bitcoin import HeaderChain, extend
from lodestamp.core.encoding import Digest, address_of, canonical_json
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.proof import verify
from lodestamp.core.timestamps import SHA256, BitcoinHeader, anchor_digest, encode_path
from lodestamp.core.verdict import Status
from lodestamp.errors import LogCorrupt
from lodestamp.faces.cli.program import run
from lodestamp.node.fsck import fsck
from ruined import (
    SIZE,
    Evidence,
    Spoil,
    behind_its_back,
    forget,
    is_contradicted_by,
    make_evidence,
    operations,
    put,
    rebuild_tree,
    shown_to,
    sign_all_notes,
)

ORIGIN = "log.example/a"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Evidence:
    return make_evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def there(template, tmp_path) -> Evidence:
    return template.copied(tmp_path)


def spoiled(evidence: Evidence, spoil: Spoil | str) -> set[str]:
    """Do something to the database behind the node's back; return the codes of what is found."""
    with behind_its_back(evidence.home) as database:
        database.execute(spoil) if isinstance(spoil, str) else spoil(database)
    return found_codes(evidence.home)


def refused(home: Path) -> str:
    """Return why a home does not open."""
    with pytest.raises(LogCorrupt) as error:
        lodestamp.open(home)
    return error.value.code


def test_the_untouched_home_is_clean_and_its_proof_stands(there):
    assert_clean(there.home)
    assert not is_contradicted_by(there.home, there.proof)
    assert fsck(there.home).checked["cosignatures"] == 2
    time = verify(there.proof.encode(), network="regtest").leg("time")
    assert time.status is Status.ESTABLISHED


ENDS_EARLY = {"A6", "A7", "A16", "A18", "S4"}
"""Operations are gone at the end: tiles, notes, the head and what was published say so."""
HAS_HOLE = {"A3", "A6", "A7", "A16", "A18", "S2"}
"""Operations are gone before the end: the walk over the leaves ends there."""


def test_01_drop_last_op(there):
    assert spoiled(there, "DELETE FROM operation WHERE seq = 12") == ENDS_EARLY
    assert refused(there.home) == "log-corrupt"


def test_02_drop_last_four(there):
    assert spoiled(there, "DELETE FROM operation WHERE seq > 8") == ENDS_EARLY | {"S2"}
    assert refused(there.home) == "log-corrupt"


def test_03_delete_everything(there):
    assert spoiled(there, "DELETE FROM operation") == ENDS_EARLY | {"S2"}
    assert refused(there.home) == "log-corrupt"


def test_03_delete_everything_and_begin_anew_with_the_same_keys(there):
    """It agrees with itself; whoever has an earlier proof, and the witness, know better."""
    shutil.move(there.home / "keys", there.home.with_name("keys"))
    shutil.rmtree(there.home)
    there.home.mkdir()
    shutil.move(there.home.with_name("keys"), there.home)
    with lodestamp.open(there.home, origin=ORIGIN) as node, lodestamp.open(there.witness) as other:
        for number in range(3):
            node.record(**reading(100 + number))
        assert shown_to(node, other) == [("ahead", 3)]
        for number in range(SIZE - 3):
            node.record(**reading(200 + number))
        assert shown_to(node, other) == [("refused", SIZE)]
    assert_clean(there.home)
    assert is_contradicted_by(there.home, there.proof)
    assert fsck(there.witness).checked["log_forks"] == 1


def test_04_drop_first(there):
    assert spoiled(there, "DELETE FROM operation WHERE seq = 0") == HAS_HOLE


def test_05_drop_middle(there):
    assert spoiled(there, "DELETE FROM operation WHERE seq = 6") == HAS_HOLE


def test_06_truncate_last_record(there):
    change = "UPDATE operation SET raw = substr(raw, 1, {}) WHERE seq = 12"
    for length in (400, 90, 1, 0):
        assert spoiled(there, change.format(length)) == {"A1"}
    assert refused(there.home) == "log-corrupt"


def test_06_erase_the_last_record_whole(there):
    assert spoiled(there, "UPDATE operation SET raw = NULL WHERE seq = 12") == {"A2"}


def test_07_truncate_middle(there):
    change = "UPDATE operation SET raw = substr(raw, 1, {}) WHERE seq = 6"
    for length in (400, 90, 1, 0):
        assert spoiled(there, change.format(length)) == {"A1"}


def test_08_change_a_field(there):
    change = "UPDATE operation SET raw = CAST(replace(raw, 'sensor', 'census') AS BLOB)"
    assert spoiled(there, f"{change} WHERE seq = 7") == {"A1"}


def rehashed(raw: bytes) -> tuple[bytes, bytes]:
    """Return an operation of another source with the old signature: its bytes and its right id."""
    wire = json.loads(raw)
    del wire["op_id"]
    wire["body"]["source"] = "another"
    op_id = address_of(canonical_json(wire))
    return canonical_json({**wire, "op_id": op_id}), bytes.fromhex(op_id.removeprefix("sha256:"))


def test_09_change_and_rehash(there):
    def spoil(database: sqlite3.Connection) -> None:
        values = (*rehashed(operations(database)[4][1]), 4)
        database.execute("UPDATE operation SET raw = ?, op_id = ? WHERE seq = ?", values)

    assert spoiled(there, spoil) == {"A1", "A4", "A7", "A18", "S2"}


def test_10_rewrite_record_and_rebuild_tree_with_the_old_notes(there):
    def spoil(database: sqlite3.Connection) -> None:
        put(database, 12, foreign_evidence(2))
        rebuild_tree(database)

    assert spoiled(there, spoil) == {"A7", "A18"}
    assert refused(there.home) == "log-corrupt"


def rewritten(there: Evidence, seq: int, *forgotten: str, published: bool = True) -> set[str]:
    """Rewrite an operation, sign all notes anew with the log key, and let tables be forgotten."""
    note = (there.home / "checkpoint").read_bytes()

    def spoil(database: sqlite3.Connection) -> None:
        put(database, seq, foreign_evidence(2))
        sign_all_notes(there.home, database, ORIGIN)
        forget(database, *forgotten)

    found = spoiled(there, spoil)
    if not published:
        (there.home / "checkpoint").write_bytes(note)
        return found_codes(there.home)
    return found


def is_refused_by_the_witness(there: Evidence) -> bool:
    with lodestamp.open(there.home) as node, lodestamp.open(there.witness) as other:
        said = shown_to(node, other)
    return said == [("refused", SIZE)] and fsck(there.witness).checked["log_forks"] == 1


def test_11_rewrite_and_resign_all_notes_is_caught_by_what_was_published(there):
    found = rewritten(there, 12, "log_cosignature", published=False)
    assert found == {"A18"}
    assert refused(there.home) == "log-forked"


def test_11_rewrite_and_resign_all_notes_is_caught_by_the_cosignatures(there):
    assert rewritten(there, 12) == {"A9"}
    assert is_refused_by_the_witness(there)


IN_EDGES = {"S2", "S3", "S10"}
"""The operation that was put in has not the place of the one that was there."""


def test_11_rewrite_and_resign_all_notes_is_caught_by_the_anchors(there):
    """A11: our digest is of no checkpoint any more. A13: nor is what a calendar was handed."""
    assert rewritten(there, 4, "log_cosignature") == {"A11", "A13"} | IN_EDGES
    assert is_contradicted_by(there.home, there.proof)


def test_11_rewrite_resign_and_anchor_rows_made_to_fit_are_caught_by_the_block(there):
    """A12: whatever tip the cycle is given, its operations do not lead to the block's root."""

    def spoil(database: sqlite3.Connection) -> None:
        put(database, 4, foreign_evidence(2))
        sign_all_notes(there.home, database, ORIGIN)
        forget(database, "log_cosignature", "anchor_submission")
        signed = database.execute("SELECT root FROM log_checkpoint WHERE size = 6").fetchone()[0]
        digest = anchor_digest(ORIGIN, 6, signed)
        change = "UPDATE calendar_commitment SET commitment = ? WHERE id = 2"
        database.execute(change, (digest,))
        query = "SELECT commitment FROM calendar_commitment ORDER BY id"
        tip = root(leaf_hashes([row[0] for row in database.execute(query)]))
        for table in ("anchor_cycle", "anchor_tx"):
            database.execute(f"UPDATE {table} SET tip = ?", (tip,))  # noqa: S608

    assert spoiled(there, spoil) == {"A12"} | IN_EDGES


def test_11_rewrite_and_resign_all_notes_with_all_else_forgotten_is_caught_elsewhere(there):
    """Nothing in the home knows; the witness does, and so does who has an earlier proof."""
    anchors = ("anchor_submission", "calendar_commitment", "anchor_tx", "anchor_cycle")
    assert rewritten(there, 4, "log_cosignature", *anchors, "sqlite_sequence") == IN_EDGES
    assert is_refused_by_the_witness(there)
    assert is_contradicted_by(there.home, there.proof)


def test_12_swap_two_entries(there):
    def spoil(database: sqlite3.Connection) -> None:
        first, second = operations(database)[4:6]
        database.execute("UPDATE operation SET op_id = zeroblob(32) WHERE seq = 4")
        for seq, (op_id, raw) in ((5, first), (4, second)):
            change = "UPDATE operation SET op_id = ?, raw = ? WHERE seq = ?"
            database.execute(change, (op_id, raw, seq))

    assert spoiled(there, spoil) == {"A4", "A7", "A18", "S2", "S3", "S10"}


def copied_row(database: sqlite3.Connection, source: int, **changed: object) -> None:
    """Insert a row of an operation again, changed."""
    columns = [row[1] for row in database.execute("PRAGMA table_info(operation)")]
    stored = database.execute("SELECT * FROM operation WHERE seq = ?", (source,)).fetchone()
    row = {**dict(zip(columns, stored, strict=True)), **changed}
    names, places = ", ".join(row), ", ".join("?" * len(row))
    insert = f"INSERT INTO operation ({names}) VALUES ({places})"  # noqa: S608
    database.execute(insert, list(row.values()))


def test_13_append_an_unsigned_op_from_outside(there):
    def spoil(database: sqlite3.Connection) -> None:
        raw, op_id = rehashed(operations(database)[12][1])
        copied_row(database, 12, seq=SIZE, op_id=op_id, raw=raw)

    assert spoiled(there, spoil) == {"A1", "A6", "A16", "S4", "S7"}
    assert refused(there.home) == "log-corrupt"


def test_13_append_an_op_that_is_signed_from_outside(there):
    """Even of a stranger's whole operation the log says that no checkpoint seals it."""

    def spoil(database: sqlite3.Connection) -> None:
        op = foreign_evidence(2)
        copied_row(database, 12, seq=SIZE, op_id=bytes(op.digest), raw=op.wire)

    assert spoiled(there, spoil) >= {"A6", "A16"}
    assert refused(there.home) == "log-corrupt"


def resigned(there: Evidence, seqs: range, sign: Callable[[str], str]) -> set[str]:
    """Change signatures in the bytes of operations."""

    def spoil(database: sqlite3.Connection) -> None:
        for seq in seqs:
            wire = json.loads(operations(database)[seq][1])
            values = (canonical_json({**wire, "sig": sign(wire["sig"])}), seq)
            database.execute("UPDATE operation SET raw = ? WHERE seq = ?", values)

    return spoiled(there, spoil)


def test_14_strip_one_signature(there):
    assert resigned(there, range(4, 5), lambda _sig: "") == {"A1"}
    assert len(fsck(there.home).findings) == 1


def test_15_strip_all_signatures(there):
    assert resigned(there, range(SIZE), lambda _sig: "") == {"A1"}
    assert len(fsck(there.home).findings) == SIZE


def test_16_corrupt_the_signature_field(there):
    def flip(sig: str) -> str:
        return ("B" if sig[0] == "A" else "A") + sig[1:]

    assert resigned(there, range(4, 5), flip) == {"A1"}


def test_17_duplicate_an_entry(there):
    """The schema does not allow it; A3 says so where the schema was changed for it (S5)."""
    with behind_its_back(there.home) as database, pytest.raises(sqlite3.IntegrityError):
        copied_row(database, 4, seq=SIZE)

    def spoil(database: sqlite3.Connection) -> None:
        made = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL"))
        loose = made["operation"].replace("UNIQUE (op_id)", "CHECK (1)")
        assert loose != made["operation"]
        database.execute(loose.replace("operation", "loose", 1))
        database.execute("INSERT INTO loose SELECT * FROM operation")
        database.execute("DROP TABLE operation")
        database.execute("ALTER TABLE loose RENAME TO operation")
        for name in ("ix_operation_chain", "ix_operation_type"):
            database.execute(made[name])
        copied_row(database, 4, seq=SIZE)

    assert spoiled(there, spoil) >= {"A3", "A6", "A16", "S5"}
    found = [each for each in fsck(there.home).findings if each.code == "A3"]
    assert [each.where for each in found] == ["operation 13"]


def test_18_change_a_tile_byte(there):
    def spoil(database: sqlite3.Connection) -> None:
        (stored,) = database.execute("SELECT hashes FROM log_tile").fetchone()
        spoilt = bytearray(stored)
        spoilt[40] ^= 1
        database.execute("UPDATE log_tile SET hashes = ?", (bytes(spoilt),))

    assert spoiled(there, spoil) == {"A4"}
    assert refused(there.home) == "log-corrupt"


@pytest.mark.parametrize(
    "change",
    ["size = 12", "size = 14", "root = zeroblob(32)", "note = CAST('x' AS BLOB)"],
)
def test_19_change_head_only(there, change):
    assert spoiled(there, f"UPDATE log_head SET {change}") == {"A8"}  # noqa: S608
    assert refused(there.home) == "log-corrupt"


def test_19_put_an_older_head_in_its_place(there):
    older = "(SELECT size, root, note FROM log_checkpoint WHERE size = 12)"
    assert spoiled(there, f"UPDATE log_head SET (size, root, note) = {older}") == {"A8"}  # noqa: S608
    assert refused(there.home) == "log-corrupt"


def test_20_roll_back_the_database_to_an_older_copy(there):
    shutil.copy(there.home / "lodestamp.db", there.home.with_name("older.db"))
    with lodestamp.open(there.home) as node, lodestamp.open(there.witness) as other:
        node.record(**reading(50))
        assert shown_to(node, other) == [("cosigned", SIZE + 1)]
        later = node.prove(node.record(**reading(51)).op_id)
    shutil.copy(there.home.with_name("older.db"), there.home / "lodestamp.db")
    assert found_codes(there.home) == {"A18"}
    assert refused(there.home) == "log-rolled-back"
    (there.home / "checkpoint").unlink()  # rolled back as well: the witness and a proof are left
    assert_clean(there.home)
    with lodestamp.open(there.home) as node, lodestamp.open(there.witness) as other:
        assert shown_to(node, other) == [("ahead", SIZE)]
    assert is_contradicted_by(there.home, later)


def test_21_forged_anchor_row_with_random_txid(there):
    assert spoiled(there, "UPDATE anchor_cycle SET txid = randomblob(32)") == {"A12"}


def test_21_forged_anchor_row_beside_the_true_one(there):
    forged = (
        "INSERT INTO anchor_cycle SELECT 2, state, tip, count, randomblob(32), height, block_hash, "
        "ops, mined_at, updated_at FROM anchor_cycle"
    )
    assert spoiled(there, forged) == {"A11", "A12"}
    assert {each.where for each in fsck(there.home).findings} == {"cycle 2"}


def test_21_forged_answer_of_a_calendar(there):
    """A14: what claims to be complete ends in a block that no header known here is of."""
    ots = encode_path([SHA256], BitcoinHeader(103))
    change = "UPDATE anchor_submission SET state = 'complete', ots = x'{}'"
    assert spoiled(there, change.format(ots.hex())) == {"A14"}


def test_22_anchor_row_for_a_hash_not_in_the_log(there):
    insert = "INSERT INTO calendar_commitment (commitment) VALUES (randomblob(32))"
    assert spoiled(there, insert) == {"A11"}


def test_22_submission_of_a_hash_not_in_the_log(there):
    assert spoiled(there, "UPDATE anchor_submission SET digest = randomblob(32)") >= {"A13"}


def test_22_submission_of_a_checkpoint_never_signed(there):
    assert spoiled(there, "UPDATE anchor_submission SET size = 99") == {"A13", "A18"}


def other_header(home: Path, height: int) -> bytes:
    """Return another header with its work done that may stand at a height of this home's chain."""
    with lodestamp.open(home) as node:
        store = node.header_store(None)
        chain = HeaderChain.genesis(store.network)
        for each in range(1, height):
            chain = extend(chain, store.header(each))
        time = store.header(height).time + 1
    return worked(following(chain, time=time, merkle=b"another")).encode()


@pytest.mark.parametrize(("height", "codes"), [(50, {"A12"}), (105, {"A12"})])
def test_23_header_replaced_by_another_valid_header(there, height, codes):
    """105 is the block of the anchor: its cycle says so, too."""
    raw = other_header(there.home, height)
    digest = sha256(sha256(raw).digest()).hexdigest()
    change = f"UPDATE header SET raw = x'{raw.hex()}', hash = x'{digest}' WHERE height = {height}"  # noqa: S608
    assert spoiled(there, change) == codes
    places = {each.where for each in fsck(there.home).findings}
    assert places == {f"header {height + 1}"} | ({"cycle 1"} if height == 105 else set())


@pytest.mark.parametrize("number", [1, 2])
def test_24_journal_record_removed_after_reply(there, number):
    assert spoiled(there, f"DELETE FROM calendar_commitment WHERE id = {number}") == {"A11"}  # noqa: S608


def test_24_waiting_journal_record_removed_after_reply(there):
    with lodestamp.open(there.home) as node:
        node.calendars.journal.append([b"C" * 44])
    assert_clean(there.home)
    assert spoiled(there, "DELETE FROM calendar_commitment WHERE id = 3") == {"A11"}


def test_25_two_processes_on_one_store_make_no_fork(there):
    """Each index once, one note of each size, and whoever comes late goes on from the newest."""
    pipes = [os.pipe() for _ in range(2)]
    children = [_recording(there.home, number, pipe) for number, pipe in enumerate(pipes)]
    said = []
    for (read_end, write_end), child in zip(pipes, children, strict=True):
        os.close(write_end)
        with os.fdopen(read_end) as lines:
            said += [line.split() for line in lines]
        assert os.waitpid(child, 0)[1] == 0
    assert sorted(int(index) for index, _ in said) == list(range(SIZE, SIZE + 40))
    with lodestamp.open(there.home) as node:
        for index, op_id in said:
            assert node.inclusion(op_id)[0].index == int(index)
    assert_clean(there.home)


def _recording(home: Path, number: int, pipe: tuple[int, int]) -> int:
    """Record twenty times in a child and tell each index; return the child."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with lodestamp.open(home) as node:
            for part in range(20):
                recorded = node.record(**reading(1_000 * number + part))
                os.write(pipe[1], f"{recorded.log_index} {recorded.op_id}\n".encode())
        code = 0
    finally:
        os._exit(code)


def test_25_a_second_writer_of_the_same_head_is_refused(there):
    """The head row is the lock: of two writers that saw the same head, one alone seals (CAS)."""
    with lodestamp.open(there.home) as node:
        log = node._recorder._log
        with node._database.writing("appending") as connection:
            log.extend(connection, [Digest(b"x" * 32)], 1)
            with pytest.raises(LogCorrupt):
                log.extend(connection, [Digest(b"y" * 32)], 1)
            connection.rollback()
    assert_clean(there.home)


def test_split_view_shown_to_two_witnesses(there, tmp_path, capsys):
    """Each witness sees a log that only grows; a monitor that asks both finds the fork (A7)."""
    fork = there.copied(tmp_path / "fork")
    for number, each in enumerate((there, fork)):
        with lodestamp.open(each.home) as node, lodestamp.open(each.witness) as other:
            node.record(**reading(100 + number))
            assert shown_to(node, other) == [("cosigned", SIZE + 1)]
    monitor = tmp_path / "monitor"
    with lodestamp.open(there.home) as node, lodestamp.open(fork.witness) as other:
        with served(node, "log") as log, served(other, "witness") as witness:
            lodestamp.open(monitor).close()
            keys = json.dumps([str(each) for each in other.public.witness.vkeys])
            (monitor / "config.toml").write_text(f'[witnesses]\n"{witness.url}/witness" = {keys}\n')
            words = ["log", "audit", "--remote", f"{log.url}/log", "--vkey", str(node.log_key)]
            assert run(["--home", str(monitor), *words, "--json"]) == 1
        assert shown_to(node, other) == [("refused", SIZE + 1)]
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["code"] == "A7"
    assert "forked" in finding["detail"]
    assert fsck(fork.witness).checked["log_forks"] == 1
