"""What a node answers about its state, and what deciding leaves in the log (S10-S20, S29, §9)."""

from __future__ import annotations

import time

import pytest

import lodestamp
from homes import ALICE, NOW, assert_clean, audited_node, foreign_evidence, reading
from lodestamp.core.operations import Status, build_op, grant, receipt, refutation
from lodestamp.core.operations import build_cap as cap_of
from lodestamp.errors import OpError, UnknownOperation, UsageError
from lodestamp.node import live_graph

INTENT = {
    "action": "book a table",
    "reasoning": "she likes tea",
    "alternatives": ["ask first", "do nothing"],
    "risk": "high",
    "model": {"name": "assistant", "version": "1"},
    "inputs": [],
    "period": {"start": NOW},
    "requires_review": True,
}
OUTCOME = {
    "result": "done",
    "summary": "booked for four",
    "outputs": [],
    "period": {"start": NOW, "end": NOW + 60},
}


@pytest.fixture
def node(tmp_path):
    with audited_node(tmp_path / "home") as node:
        yield node


def drawn_from(node, *sources, value=True):
    return node.claim(
        subject="ada",
        predicate="prefers.tea",
        object=value,
        derived_from=[each.op_id for each in sources],
        deriver="reader/1",
        rationale="read there",
    )


def test_S11_what_rests_on_a_refuted_evidence_falls_and_S16_comes_back(node):
    seen = node.record(**reading(1))
    first = drawn_from(node, seen)
    second = drawn_from(node, first)
    would = [change.op_id for change in node.affected(seen.op_id)]
    fallen = node.refute(seen.op_id, reason="somebody else's")
    assert [change.op_id for change in fallen.affected] == would
    assert would == [seen.op_id, first.op_id, second.op_id]
    assert node.status(second.op_id) is Status.SOURCE_INVALID
    why = node.why(second.op_id)
    assert why.causes == (fallen.op_id,)
    assert why.path == ((second.op_id, first.op_id, seen.op_id),)
    node.refute(fallen.op_id, reason="it was hers after all")
    assert node.status(second.op_id) is Status.VALID


def test_S17_a_claim_on_an_invalid_source_is_invalid_from_birth(node):
    seen = node.record(**reading(1))
    fallen = node.refute(seen.op_id, reason="no")
    late = drawn_from(node, seen)
    assert node.status(late.op_id) is Status.SOURCE_INVALID
    node.refute(fallen.op_id, reason="yes")
    assert node.status(late.op_id) is Status.VALID


def test_S14_a_refutation_by_somebody_without_the_right_changes_nothing(node):
    node.identities.new(alias="stranger")
    seen = node.record(**reading(1))
    node.author_as("stranger")
    disputed = node.refute(seen.op_id, reason="I say no")
    assert disputed.affected == ()
    assert node.status(disputed.op_id) is Status.INEFFECTIVE
    assert node.status(seen.op_id) is Status.VALID


