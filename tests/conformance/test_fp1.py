"""FP/1 envelopes: 8 valid, of which 3 are of the types read now; 53 refused (spec §14)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import build_op, parse_op, verify_op
from lodestamp.errors import LodestampError, OpError

READ_NOW = ["evidence_with_astral_key", "claim_derived", "claim_user"]
READ_LATER = ["grant", "attestation", "refutation", "revocation", "receipt"]


@pytest.fixture(scope="module")
def valid(vectors):
    return load_json(vectors / "operations/lodestamp/fp1_valid.json")


@pytest.fixture(scope="module")
def refused(vectors):
    return load_json(vectors / "operations/lodestamp/fp1_refused.json")["cases"]


@pytest.fixture(scope="module")
def signers(valid):
    keys = [SigningKey.from_seed("ed25519", bytes.fromhex(k["seed"])) for k in key_rows(valid)]
    assert [key.key_id for key in keys] == [row["key_id"] for row in key_rows(valid)]
    return {key.key_id: key for key in keys}


def key_rows(valid):
    return list(valid["keys"].values())


def test_the_set_holds_three_operations_of_types_read_now_and_five_of_later_ones(valid):
    assert [case["name"] for case in valid["cases"]] == READ_NOW + READ_LATER


@pytest.mark.parametrize("name", READ_NOW)
def test_a_valid_operation_parses_verifies_and_rebuilds_byte_for_byte(valid, signers, name):
    case = next(case for case in valid["cases"] if case["name"] == name)
    op = parse_op(case["wire"].encode())
    verify_op(op)
    assert op.op_id == case["op_id"]
    assert str(op.cid) == case["cid"]
    assert op.cid.matches(op.block)
    assert sha256(op.payload).hexdigest() == case["signing_payload_sha256"]
    rebuilt = build_op(signers[op.author], op.node, op.type, op.body, op.prev, op.ts)
    assert rebuilt.wire == op.wire == case["wire"].encode()


@pytest.mark.parametrize("name", READ_LATER)
def test_an_operation_of_a_later_type_is_refused_by_name(valid, name):
    case = next(case for case in valid["cases"] if case["name"] == name)
    with pytest.raises(OpError, match="this version reads evidence and claim") as refusal:
        parse_op(case["wire"].encode())
    assert (refusal.value.code, refusal.value.at) == ("bad-type", "/type")
    assert repr(name) in str(refusal.value)


def test_every_refused_operation_is_refused_with_one_of_its_codes(refused):
    outcomes = {case["name"]: outcome(b64decode(case["wire_base64"])) for case in refused}
    wrong = {
        case["name"]: outcomes[case["name"]]
        for case in refused
        if outcomes[case["name"]] not in case["codes"]
    }
    assert not wrong
    assert len(outcomes) == len(refused) == 53


def outcome(wire):
    try:
        verify_op(parse_op(wire))
    except LodestampError as error:
        return error.code
    return "accepted"


def test_every_operation_of_version_two_is_refused_as_a_version_not_read(vectors):
    cases = load_json(vectors / "operations/lodestamp/v2_valid.json")["cases"]
    assert [outcome(case["wire"].encode()) for case in cases] == ["bad-version"] * 8
