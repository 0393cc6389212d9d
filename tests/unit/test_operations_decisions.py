"""Decision records: intent, outcome, review, and the rules D-1, D-4 and D-5."""

from __future__ import annotations

import dataclasses

import pytest

from lodestamp.core.encoding import address_of, content_address
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    Committed,
    Intent,
    Outcome,
    Review,
    build_op,
    claim,
    evidence,
    parse_op,
)
from lodestamp.errors import OpError

SIGNER = SigningKey.from_seed("ed25519", bytes(32))
INTENT_OP, OTHER_OP = address_of(b"intent"), address_of(b"other")
GIVEN = Committed.to("mail", "sha256:00", salt=bytes(32))
INTENT = Intent(
    agent="agent/7", action="reply", reasoning="asked to", alternatives=("wait", "ask", "act"),
    risk="high", model={"name": "m", "version": "1", "digest": "d"}, start=5, inputs=(GIVEN,),
    requires_review=True, policy={"cid": "b", "version": "2"}, on_behalf_of=OTHER_OP, session="s",
    trace_id="0" * 32, span_id="f" * 16, reference_database="r",
)  # fmt: skip
OUTCOME = Outcome(
    agent="agent/7", result="failed", summary="no", start=5, end=9, confidence_bp=7,
    derived_from=(INTENT_OP, OTHER_OP), outputs=(GIVEN,), error="timeout",
)  # fmt: skip
REVIEW = Review("agent/7", OTHER_OP, "rejected", SIGNER.key_id, "too late")
WORDS = {"deriver": "agent/7", "rationale": "done"}


CLAIMED = REVIEW.body(**WORDS)


def op_of(kind, body):
    return build_op(SIGNER, "n", kind, body, (), 9)


def parsed(record, body, **known):
    return record.parse(op_of("evidence" if record is Intent else "claim", body), **known)


def refusal_of(call, *args, **kwargs):
    with pytest.raises(OpError) as refusal:
        call(*args, **kwargs)
    return refusal.value.code, refusal.value.at


def test_records_are_bodies_that_a_log_accepts_and_read_back():
    bodies = {
        "intent": ("evidence", INTENT.body(captured_at=6)),
        "outcome": ("claim", OUTCOME.body(intents=[INTENT_OP], **WORDS)),
        "review": ("claim", REVIEW.body(**WORDS)),
    }
    read = {name: parse_op(op_of(*each).wire).body for name, each in bodies.items()}
    assert parsed(Intent, read["intent"]) == INTENT
    assert parsed(Outcome, read["outcome"], intents=[INTENT_OP]) == OUTCOME
    assert parsed(Review, read["review"]) == REVIEW


def test_optional_members_are_left_out():
    bare = Intent("a", "b", "c", (), "low", {"name": "m", "version": "1"}, 5)
    body = bare.body(captured_at=5)
    assert set(body["content"]) == {
        "action", "reasoning", "alternatives", "risk", "model", "inputs", "period",
        "requires_review",
    }  # fmt: skip
    assert parsed(Intent, body) == bare


def test_d5_alternatives_keep_their_order():
    for order in (("b", "a"), ("a", "b")):
        intent = dataclasses.replace(INTENT, alternatives=order)
        assert intent.body(captured_at=5)["content"]["alternatives"] == list(order)
        assert parsed(Intent, intent.body(captured_at=5)).alternatives == order


