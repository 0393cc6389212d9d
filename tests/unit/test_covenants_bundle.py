"""A spent covenant as one document: its one form, and its two inclusions."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chains import OTHER, SCRIPT, SIGNER
from covenants import OWNER_SECRET, made_reveals, signed
from lodestamp.core.bitcoin import REGTEST, OutPoint, Transaction, TxIn, TxInclusion, TxOut
from lodestamp.core.covenants import (
    INQUISITION,
    FundedCoin,
    decode_bundle,
    plan_spend,
    proof_bundle,
    verify_bundle,
)
from lodestamp.core.encoding import canonical_json
from lodestamp.core.verdict import Status
from lodestamp.errors import CovenantError

COV, REVEAL, _ = made_reveals(SIGNER.xonly(), SCRIPT)["T1"]
FUNDING = Transaction(2, (TxIn(OutPoint(b"\x05" * 32, 0)),), (TxOut(100_000, COV.script_pubkey),))
COIN = FundedCoin(OutPoint(FUNDING.txid, 0), FUNDING.outputs[0])
PLAN = plan_spend(COV, COIN, [TxOut(90_000, OTHER)], reveal=REVEAL)
SPEND = signed(PLAN, OWNER_SECRET)


def alone(tx):
    """The inclusion of a transaction that is the only one of its block."""
    header = replace(REGTEST.genesis, merkle=tx.txid)
    return TxInclusion(tx.encode(witness=False), 0, (), header)


WHOLE = proof_bundle(
    COV, SPEND, PLAN.spent, network="regtest", funding=alone(FUNDING), inclusion=alone(SPEND)
)


def test_a_bundle_is_read_as_it_was_written_and_established_offline():
    assert decode_bundle(WHOLE.encode()) == WHOLE
    verdict = verify_bundle(WHOLE, INQUISITION)
    assert verdict.status is Status.ESTABLISHED
    assert [leg.name for leg in verdict.legs[-2:]] == ["funding", "inclusion"]


def test_what_is_not_carried_is_unknown():
    verdict = verify_bundle(replace(WHOLE, inclusion=None), INQUISITION)
    assert (verdict.status, verdict.leg("inclusion").status) == (Status.UNKNOWN, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"funding": alone(SPEND)}, "funding.other-coin"),
        ({"inclusion": alone(FUNDING)}, "inclusion.other-spend"),
        ({"funding": replace(alone(FUNDING), header=REGTEST.genesis)}, "funding.root"),
        ({"inclusion": replace(alone(SPEND), header=REGTEST.genesis)}, "inclusion.root"),
    ],
)
def test_an_inclusion_of_something_else_is_refuted(changed, code):
    verdict = verify_bundle(replace(WHOLE, **changed), INQUISITION)
    assert verdict.status is Status.REFUTED
    assert code in [leg.as_json()["code"] for leg in verdict.legs]


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "lodestamp-covenant/2"}, {"index": 1}, {"index": True}, {"leaves": []},
        {"kind": "T9"}, {"network": 1}, {"spent": []}, {"spend": "00"}, {"funding": {}},
        {"r": "xyz"}, {"more": 1},
    ],
)  # fmt: skip
def test_other_fields_and_values_are_no_bundle(changed):
    document = json.loads(WHOLE.encode()) | changed
    with pytest.raises(CovenantError) as refused:
        decode_bundle(canonical_json(document))
    assert refused.value.code == "bundle"
    with pytest.raises(CovenantError):
        decode_bundle(WHOLE.encode() + b"\n")
