from __future__ import annotations

import pytest

from lodestamp.core.encoding import INT_MAX, address_of
from lodestamp.core.operations import SOURCES_MAX, claim, evidence
from lodestamp.core.operations.bodies import BODIES_1, BODIES_2, check_body
from lodestamp.errors import OpError

SOURCE = address_of(b"source")
EVIDENCE = {"source": "calendar", "kind": "event", "content": {"a": 1}, "captured_at": 7}
CLAIM = {
    "subject": "user",
    "predicate": "prefers.tea",
    "object": None,
    "confidence_bp": 8200,
    "derived_from": [SOURCE],
    "deriver": "model/1",
    "rationale": "14 of 17",
}


def refusal_of(kind, body):
    with pytest.raises(OpError) as refusal:
        check_body(BODIES_1, kind, body)
    assert refusal.value.code == "bad-body"
    return refusal.value.at


def test_builders_give_the_body_of_their_fields():
    assert evidence(**EVIDENCE) == EVIDENCE
    assert evidence(**EVIDENCE, external_id="x") == EVIDENCE | {"external_id": "x"}
    assert claim(**CLAIM | {"derived_from": (SOURCE,)}) == CLAIM


def test_builders_refuse_what_the_reader_refuses():
    with pytest.raises(OpError) as refusal:
        evidence(**EVIDENCE | {"kind": ""})
    assert (refusal.value.code, refusal.value.at) == ("bad-body", "/body/kind")
    with pytest.raises(OpError) as refusal:
        claim(**CLAIM | {"confidence_bp": 10_001})
    assert refusal.value.at == "/body/confidence_bp"


@pytest.mark.parametrize("body", [None, [], "x", 1, True])
def test_a_body_is_an_object(body):
    assert refusal_of("evidence", body) == "/body"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("evidence", name) for name in EVIDENCE] + [("claim", name) for name in CLAIM],
)
def test_each_missing_field_is_named(kind, name):
    body = dict(EVIDENCE if kind == "evidence" else CLAIM)
    del body[name]
    assert refusal_of(kind, body) == f"/body/{name}"


@pytest.mark.parametrize(
    ("extra", "at"), [("x", "/body/x"), ("a/b~c", "/body/a~1b~0c"), ("", "/body/")]
)
@pytest.mark.parametrize("kind", ["evidence", "claim"])
def test_an_extra_field_is_named(kind, extra, at):
    body = dict(EVIDENCE if kind == "evidence" else CLAIM)
    assert refusal_of(kind, body | {extra: 1}) == at


def test_the_optional_field_of_evidence_is_no_field_of_a_claim():
    assert refusal_of("claim", CLAIM | {"external_id": "x"}) == "/body/external_id"
    assert refusal_of("evidence", EVIDENCE | {"external_id": None}) == "/body/external_id"


NOT_TEXTS = [None, "", 1, True, [], {}]
NOT_SECONDS = [None, True, False, -1, INT_MAX + 1, "1", [], {}]


@pytest.mark.parametrize("value", NOT_TEXTS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [("evidence", name) for name in ("source", "kind", "external_id")]
    + [("claim", name) for name in ("subject", "predicate", "deriver", "rationale")],
)
def test_a_text_is_a_text_and_not_empty(kind, name, value):
    body = EVIDENCE if kind == "evidence" else CLAIM
    assert refusal_of(kind, body | {name: value}) == f"/body/{name}"


@pytest.mark.parametrize("value", NOT_SECONDS)
def test_captured_at_is_an_integer_of_seconds(value):
    assert refusal_of("evidence", EVIDENCE | {"captured_at": value}) == "/body/captured_at"


@pytest.mark.parametrize("value", [*NOT_SECONDS, 10_001])
def test_confidence_is_an_integer_of_basis_points(value):
    assert refusal_of("claim", CLAIM | {"confidence_bp": value}) == "/body/confidence_bp"


@pytest.mark.parametrize("value", [None, "x", [], 1, True])
def test_content_is_an_object(value):
    assert refusal_of("evidence", EVIDENCE | {"content": value}) == "/body/content"


