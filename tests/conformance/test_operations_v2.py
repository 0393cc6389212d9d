"""Envelopes of version 2: 8 valid, 15 refused (operations spec §14)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.keys import KeyEvent, SigningKey
from lodestamp.core.operations import build_op, parse_cap, parse_op, verify_cap, verify_op
from lodestamp.errors import LodestampError

NAMES = [
    "key_inception", "evidence", "grant_root", "grant_chained", "claim_under_chain",
    "key_rotation", "key_inception_mldsa65", "key_inception_hybrid",
]  # fmt: skip


@pytest.fixture(scope="module")
def valid(vectors):
    return load_json(vectors / "operations/lodestamp/v2_valid.json")


@pytest.fixture(scope="module")
def signers(valid):
    seeds = [row["seed"] for row in valid["keys"].values()]
    keys = [SigningKey.from_seed("ed25519", bytes.fromhex(seed)) for seed in seeds]
    assert [key.key_id for key in keys] == [row["key_id"] for row in valid["keys"].values()]
    return {key.key_id: key for key in keys}


def test_the_set_holds_eight_operations(valid):
    assert [case["name"] for case in valid["cases"]] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_valid_operation_parses_verifies_and_rebuilds_where_its_key_is_given(
    valid, signers, name
):
    """Hedged signatures are verified, not made again (K3)."""
    case = next(case for case in valid["cases"] if case["name"] == name)
    op = parse_op(case["wire"].encode())
    verify_op(op)
    assert op.op_id == case["op_id"]
    assert str(op.cid) == case["cid"]
    assert op.cid.matches(op.block)
    assert sha256(op.payload).hexdigest() == case["signing_payload_sha256"]
    if op.author in signers:
        rebuilt = build_op(
            signers[op.author], op.node, op.type, op.body, op.prev, op.ts,
            version=2, seq=op.seq, cap=op.cap,
        )  # fmt: skip
        assert rebuilt.wire == op.wire
    if "cap_id" in case:
        cap = parse_cap(op.body["cap"])
        verify_cap(cap)
        assert cap.cap_id == case["cap_id"]
    if "did" in case:
        assert KeyEvent.parse(op.body["event"]).did == case["did"]


def test_five_of_them_are_made_again(valid, signers):
    made = [parse_op(case["wire"].encode()).author in signers for case in valid["cases"]]
    assert made == [True] * 5 + [False] * 3


def test_every_refused_operation_is_refused_with_one_of_its_codes(vectors):
    cases = load_json(vectors / "operations/lodestamp/v2_refused.json")["cases"]
    outcomes = {case["name"]: outcome(b64decode(case["wire_base64"])) for case in cases}
    wrong = {
        case["name"]: outcomes[case["name"]]
        for case in cases
        if outcomes[case["name"]] not in case["codes"]
    }
    assert not wrong
    assert len(outcomes) == len(cases) == 15


def outcome(wire):
    try:
        verify_op(parse_op(wire))
    except LodestampError as error:
        return error.code
    return "accepted"