def test_S15_what_cannot_be_refuted_is_refused_before_it_is_recorded(node):
    given = node.grant(ALICE.key_id, predicates=["a"], expires_at=int(time.time()) + 60)
    for refused in (
        lambda: node.refute(given.op_id, reason="no"),
        lambda: node.affected(given.op_id),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert caught.value.code == "not-refutable"
    with pytest.raises(lodestamp.LodestampError) as caught:
        node.refute_future(given.op_id, reason="no").result()
    assert caught.value.code == "not-refutable"


def test_S20_a_users_own_word_stands_in_front_of_what_was_derived(node):
    derived = drawn_from(node, node.record(**reading(1)))
    own = node.claim(subject="ada", predicate="prefers.tea", object=False, rationale="I know")
    assert own.superseded == (derived.op_id,)
    [fact] = node.facts("ada", "prefers.tea")
    assert (fact.op_id, fact.object, fact.from_user) == (own.op_id, False, True)
    assert node.status(derived.op_id) is Status.VALID
    newer = node.claim(subject="ada", predicate="prefers.tea", object=True, rationale="again")
    assert newer.superseded == (derived.op_id, own.op_id)


def test_the_past_can_be_asked_and_not_changed(node):
    seen = node.record(**reading(1))
    fallen = node.refute(seen.op_id, reason="no")
    past = node.as_of(fallen.log_index)
    assert past.status(seen.op_id) is Status.VALID
    assert not hasattr(past, "record")
    assert [each.listed.op_id for each in past.ops().operations] == [seen.op_id]
    for ask in (past.status, past.op, past.why, past.entry):
        with pytest.raises(UnknownOperation):
            ask(fallen.op_id)
    with pytest.raises(UsageError):
        node.as_of(3)
    assert past.state_digest() != node.state_digest()


def test_operations_are_listed_page_by_page(node):
    for number in range(3):
        drawn_from(node, node.record(**reading(number)))
    first = node.ops(limit=4)
    assert [each.listed.log_index for each in first.operations] == [0, 1, 2, 3]
    rest = node.ops(limit=4, after=first.next)
    assert [each.listed.log_index for each in rest.operations] == [4, 5]
    assert rest.next is None
    claims = node.ops(type="claim", predicate="prefers.tea", author=node.key_id, limit=2)
    assert [each.listed.log_index for each in claims.operations] == [1, 3]
    assert [each.listed.log_index for each in node.ops(predicate="none").operations] == []
    for wrong in ({"type": "nonsense"}, {"limit": 0}, {"limit": 501}):
        with pytest.raises(UsageError):
            node.ops(**wrong)


def test_the_graph_goes_up_and_down(node):
    seen = node.record(**reading(1))
    first = drawn_from(node, seen)
    second = drawn_from(node, first, seen)
    up = node.graph(second.op_id)
    assert [each.listed.op_id for each in up.nodes] == [second.op_id, seen.op_id, first.op_id]
    assert set(up.edges) == {
        (second.op_id, seen.op_id),
        (second.op_id, first.op_id),
        (first.op_id, seen.op_id),
    }
    down = node.graph(seen.op_id, up=False, depth=1)
    assert {each.listed.op_id for each in down.nodes} == {seen.op_id, first.op_id, second.op_id}


def test_the_graph_takes_in_what_another_opening_of_the_home_wrote(tmp_path):
    with lodestamp.open(tmp_path / "home") as one, lodestamp.open(tmp_path / "home") as other:
        seen = one.record(**reading(1))
        assert other.status(seen.op_id) is Status.VALID
        one.refute(seen.op_id, reason="no")
        assert other.status(seen.op_id) is Status.REFUTED
        assert one.state_digest() == other.state_digest()
    assert_clean(tmp_path / "home")


def test_the_graph_is_the_same_from_the_cache_and_after_other_roots(tmp_path, monkeypatch):
    """S1: grown, loaded from the cache, and swept anew give one digest; other roots another."""
    monkeypatch.setattr(live_graph, "CACHE_LAG_MAX", 2)
    with lodestamp.open(tmp_path / "home") as node:
        seen = node.record(**reading(1))
        drawn_from(node, seen)
        grown = node.state_digest()
        node.refute(seen.op_id, reason="no")
        refuted = node.state_digest()
        assert grown != refuted
    with lodestamp.open(tmp_path / "home") as node:
        assert node.state_digest() == refuted
        with lodestamp.open(tmp_path / "home", roots=[ALICE.key_id]):
            assert node.status(seen.op_id) is Status.UNAUTHORISED
    assert_clean(tmp_path / "home")


def test_a_decision_is_open_then_unreviewed_then_done(node):
    """D-2, D-3: and a rejection refutes nothing by itself."""
    decided = node.decide(INTENT)
    assert decided.state == "open"
    assert not node.decisions()[0].overdue
    assert node.decisions(int(time.time()) + 3_700)[0].overdue
    concluded = node.conclude(decided.op_id, OUTCOME)
    assert concluded.state == "unreviewed"
    reviewed = node.review(concluded.op_id, verdict="rejected", note="ask me first")
    assert reviewed.state == "done"
    assert node.status(concluded.op_id) is Status.VALID
    fallen = node.refute(decided.op_id, reason="never intended")
    assert len(fallen.affected) == 3
    assert node.decisions()[0].state == "open"


@pytest.mark.parametrize(
    "changed",
    [{"risk": "enormous"}, {"surprise": 1}, {"alternatives": "one"}, {"action": ""}],
)
def test_D4_a_decision_outside_the_schema_is_refused_when_authored(node, changed):
    with pytest.raises(OpError) as caught:
        node.decide(INTENT | changed)
    assert caught.value.code == "malformed-decision"


def test_D1_an_outcome_needs_an_intent_and_a_review_an_outcome(node):
    seen = node.record(**reading(1))
    for refused in (
        lambda: node.conclude(seen.op_id, OUTCOME),
        lambda: node.review(seen.op_id, verdict="approved"),
        lambda: node.review(drawn_from(node, seen).op_id, verdict="approved"),
    ):
        with pytest.raises(OpError) as caught:
            refused()
        assert caught.value.code == "malformed-decision"


@pytest.mark.parametrize(
    ("count", "status"), [(1, "incomplete"), (2, "acknowledged"), (3, "unknown-attestations")]
)
def test_S29_a_receipt_that_lies_about_its_count_is_told(tmp_path, count, status):
    """S29, S30: fewer than were shown, as many, more than there were; a replay counts nowhere."""
    with audited_node(tmp_path / "home") as node:
        claimed = drawn_from(node, node.record(**reading(1)))
        ends = int(time.time()) + 3_600
        given = node.grant(ALICE.key_id, predicates=["prefers.*"], expires_at=ends)
        other = node.grant(ALICE.key_id, predicates=["prefers.*"], expires_at=ends)
        for _ in range(2):
            node.attest(given.cap_id, claimed.op_id)
        revoked = node.revoke(given.cap_id, reason="over")
        node.revoke(other.cap_id, reason="over")
        told = {"cap_id": given.cap_id, "revocation_op": revoked.op_id}
        body = receipt(**told, purged_attestations=count, statement="gone")
        op = _signed("receipt", body, [revoked.op_id], 0)
        replayed = receipt(
            cap_id=other.cap_id, revocation_op=revoked.op_id, purged_attestations=0, statement="x"
        )
        again = _signed("receipt", replayed, [op.op_id], 1)
        assert [answer.status for answer in node.append([op.wire, again.wire])] == ["new", "new"]
        report = node.revocation_report(given.cap_id)
        assert report.status == status
        assert node.revocation_report(other.cap_id).status == "requested"
        assert [each.code for each in node.why(again.op_id).missing_authority] == ["bad-receipt"]


def _signed(type_, body, prev, seq):
    now = int(time.time())
    return build_op(ALICE, "theirs", type_, body, prev, now, version=2, seq=seq)


def test_a_back_dated_operation_after_a_revocation_is_refused_its_effect(tmp_path):
    """S31: what has the revocation in its past is revoked, whatever time it claims."""
    with audited_node(tmp_path / "home") as node:
        now = int(time.time())
        given = node.grant(
            ALICE.key_id, predicates=["*"], commands=["/refute"], expires_at=now + 3_600
        )
        seen = node.record(**reading(1))
        revoked = node.revoke(given.cap_id, reason="over")
        body = refutation(target=seen.op_id, reason="before it was over, I swear")
        op = build_op(
            ALICE, "a", "refutation", body, [revoked.op_id], now, version=2, seq=0, cap=given.cap_id
        )
        node.append([op.wire])
        assert [each.code for each in node.why(op.op_id).missing_authority] == ["revoked"]
        assert node.status(seen.op_id) is Status.VALID


def test_S21_a_strangers_grant_is_kept_and_gives_nothing(node):
    """S21: neither root nor chain."""
    foreign = foreign_evidence(1)
    cap = cap_of(
        ALICE,
        audience=ALICE.key_id,
        predicates=["*"],
        not_before=NOW,
        expires_at=NOW + 10**9,
        commands=["/evidence/create"],
        nonce=bytes(16),
    )
    given = build_op(ALICE, "g", "grant", grant(cap), [], NOW, version=2, seq=0)
    node.append([foreign.wire, given.wire])
    assert [each.code for each in node.why(given.op_id).missing_authority] == ["bad-issuer"]
    assert [each.code for each in node.why(foreign.op_id).missing_authority] == ["no-authority"]
