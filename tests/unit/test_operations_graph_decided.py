"""What became of decisions: rules D-2 and D-3, and D-1 and D-4 for what others wrote."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import Intent, Outcome, Review, claim, decision_records, evidence
from stories import ROOT, Story
from worlds import NOW

WORDS = {"deriver": "agent/7", "rationale": "r"}


def intended(story, risk="high", *, requires_review=True):
    intent = Intent(
        "agent/7", "reply", "asked to", alternatives=("wait",), risk=risk,
        model={"name": "m", "version": "1"}, start=NOW, requires_review=requires_review,
    )  # fmt: skip
    return story.write(0, "root", "evidence", intent.body(captured_at=NOW), ts=NOW)


def concluded(story, intent):
    outcome = Outcome("agent/7", "done", "sent", NOW, NOW + 1, 9_000, (intent.op_id,))
    body = outcome.body(intents=[intent.op_id], **WORDS)
    return story.write(0, "root", "claim", body)


def reviewed(story, outcome):
    review = Review("agent/7", outcome.op_id, "rejected", ROOT, "no")
    return story.write(0, "root", "claim", review.body(**WORDS))


def record(story, intent, at=NOW + 10):
    (found,) = decision_records(story.graph, [op.op_id for op in story.ops], at)
    assert found.intent == intent.op_id
    return found


def test_d2_an_intent_without_outcome_is_open_and_after_an_hour_overdue():
    story = Story()
    intent = intended(story)
    ages = [record(story, intent, at=NOW + age) for age in (3_600, 3_601)]
    assert [(each.state, each.overdue) for each in ages] == [("open", False), ("open", True)]


def test_d2_a_refuted_outcome_leaves_it_open():
    story = Story()
    intent = intended(story)
    outcome = concluded(story, intent)
    story.refuted(outcome)
    assert record(story, intent).state == "open"


@pytest.mark.parametrize(
    ("risk", "asked", "state"),
    [
        ("high", True, "unreviewed"),
        ("critical", True, "unreviewed"),
        ("medium", True, "done"),
        ("critical", False, "done"),
    ],
)
def test_d3_a_grave_decision_waits_for_its_review(risk, asked, state):
    story = Story()
    intent = intended(story, risk, requires_review=asked)
    outcome = concluded(story, intent)
    assert record(story, intent).state == state
    review = reviewed(story, outcome)
    found = record(story, intent)
    assert (found.state, found.outcomes, found.reviews) == (
        "done", (outcome.op_id,), (review.op_id,),
    )  # fmt: skip
    assert story.status(outcome) == "VALID"


def test_d1_d4_what_is_malformed_counts_for_nothing_and_is_listed():
    story = Story()
    body = evidence(
        source="a", kind="lodestamp.decision.intent/1", content={"action": 1}, captured_at=NOW
    )
    bad = story.write(0, "root", "evidence", body)
    assert (record(story, bad).state, record(story, bad).malformed) == (
        "malformed-decision", (bad.op_id,),
    )  # fmt: skip
    story = Story()
    intent = intended(story)
    wrong = claim(
        subject="a", predicate="lodestamp.decision.outcome/1", object={"result": "maybe"},
        confidence_bp=1, derived_from=[intent.op_id], **WORDS,
    )  # fmt: skip
    foreign = story.write(0, "root", "claim", wrong)
    found = record(story, intent)
    assert (found.state, found.malformed) == ("open", (foreign.op_id,))
    outcome = concluded(story, intent)
    wrong = claim(
        subject="a", predicate="lodestamp.decision.review/1", object={}, confidence_bp=1,
        derived_from=[outcome.op_id], **WORDS,
    )  # fmt: skip
    blank = story.write(0, "root", "claim", wrong)
    found = record(story, intent)
    assert (found.state, found.malformed) == ("unreviewed", (foreign.op_id, blank.op_id))
