"""A writer that forgot a rule: whole bytes, whole tree, and the auditor still finds it (N8)."""

from __future__ import annotations

import pytest

import lodestamp
from homes import ALICE, NOW, foreign_claim, foreign_evidence, found_codes
from lodestamp.core.operations import build_cap, build_op, evidence, grant, refutation
from lodestamp.node.fsck import fsck
from lodestamp.node.recorder import batch
from lodestamp.node.recorder.ancestry import Past
from lodestamp.node.recorder.causes import Causes
from lodestamp.node.recorder.chains import Chains


def admit(home, ops) -> None:
    """Record operations that this writer lets in."""
    with lodestamp.open(home) as node:
        answers = [answer for op in ops for answer in node.append([op.wire])]
        assert [str(getattr(each, "status", each)) for each in answers] == ["new"] * len(ops)


def said(home) -> list[str]:
    return [finding.detail for finding in fsck(home).findings]


@pytest.fixture
def blind(monkeypatch):
    """A writer to whom everything is in the past of everything."""
    monkeypatch.setattr(Past, "reached", lambda _past, targets: set(targets))


@pytest.mark.usefixtures("blind")
def test_S6_a_source_beside_the_past_is_found(tmp_path):
    source = foreign_evidence(1)
    admit(tmp_path / "home", [source, foreign_claim((source.op_id,), ())])
    assert found_codes(tmp_path / "home") == {"S9"}
    assert said(tmp_path / "home") == [
        f"{source.op_id} (at /body/derived_from/0) is not in its past"
    ]


@pytest.mark.usefixtures("blind")
def test_S6_a_grant_beside_the_past_is_found(tmp_path):
    cap = build_cap(
        ALICE, audience=ALICE.key_id, commands=["/evidence/create"], predicates=(),
        not_before=NOW, expires_at=NOW + 100, nonce=bytes(16),
    )  # fmt: skip
    granted = build_op(ALICE, "one", "grant", grant(cap), (), NOW, version=2, seq=0)
    body = evidence(source="s", kind="k", content={}, captured_at=NOW)
    acting = build_op(ALICE, "two", "evidence", body, (), NOW, version=2, seq=0, cap=cap.cap_id)
    admit(tmp_path / "home", [granted, acting])
    assert said(tmp_path / "home") == [f"a grant of {cap.cap_id} is not in its past"]
    assert found_codes(tmp_path / "home") == {"S9"}


def test_S6_a_reference_of_another_type_is_found(tmp_path, monkeypatch):
    """S15, S18: a refutation of what may not be refuted, a claim drawn from a refutation."""
    monkeypatch.setattr(
        batch,
        "check_causes",
        lambda op, _past, operations, _grants: Causes(
            tuple(
                operations.find(batch.digest_of_address(each.op_id))
                for each in batch.references(op)
            ),
            None,
        ),
    )
    first = foreign_evidence(1)
    body = refutation(target=first.op_id, reason="r")
    second = build_op(ALICE, "alice", "refutation", body, (first.op_id,), NOW)
    third = foreign_claim((second.op_id,), (second.op_id,))
    admit(tmp_path / "home", [first, second, third])
    assert said(tmp_path / "home") == [
        f"{second.op_id} (at /body/derived_from/0) is of another type"
    ]
    assert found_codes(tmp_path / "home") == {"S9"}


def test_V2_a_gap_in_a_chain_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(Chains, "check_place", lambda *_: None)
    body = evidence(source="s", kind="k", content={}, captured_at=NOW)
    first = build_op(ALICE, "n", "evidence", body, (), NOW, version=2, seq=0)
    gap = build_op(ALICE, "n", "evidence", body, (first.op_id,), NOW, version=2, seq=2)
    beside = build_op(ALICE, "n", "evidence", body, (), NOW, version=2, seq=1)
    admit(tmp_path / "home", [first, gap, beside])
    assert found_codes(tmp_path / "home") == {"S10"}
    assert sorted(said(tmp_path / "home")) == [
        "number 1 of its chain, without number 0 in its past",
        "number 2 of its chain, without number 1 in its past",
    ]


def test_V2_places_beyond_a_gap_are_held_against_each_other_still(tmp_path, monkeypatch):
    """S7: two at one place of a chain whose start is not there."""
    monkeypatch.setattr(Chains, "check_place", lambda *_: None)
    bodies = [evidence(source=s, kind="k", content={}, captured_at=NOW) for s in "ab"]
    ops = [build_op(ALICE, "n", "evidence", each, (), NOW, version=2, seq=9) for each in bodies]
    admit(tmp_path / "home", ops)
    report = fsck(tmp_path / "home")
    assert {finding.code for finding in report.findings} == {"S10"}
    assert report.checked["contradictions"] == 1
