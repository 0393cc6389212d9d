"""The cascade: rules S11 to S13 and S16 to S18, both ways, alone and in bulk."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from lodestamp.core.operations import MemorySource, ProvenanceGraph, Status, refutation, sweep
from lodestamp.errors import RecordError
from lodestamp.node.recorder import accelerated_sweep, best_sweep
from stories import Story


def names(story, *ops):
    graph = story.graph
    return [graph.status(op.op_id).name for op in ops]


def test_s11_a_claim_needs_every_one_of_its_sources():
    story = Story()
    one, other = story.seen(), story.seen()
    both = story.said(one, other)
    further = story.said(both)
    story.refuted(one)
    assert names(story, one, other, both, further) == [
        "REFUTED", "VALID", "SOURCE_INVALID", "SOURCE_INVALID",
    ]  # fmt: skip


def test_s12_s13_refuting_a_refutation_takes_its_effect_and_so_on():
    story = Story()
    claim = story.said(story.seen())
    chain = [story.refuted(claim)]
    expected = [["REFUTED", "VALID"], ["VALID", "INEFFECTIVE"], ["REFUTED", "VALID"]]
    for number in range(3):
        assert names(story, claim, chain[0]) == expected[number]
        chain.append(story.refuted(chain[-1]))


def test_s16_restoring_restores_exactly_what_nothing_else_invalidates():
    story = Story()
    one, other = story.seen(), story.seen()
    alone, both = story.said(one), story.said(one, other)
    first, _second = story.refuted(one), story.refuted(other)
    story.refuted(first)
    assert names(story, one, other, alone, both) == ["VALID", "REFUTED", "VALID", "SOURCE_INVALID"]


def test_s16_two_refutations_of_one_target_must_both_fall():
    story = Story()
    claim = story.said(story.seen())
    first, second = story.refuted(claim), story.refuted(claim)
    story.refuted(first)
    assert names(story, claim) == ["REFUTED"]
    story.refuted(second)
    assert names(story, claim) == ["VALID"]


def test_s17_a_claim_on_an_invalid_source_is_invalid_from_birth_and_can_turn_valid():
    story = Story()
    source = story.seen()
    against = story.refuted(source)
    born = story.said(source)
    assert names(story, born) == ["SOURCE_INVALID"]
    story.refuted(against)
    assert names(story, born) == ["VALID"]


def test_the_lowest_layer_is_told():
    story = Story()
    source = story.seen("stranger")
    claim = story.said(source)
    assert names(story, source, claim) == ["UNAUTHORISED", "SOURCE_INVALID"]
    story.refuted(source)
    story.refuted(claim)
    assert names(story, source, claim) == ["UNAUTHORISED", "REFUTED"]


def test_a_bomb_of_ten_thousand_refutations_costs_each_the_same():
    """One target, 10,000 effective refutations: one counter; the cascade runs once."""
    story = Story()
    source = story.seen()
    story.said(source)
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    for op in story.ops:
        graph.add(op)
    from lodestamp.core.operations import build_op
    from worlds import NOW, signer

    sizes, last = set(), story.ops[-1].op_id
    for number in range(10_000):
        body = refutation(target=source.op_id, reason=str(number))
        op = build_op(signer("root"), "node0", "refutation", body, [last], NOW)
        sizes.add(len(graph.add(op)))
        last = op.op_id
    assert sizes == {3, 1}
    assert graph.counters.hits == {0: 10_000}
    assert graph.why(source.op_id).status is Status.REFUTED


def test_a_chain_far_deeper_than_any_stack_falls_and_rises():
    story = Story()
    top = first = story.seen()
    for _ in range(3_000):
        top = story.said(top, value=1)
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    for op in story.ops:
        graph.add(op)
    against = story.refuted(first)
    assert len(graph.add(against)) == 3_002
    assert len(graph.why(top.op_id).path[0]) == 3_001
    assert len(graph.add(story.refuted(against))) == 3_003
    assert graph.status(top.op_id) is Status.VALID


@pytest.mark.parametrize("bulk", [sweep, accelerated_sweep])
@pytest.mark.parametrize("seed", range(30))
def test_every_bulk_sweep_counts_the_invalid_sources(seed, bulk):
    random = Random(seed)
    size = random.choice((1, 2, 60))
    sources = [
        sorted({random.randrange(n) for _ in range(random.randrange(3))}) if n else []
        for n in range(size)
    ]
    children = [[n for n in range(size) if s in sources[n]] for s in range(size)]
    offsets, edges = array("I", [0]), array("I")
    for each in children:
        edges.extend(each)
        offsets.append(len(edges))
    own = [random.random() < 0.1 for _ in range(size)]
    invalid, expected = [], []
    for n in range(size):
        count = own[n] + sum(invalid[s] for s in sources[n])
        expected.append(count)
        invalid.append(count > 0)
    bad = array("I", [int(each) for each in own])
    fallen = bytearray(size)
    seeds = array("I", [n for n in range(size) if own[n]])
    if seeds:
        bulk(seeds, offsets, edges, bad, fallen)
    assert list(bad) == expected
    assert list(fallen) == [255 * (invalid[n] and not own[n]) for n in range(size)]


def test_the_best_sweep_here_is_the_accelerated_one():
    assert best_sweep() is accelerated_sweep


def test_s18_sources_are_evidence_or_claims_only():
    story = Story()
    against = story.refuted(story.seen())
    claim = story.said(against)
    with pytest.raises(RecordError) as refusal:
        _ = story.graph
    assert refusal.value.code == "wrong-reference-type"
    assert claim.type == "claim"