def test_d1_an_outcome_derives_from_an_intent():
    malformed = ("malformed-decision", "/body/derived_from")
    body = OUTCOME.body(intents=[INTENT_OP], **WORDS)
    assert refusal_of(OUTCOME.body, intents=[address_of(b"x")], **WORDS) == malformed
    assert refusal_of(parsed, Outcome, body, intents=[]) == malformed


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"mood": "x"}, "mood"), ({"action": ""}, "action"), ({"risk": "some"}, "risk"),
        ({"risk": None}, "risk"), ({"alternatives": "x"}, "alternatives"),
        ({"alternatives": ["a", 1]}, "alternatives/1"), ({"model": {}}, "model/name"),
        ({"model": {"name": "m", "version": 1}}, "model/version"),
        ({"inputs": [{"name": "x"}]}, "inputs/0/commitment"),
        ({"inputs": [{"name": "x", "commitment": "y"}]}, "inputs/0/commitment"),
        ({"trace_id": "0" * 31}, "trace_id"), ({"trace_id": "A" * 32}, "trace_id"),
        ({"span_id": "0" * 16 + "\n"}, "span_id"), ({"period": {}}, "period/start"),
        ({"period": {"start": 1, "end": 2}}, "period/end"), ({"requires_review": 1},
        "requires_review"), ({"on_behalf_of": "me"}, "on_behalf_of"), ({"policy": "x"}, "policy"),
        ({"session": None}, "session"),
    ],
)  # fmt: skip
def test_d4_an_intent_has_no_unknown_or_mistyped_member(change, at):
    content = INTENT.body(captured_at=5)["content"] | change
    body = evidence(source="a", kind="lodestamp.decision.intent/1", content=content, captured_at=5)
    assert refusal_of(parsed, Intent, body) == ("malformed-decision", f"/body/content/{at}")


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"result": "won"}, "result"), ({"x": 1}, "x"), ({"summary": 1}, "summary"),
        ({"period": {"start": 1}}, "period/end"), ({"outputs": None}, "outputs"),
        ({"error": ""}, "error"),
    ],
)  # fmt: skip
def test_d4_an_outcome_has_no_unknown_or_mistyped_member(change, at):
    body = OUTCOME.body(intents=[INTENT_OP], **WORDS)
    body = body | {"object": body["object"] | change}
    refused = refusal_of(parsed, Outcome, body, intents=[INTENT_OP])
    assert refused == ("malformed-decision", f"/body/object/{at}")


@pytest.mark.parametrize(
    "change", [{"verdict": "fine"}, {"reviewer": "bob"}, {"note": 1}, {"x": 1}]
)
def test_d4_a_review_has_no_unknown_or_mistyped_member(change):
    body = REVIEW.body(**WORDS)
    body = body | {"object": body["object"] | change}
    refused = refusal_of(parsed, Review, body)
    assert refused == ("malformed-decision", f"/body/object/{next(iter(change))}")


def test_d4_what_is_malformed_is_refused_when_authoring():
    for value, made in (
        (dataclasses.replace(INTENT, risk="some"), lambda v: v.body(captured_at=5)),
        (
            dataclasses.replace(OUTCOME, result="won"),
            lambda v: v.body(intents=[INTENT_OP], **WORDS),
        ),
        (dataclasses.replace(REVIEW, verdict="fine"), lambda v: v.body(**WORDS)),
    ):
        assert refusal_of(made, value)[0] == "malformed-decision"


def test_another_kind_or_predicate_is_no_record():
    seen = evidence(source="s", kind="note", content={}, captured_at=1)
    assert refusal_of(parsed, Intent, seen) == ("malformed-decision", "/body/kind")
    for record, op in ((Review, op_of("evidence", seen)), (Intent, op_of("claim", CLAIMED))):
        assert refusal_of(record.parse, op) == ("malformed-decision", "/type")
    assert refusal_of(Outcome.parse, op_of("evidence", seen), intents=[]) == (
        "malformed-decision", "/type",
    )  # fmt: skip
    said = claim(
        subject="s",
        predicate="p",
        object="text",
        confidence_bp=1,
        derived_from=[INTENT_OP],
        **WORDS,
    )
    refused = ("malformed-decision", "/body/predicate")
    assert refusal_of(parsed, Outcome, said, intents=[INTENT_OP]) == refused
    assert refusal_of(parsed, Review, said) == refused
    text = said | {"predicate": "lodestamp.decision.review/1"}
    assert refusal_of(parsed, Review, text) == ("malformed-decision", "/body/object")
    two = REVIEW.body(**WORDS) | {"derived_from": [INTENT_OP, OTHER_OP]}
    assert refusal_of(parsed, Review, two) == ("malformed-decision", "/body/derived_from")


def test_an_input_is_committed_to_with_a_salt():
    made = Committed.to("mail", "sha256:00", salt=bytes(32))
    assert made.commitment == content_address({"salt": "A" * 43 + "=", "digest": "sha256:00"})
    assert made != Committed.to("mail", "sha256:00", salt=bytes([1]) * 32)