def test_the_edges_of_every_range_are_inside():
    for seconds in (0, INT_MAX):
        check_body(BODIES_1, "evidence", EVIDENCE | {"captured_at": seconds})
    for points in (0, 10_000):
        check_body(BODIES_1, "claim", CLAIM | {"confidence_bp": points})
    for value in (None, True, 0, "", [], {}, [[{"a": []}]]):
        check_body(BODIES_1, "claim", CLAIM | {"object": value})


@pytest.mark.parametrize(
    ("sources", "at"),
    [
        (None, ""), ({}, ""), (SOURCE, ""), ([None], "/0"), ([SOURCE, SOURCE], "/1"),
        ([SOURCE, SOURCE + "\n"], "/1"), ([SOURCE.upper()], "/0"), ([[SOURCE]], "/0"),
    ],
)  # fmt: skip
def test_sources_are_unique_operation_ids(sources, at):
    body = CLAIM | {"derived_from": sources}
    assert refusal_of("claim", body) == f"/body/derived_from{at}"


def test_a_claim_has_at_most_1024_sources_in_any_order():
    sources = [address_of(str(number).encode()) for number in range(SOURCES_MAX)]
    assert sources != sorted(sources)
    check_body(BODIES_1, "claim", CLAIM | {"derived_from": sources})
    body = CLAIM | {"derived_from": [*sources, SOURCE]}
    assert refusal_of("claim", body) == "/body/derived_from"


def test_the_deriver_is_the_user_exactly_when_nothing_is_derived():
    check_body(BODIES_1, "claim", CLAIM | {"derived_from": [], "deriver": "user"})
    assert refusal_of("claim", CLAIM | {"derived_from": []}) == "/body/deriver"
    assert refusal_of("claim", CLAIM | {"deriver": "user"}) == "/body/deriver"


ID = address_of(b"id")
KEY_ID = "hybrid:" + "0" * 64
MINIMAL = {
    "refutation": {"target": ID, "reason": "r"},
    "revocation": {"cap_id": ID, "reason": "r"},
    "attestation": {
        "cap_id": ID, "claim_op": ID, "subject": "s", "predicate": "p", "object": None,
        "confidence_bp": 0, "provenance_commitment": ID, "attested_at": 0,
    },
    "receipt": {
        "cap_id": ID, "revocation_op": ID, "purged_attestations": 0, "statement": "s",
        "purged_root": ID,
    },
    "notice": {"attestation_op": ID, "state": "stale", "audience": KEY_ID},
    "confirm": {"author": KEY_ID, "node": "n", "keep": ID, "reason": "r"},
}  # fmt: skip


def body_refusal(kind, body, bodies=BODIES_2):
    with pytest.raises(OpError) as refusal:
        check_body(bodies, kind, body)
    assert refusal.value.code == "bad-body"
    return refusal.value.at


@pytest.mark.parametrize(("kind", "field"), [(k, f) for k, body in MINIMAL.items() for f in body])
def test_each_field_of_the_other_types_is_checked_and_required(kind, field):
    body = MINIMAL[kind]
    check_body(BODIES_2, kind, body)
    without = {name: value for name, value in body.items() if name != field}
    if field == "purged_root":
        check_body(BODIES_2, kind, without)
    else:
        assert body_refusal(kind, without) == f"/body/{field}"
    if field != "object":
        for bad in ("", True, -1, 1.0, [], {}, None, ID + "\n" if body[field] == ID else ["x"]):
            assert body_refusal(kind, body | {field: bad}) == f"/body/{field}"
    assert body_refusal(kind, body | {"derived_from": [ID]}) == "/body/derived_from"


def test_the_types_and_fields_of_version_2_are_not_in_version_1():
    assert BODIES_2.keys() - BODIES_1.keys() == {"key", "notice", "confirm"}
    assert len(BODIES_1) == 7
    assert body_refusal("receipt", MINIMAL["receipt"], BODIES_1) == "/body/purged_root"


def test_a_notice_is_of_one_of_two_states():
    check_body(BODIES_2, "notice", MINIMAL["notice"] | {"state": "restored"})
    assert body_refusal("notice", MINIMAL["notice"] | {"state": "fresh"}) == "/body/state"
