"""Chains that fork: rule S7."""

from __future__ import annotations

from random import Random

import pytest

from lodestamp.core.operations import MemorySource, ProvenanceGraph, confirm, in_order
from stories import ROOT, Story

SAME = ["phone", "phone"]


def forked(version, length=2):
    """Two replicas of one author write under one label, after a shared beginning."""
    story = Story(replicas=2, nodes=SAME)
    shared = story.seen(version=version)
    story.sync(0, 1)
    left = [story.seen(at=0, version=version) for _ in range(length)]
    right = [story.seen(at=1, version=version) for _ in range(length)]
    return story, shared, left, right


def keep(story, op, who="root", at=0, **named):
    body = {"author": op.author, "node": op.node, **named}
    body = confirm(keep=op.op_id, reason="this one", **body)
    return story.write(at, who, "confirm", body, version=2, node="desk")


def lacks(story, *ops):
    return [story.lack(op) for op in ops]


@pytest.mark.parametrize("version", [1, 2])
def test_s7_what_comes_after_a_fork_lacks_authority_whatever_came_first(version):
    story, shared, left, right = forked(version)
    expected = ["", "", "equivocation", "", "equivocation"]
    assert lacks(story, shared, *left, *right) == expected
    story.ops = [shared, *right, *left]
    assert lacks(story, shared, *left, *right) == expected


@pytest.mark.parametrize("version", [1, 2])
def test_s7_the_operations_at_the_fork_are_the_proof(version):
    story, _shared, left, right = forked(version)
    (proof,) = story.graph.equivocations()
    assert {op.op_id for op in proof} == {left[0].op_id, right[0].op_id}
    assert len({(op.author, op.node) for op in proof}) == 1
    assert story.graph.columns.op_id(0) not in {op.op_id for op in proof}


@pytest.mark.parametrize("version", [1, 2])
def test_s7_a_root_confirms_which_branch_goes_on(version):
    story, shared, left, right = forked(version, length=3)
    story.sync(1, 0)
    keep(story, left[1])
    after = story.seen(version=version, seq=left[2].seq and left[2].seq + 1)
    assert lacks(story, shared, *left, *right) == [
        "",
        "",
        "",
        "",
        "",
        "equivocation",
        "equivocation",
    ]
    assert story.lack(after) == ""


def test_s7_only_a_root_confirms_and_only_what_is_of_that_chain():
    story, _shared, left, _right = forked(2)
    story.sync(1, 0)
    assert story.lack(keep(story, left[1], who="stranger")) == "no-authority"
    assert story.lack(keep(story, left[1], node="tablet")) == "no-authority"
    assert story.lack(left[1]) == "equivocation"


def test_s7_the_same_number_twice_in_one_line_is_a_fork_too():
    story = Story()
    story.seen(version=2)
    first = story.seen(version=2)
    again = story.seen(version=2, seq=1)
    after = story.seen(version=2)
    assert lacks(story, first, again, after) == ["", "", "equivocation"]


def test_s7_a_second_fork_after_a_confirmation_needs_another():
    story, _shared, left, _right = forked(2)
    story.sync(1, 0)
    keep(story, left[1])
    story.sync(0, 1)
    one, other = story.seen(at=0, version=2), story.seen(at=1, version=2)
    later = story.seen(at=0, version=2)
    assert lacks(story, left[1], one, other, later) == ["", "", "", "equivocation"]
    story.sync(1, 0)
    keep(story, later)
    assert lacks(story, later) == [""]


def test_s7_a_revocation_after_a_fork_has_no_effect_either():
    story = Story(replicas=2, nodes=SAME)
    cap = story.cap()
    granted = story.granted(cap)
    story.sync(0, 1)
    story.seen(at=1, version=2)
    story.seen(at=0, version=2)
    revoked = story.revoked(cap, version=2)
    assert [story.lack(revoked), story.status(granted)] == ["equivocation", "VALID"]
    story.sync(1, 0)
    keep(story, revoked)
    assert [story.lack(revoked), story.status(granted)] == ["", "REVOKED"]


def test_the_chains_of_two_authors_labels_or_versions_are_apart():
    story = Story(replicas=2, nodes=["phone", "desk"])
    story.seen(at=0)
    story.seen(at=1)
    story.seen("agent", at=0)
    story.seen(at=1, version=2)
    assert story.graph.equivocations() == []
    assert ROOT in story.roots


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("seed", range(20))
def test_s7_a_chain_of_many_branches_is_the_same_step_by_step_and_at_once(seed, version):
    random = Random(seed)
    story = Story(replicas=6, nodes=["phone"] * 6)
    story.seen(version=version)
    for number in range(1, 6):
        story.sync(0, number)
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    for _ in range(40):
        at = random.randrange(6)
        if random.random() < 0.2:
            story.sync(random.randrange(6), at)
        if random.random() < 0.05:
            keep(story, story.by_id[random.choice(sorted(story.known[at]))], at=at)
        story.seen(at=at, version=version)
    random.shuffle(story.ops)
    for op in in_order(story.ops):
        graph.add(op)
        assert bytes(graph.statuses()) == bytes(graph.as_of(len(graph)).statuses())
    assert any(fork[0].node == "phone" for fork in graph.equivocations())
