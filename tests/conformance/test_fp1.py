"""FP/1 envelopes: 8 valid, 53 refused (operations spec §14)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    build_cap_1,
    build_op,
    parse_cap,
    parse_op,
    verify_cap,
    verify_op,
)
from lodestamp.errors import LodestampError

NAMES = [
    "evidence_with_astral_key", "claim_derived", "claim_user", "grant", "attestation",
    "refutation", "revocation", "receipt",
]  # fmt: skip


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


def test_the_set_holds_eight_operations_of_all_seven_types(valid):
    assert [case["name"] for case in valid["cases"]] == NAMES
    assert len({parse_op(case["wire"].encode()).type for case in valid["cases"]}) == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_valid_operation_parses_verifies_and_rebuilds_byte_for_byte(valid, signers, name):
    case = next(case for case in valid["cases"] if case["name"] == name)
    op = parse_op(case["wire"].encode())
    verify_op(op)
    assert op.op_id == case["op_id"]
    assert str(op.cid) == case["cid"]
    assert op.cid.matches(op.block)
    assert sha256(op.payload).hexdigest() == case["signing_payload_sha256"]
    assert (op.v, op.alg, op.cap, op.seq) == (1, None, None, None)
    rebuilt = build_op(signers[op.author], op.node, op.type, op.body, op.prev, op.ts)
    assert rebuilt.wire == op.wire == case["wire"].encode()


def test_the_capability_of_the_grant_verifies_and_rebuilds_byte_for_byte(valid, signers):
    case = next(case for case in valid["cases"] if case["name"] == "grant")
    cap = parse_cap(parse_op(case["wire"].encode()).body["cap"])
    verify_cap(cap)
    assert cap.cap_id == case["cap_id"]
    assert cap.payload == case["cap_signing_payload"].encode()
    rebuilt = build_cap_1(
        signers[cap.issuer],
        audience=cap.audience,
        predicates=cap.predicates,
        issued_at=cap.not_before,
        expires_at=cap.expires_at,
        min_confidence_bp=cap.min_confidence_bp,
    )
    assert rebuilt == cap
    assert rebuilt.document == cap.document


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
