"""Erasing bodies: not a byte is left, and what remains verifies (S3, S28, S33)."""

from __future__ import annotations

import sqlite3

import pytest

import lodestamp
from homes import assert_clean, audited_node, found_codes, reading
from lodestamp.errors import RecordError, StoreError, UnknownOperation
from lodestamp.node.storage import sqlite as storage

WORD = "the-word-that-must-go"


def _bytes_of(home) -> bytes:
    return b"".join(
        (home / name).read_bytes()
        for name in ("lodestamp.db", "lodestamp.db-wal")
        if (home / name).exists()
    )


def test_no_byte_of_an_erased_body_is_left_while_the_home_is_open(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        before = [node.record(**reading(n)).op_id for n in range(20)]
        gone = [
            node.record(source="s", kind="k", content={"n": n, "word": WORD * 500}).op_id
            for n in range(5)
        ]
        proof = node.prove(before[3])
        assert WORD.encode() in _bytes_of(home)
        assert node.purge(gone) == 5
        assert WORD.encode() not in _bytes_of(home)
        assert node.purge(gone) == 0
        assert lodestamp.verify(proof).leg("log").status == lodestamp.Status.ESTABLISHED
        with pytest.raises(RecordError) as refused:
            node.op(gone[0])
        assert refused.value.code == "purged"
        assert node.inclusion(before[0])[0].index == 0
        after = node.record(**reading(99))
        assert node.prove(after.op_id).log.size == 26


def test_a_log_whose_newest_body_is_erased_opens(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.purge([node.record(**reading(1)).op_id])
    with audited_node(tmp_path / "home") as node:
        assert node.record(**reading(2)).log_index == 1


def test_an_erased_operation_stays_known(tmp_path):
    """S4: it is not taken in again."""
    with audited_node(tmp_path / "home") as node:
        recorded = node.record(**reading(1))
        wire = node.op(recorded.op_id).wire
        node.purge([recorded.op_id])
        assert node.append([wire])[0].status == "known"
        assert b"reading" not in _bytes_of(tmp_path / "home")


def test_what_decides_authority_and_what_is_unknown_stay(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.identities.new()
        carrier = node.identities.resolve(node.identities.all()[0].did).op_id
        kept = node.record(**reading(1)).op_id
        with pytest.raises(RecordError) as refused:
            node.purge([kept, carrier])
        assert refused.value.code == "not-purgeable"
        with pytest.raises(UnknownOperation):
            node.purge([kept, "sha256:" + "0" * 64])
        assert node.op(kept)


def test_a_reader_that_keeps_old_pages_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_PRAGMAS", (*storage._PRAGMAS[:-1], "PRAGMA busy_timeout=100"))
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        recorded = node.record(source="s", kind="k", content={"word": WORD})
        reader = sqlite3.connect(home / "lodestamp.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM operation").fetchone()
        with pytest.raises(StoreError) as refused:
            node.purge([recorded.op_id])
        assert refused.value.code == "log-busy"
        reader.close()
        assert node.purge([recorded.op_id]) == 0
        assert WORD.encode() not in _bytes_of(home)
    assert_clean(home)


def test_a_body_that_is_gone_without_a_purge_is_damage(tmp_path):
    with audited_node(tmp_path / "home") as node:
        for number in range(3):
            node.record(**reading(number))
    with sqlite3.connect(tmp_path / "home/lodestamp.db") as database:
        database.execute("UPDATE operation SET raw = NULL WHERE seq = 1")
    assert found_codes(tmp_path / "home") == {"A2"}


def test_s33_erasing_changes_no_standing_though_the_home_is_opened_anew(tmp_path):
    """S35 too: a log that erased bodies has the state of one that did not."""
    home = tmp_path / "home"
    with audited_node(home) as node:
        agent = node.identities.new(entity="agent", alias="agent")
        cap = node.grant(
            agent.did,
            predicates=["prefers.*"],
            commands=["/claim/create", "/evidence/create", "/refute"],
            expires_at=4_000_000_000,
        )
        own = node.claim(subject="ada", predicate="prefers.tea", object=True, rationale="I say so.")
        shown = node.grant(agent.did, predicates=["prefers.*"], expires_at=4_000_000_000)
        attested = node.attest(shown.cap_id, own.op_id)
    with lodestamp.open(home, author="agent", cap=cap.cap_id) as node:
        seen = node.record(source="calendar", kind="event", content={"title": "Tea"})
        said = {"subject": "ada", "object": True, "rationale": "Fridays", "deriver": "model/1"}
        drawn = node.claim(predicate="prefers.tea", derived_from=[seen.op_id], **said)
        beyond = node.claim(predicate="owns.car", derived_from=[seen.op_id], **said)
        refuted = node.refute(drawn.op_id, reason="no")
    everything = [own, attested, seen, drawn, beyond, refuted]

    def states(node):
        found = [node.status(each.op_id).word for each in everything]
        return found, node.state_digest()

    with audited_node(home) as node:
        before = states(node)
        assert {"valid", "refuted", "unauthorised"} <= set(before[0])
        node.purge([each.op_id for each in (own, seen, drawn, beyond, attested)])
        assert states(node) == before
    with audited_node(home) as node:
        assert states(node) == before
