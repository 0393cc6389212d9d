from __future__ import annotations

import pytest

from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import (
    Checkpoint,
    Cosigner,
    Decision,
    Note,
    NoteSigner,
    Outcome,
    WitnessState,
    parse_note,
    sign_note,
)
from lodestamp.errors import LimitExceeded
from lodestamp.node.anchors.witness import store
from lodestamp.node.anchors.witness.store import WitnessedLog
from lodestamp.node.storage import Database

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
OTHER = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x02" * 32))
OWN = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", b"\x03" * 32))
TEXT = Checkpoint("log.example/a", 5, bytes(32)).text()
SHOWN = parse_note(sign_note(Checkpoint("log.example/a", 5, b"\x01" * 32).text(), [LOG]))
DECISION = Decision(Outcome.TWO_ROOTS, "a second root", SHOWN)


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "lodestamp.db")
    yield opened
    opened.close()


def witnessed(time):
    note = Note(TEXT, (LOG.sign(TEXT), OWN.sign(TEXT, time))).encode()
    return WitnessedLog("log.example/a", (LOG.verifier_key,), WitnessState(5, bytes(32)), note)


def test_r24_a_state_is_swapped_only_for_the_one_it_was_decided_from(database):
    old, new = WitnessState(), WitnessState(5, bytes(32))
    with database.writing("test") as connection:
        store.add_log(connection, "log.example/a", LOG.verifier_key)
        assert store.swap_log(connection, "log.example/a", old, new, b"note")
        assert not store.swap_log(connection, "log.example/a", old, new, b"note")
        assert not store.swap_log(
            connection, "log.example/a", WitnessState(5, b"\x01" * 32), new, b"other"
        )
        log = store.read_log(connection, "log.example/a")
        assert log is not None
        assert (log.state, log.note) == (new, b"note")
        assert store.read_log(connection, "log.example/b") is None


def test_keys_are_added_beside_those_that_are_known_up_to_a_limit(database):
    with database.writing("test") as connection:
        store.add_log(connection, "log.example/a", LOG.verifier_key)
        assert store.add_log(connection, "log.example/a", LOG.verifier_key).vkeys == (
            LOG.verifier_key,
        )
        assert store.add_log(connection, "log.example/a", OTHER.verifier_key).vkeys == (
            LOG.verifier_key,
            OTHER.verifier_key,
        )
        with pytest.raises(LimitExceeded):
            for number in range(3, store.LOG_KEYS_MAX + 2):
                key = NoteSigner(
                    "log.example/a", SigningKey.from_seed("ed25519", bytes([number]) * 32)
                )
                store.add_log(connection, "log.example/a", key.verifier_key)


def test_a_witness_follows_only_so_many_logs(database, monkeypatch):
    monkeypatch.setattr(store, "WITNESSED_LOGS_MAX", 2)
    with database.writing("test") as connection:
        store.add_log(connection, "a", LOG.verifier_key)
        store.add_log(connection, "b", LOG.verifier_key)
        store.add_log(connection, "b", OTHER.verifier_key)
        with pytest.raises(LimitExceeded):
            store.add_log(connection, "c", LOG.verifier_key)
        assert store.read_origins(connection) == ["a", "b"]


def test_r25_a_piece_is_the_same_whenever_we_cosigned_and_whoever_sends_it():
    assert store.piece_of(witnessed(1), DECISION) == store.piece_of(witnessed(2), DECISION)
    assert OWN.name.encode() not in store.piece_of(witnessed(1), DECISION)


def test_r25_each_piece_is_kept_once_and_not_without_end(database, monkeypatch):
    monkeypatch.setattr(store, "EVIDENCE_MAX", 2)
    with database.writing("test") as connection:
        kept = [
            store.keep_piece(connection, "a", reason, piece, 0)
            for reason, piece in (
                ("two-roots", b"1"),
                ("two-roots", b"1"),
                ("two-roots", b"2"),
                ("two-roots", b"3"),
                ("not-shown", b"1"),
            )
        ]
    assert kept == [True, False, True, False, True]
