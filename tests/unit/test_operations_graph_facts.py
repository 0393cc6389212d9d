"""The default view over valid claims: rule S20."""

from __future__ import annotations

from stories import Story


def shown(story, predicate="prefers.tea", subject="user"):
    return [fact.op_id for fact in story.graph.facts(subject, predicate)]


def test_s20_derived_claims_are_all_shown_while_nobody_says_otherwise():
    story = Story()
    one, other = story.said(story.seen()), story.said(story.seen())
    assert shown(story) == [one.op_id, other.op_id]


def test_s20_a_users_own_word_supersedes_derived_claims_and_leaves_them_valid():
    story = Story()
    derived = story.said(story.seen())
    own = story.said(value="green")
    later = story.said(story.seen())
    (fact,) = story.graph.facts("user", "prefers.tea")
    assert (fact.op_id, fact.object, fact.from_user) == (own.op_id, "green", True)
    assert fact.superseded == (derived.op_id, later.op_id)
    assert [story.status(derived), story.status(later)] == ["VALID", "VALID"]


def test_s20_the_causally_latest_word_wins_and_concurrent_ones_are_all_shown():
    story = Story(replicas=2)
    story.said(at=0)
    story.sync(0, 1)
    left, right = story.said(at=0), story.said(at=1)
    assert set(shown(story)) == {left.op_id, right.op_id}
    story.sync(1, 0)
    last = story.said(at=0, ts=1)
    assert shown(story) == [last.op_id]


def test_s20_a_word_without_authority_or_refuted_supersedes_nothing():
    story = Story()
    derived = story.said(story.seen())
    story.said(who="stranger")
    own = story.said()
    story.refuted(own)
    assert shown(story) == [derived.op_id]


def test_facts_are_told_by_predicate_and_other_subjects_are_left_out():
    story = Story()
    tea, home = story.said(), story.said(predicate="lives.in")
    story.said(subject="house")
    assert [fact.op_id for fact in story.graph.facts("user")] == [home.op_id, tea.op_id]
    assert story.graph.facts("nobody") == []
