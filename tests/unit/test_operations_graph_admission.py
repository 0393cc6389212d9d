"""What a log must hold before it takes an operation: rules S2, S5, S6, S8, S9, S15, V2."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import (
    MemorySource,
    ProvenanceGraph,
    build_op,
    claim,
    evidence,
    notice,
)
from lodestamp.errors import CausalError, EncodingError, RecordError
from stories import AGENT, Story
from worlds import NOW, signer


def graph_of(story, ops=None):
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    for op in story.ops if ops is None else ops:
        graph.add(op)
    return graph


def refusal(graph, op):
    before = (len(graph), graph.digest(), graph.heads())
    with pytest.raises(RecordError) as caught:
        graph.add(op)
    assert (len(graph), graph.digest(), graph.heads()) == before
    return caught.value


def test_s2_s8_a_missing_parent_is_told_by_its_id_and_nothing_is_applied():
    story = Story()
    first, second = story.seen(), story.seen()
    error = refusal(graph_of(story, []), second)
    assert isinstance(error, CausalError)
    assert error.missing == (first.op_id,)


def test_s4_adding_again_changes_nothing():
    story = Story()
    first = story.seen()
    graph = graph_of(story)
    assert len(graph.add(first)) == 0
    assert len(graph) == 1


def test_s5_heads_are_what_nobody_names_and_a_new_operation_names_at_most_32():
    story = Story(replicas=40)
    ops = [story.seen(at=number) for number in range(40)]
    graph = graph_of(story)
    assert graph.heads() == [op.op_id for op in reversed(ops)]
    assert graph.next_prev() == [op.op_id for op in reversed(ops[8:])]
    story.sync(39, 0)
    graph.add(story.seen(at=0))
    assert set(graph.heads()) == {story.ops[-1].op_id, *(op.op_id for op in ops[1:39])}


def test_s6_a_source_that_is_no_ancestor_is_refused():
    story = Story(replicas=2)
    elsewhere = story.seen(at=1)
    story.seen(at=0)
    claim = story.said(elsewhere, at=0)
    assert refusal(graph_of(story, story.ops[:2]), claim).code == "missing-causal-reference"


def test_s6_a_source_nobody_has_is_refused():
    story = Story()
    story.seen()
    body = claim(
        subject="s", predicate="p", object=1, confidence_bp=1, derived_from=["sha256:" + "0" * 64],
        deriver="d", rationale="r",
    )  # fmt: skip
    unknown = story.write(0, "root", "claim", body)
    assert refusal(graph_of(story, story.ops[:1]), unknown).code == "missing-causal-reference"


def test_s6_the_grant_of_what_is_acted_under_is_an_ancestor():
    story = Story(replicas=2)
    cap = story.cap()
    story.granted(cap, at=1)
    acting = story.seen("agent", at=0, version=2, cap=cap.cap_id)
    assert refusal(graph_of(story, story.ops[:1]), acting).code == "missing-causal-reference"
    alone = Story()
    told = alone.said()
    shown = alone.shown(told, cap)
    assert refusal(graph_of(alone, [told]), shown).code == "missing-causal-reference"


@pytest.mark.parametrize("kind", ["grant", "revocation", "attestation", "receipt", "notice"])
def test_s15_what_is_not_evidence_claim_or_refutation_cannot_be_refuted(kind):
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    granted = story.granted(cap)
    shown = story.shown(story.said(), cap)
    body = notice(attestation_op=shown.op_id, state="stale", audience=AGENT)
    noticed = story.write(0, "root", "notice", body, version=2)
    revoked = story.revoked(cap)
    received = story.received(cap, revoked, 1)
    targets = {op.type: op for op in (granted, revoked, shown, received, noticed)}
    against = story.refuted(targets[kind])
    assert refusal(graph_of(story, story.ops[:-1]), against).code == "not-refutable"


def test_s6_a_reference_of_another_type_is_refused():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    revoked = story.revoked(cap)
    body = notice(attestation_op=revoked.op_id, state="stale", audience=AGENT)
    wrong = story.write(0, "root", "notice", body, version=2)
    assert refusal(graph_of(story, story.ops[:-1]), wrong).code == "wrong-reference-type"


@pytest.mark.parametrize("seq", [1, 2, 7, 2**53 - 1])
def test_v2_a_gap_in_a_chain_is_refused(seq):
    story = Story()
    first = story.seen(version=2)
    body = evidence(source="s", kind="k", content={}, captured_at=0)
    gap = build_op(
        signer("root"), "node0", "evidence", body, [first.op_id], NOW, version=2, seq=seq
    )
    if seq == 1:
        assert len(graph_of(story).add(gap)) == 1
        return
    assert refusal(graph_of(story), gap).code == "seq-gap"


def test_v2_the_number_before_must_be_in_the_past_not_merely_there():
    story = Story(replicas=2, nodes=["phone", "phone"])
    story.seen(at=0, version=2)
    skipped = story.seen(at=1, version=2, seq=1)
    assert refusal(graph_of(story, story.ops[:1]), skipped).code == "seq-gap"


def test_s9_a_clock_far_behind_a_parent_is_remarked():
    story = Story()
    story.seen(ts=NOW)
    near, far = story.seen(ts=NOW - 120), story.seen(ts=NOW - 241)
    graph = graph_of(story)
    assert [graph.clock_behind(near.op_id), graph.clock_behind(far.op_id)] == [False, True]
    assert story.status(far) == "VALID"


def test_asking_for_what_is_not_held_or_no_id_is_a_typed_error():
    graph = graph_of(Story())
    for ask in (graph.status, graph.why, graph.cascade, graph.sources, graph.derived):
        with pytest.raises(CausalError):
            ask("sha256:" + "0" * 64)
        with pytest.raises(EncodingError):
            ask("sha256:")
