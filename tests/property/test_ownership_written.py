"""Plans of any coins and rates, and proofs with any byte changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.bitcoin import OutPoint, TxOut, dust_limit
from lodestamp.core.ownership import (
    FEE_RATE_MAX,
    FEE_RATE_MIN,
    Owner,
    Party,
    ProofHeaders,
    ProofOp,
    ProofPart,
    Spendable,
    State,
    build_ownership_proof,
    build_register,
    build_transfer,
    decode_ownership_proof,
    read_back,
    verify_ownership_proof,
)
from lodestamp.core.verdict import Status
from lodestamp.errors import FundsError, LodestampError, ProofMalformed, RulesMismatch
from lodestamp.node.chains import MINER_SCRIPT, KeyScript, key_scripts
from lodestamp.node.scanner import party_of, send_plan, sign_plan
from written import ALICE, BOB, RULES, noise, parties, registration, scanned

SHA1 = registration().sha1
AMOUNTS = st.lists(st.integers(1, 2_000_000), min_size=1, max_size=8)
RATES = st.integers(FEE_RATE_MIN, FEE_RATE_MAX)
FORMS = st.sampled_from(list(KeyScript))


def party(signer, form, amounts, tag):
    script = key_scripts(signer)[form]
    coins = tuple(
        Spendable(OutPoint(bytes([n, tag]) * 16, n), TxOut(amount, script))
        for n, amount in enumerate(amounts)
    )
    return Party(Owner(script), coins)


def check(plan):
    """Nothing is lost, nothing is dust, every fee is what the step's size asks for."""
    for step in plan.steps:
        assert sum(each.value for each in step.inputs) == step.fee + sum(
            each.amount for each in step.outputs
        )
        assert all(each.amount >= dust_limit(each.script) for each in step.outputs)


@settings(max_examples=60)
@given(FORMS, AMOUNTS, RATES, st.integers(0, 900))
def test_r41_a_registration_is_planned_whole_or_not_at_all(form, amounts, rate, size):
    owner = party(ALICE, form, amounts, 1)
    try:
        plan = build_register(State(0), registration(noise(size)), owner, rate)
    except FundsError:
        return
    check(plan)
    for step in plan.steps[:-1]:
        assert step.fee == -(-rate * step.vsize // 1000)
    assert plan.steps[-1].fee >= -(-rate * plan.steps[-1].vsize // 1000)


@settings(max_examples=40)
@given(FORMS, FORMS, AMOUNTS, AMOUNTS, RATES, st.integers(546, 50_000), st.integers(1, 99_999_998))
def test_r43_a_transfer_is_planned_so_that_it_holds_or_not_at_all(  # noqa: PLR0917
    form, other, owned, paid, rate, price, units
):
    seller, buyer = party(ALICE, form, owned, 1), party(BOB, other, paid, 2)
    state = State.of(
        9, registrants=[(SHA1, seller.owner)], balances=[(SHA1, seller.owner, 10**8)],
        operations=[], tips=[], payments=[],
    )  # fmt: skip
    try:
        plan = build_transfer(state, SHA1, units, price, seller=seller, buyer=buyer, fee_rate=rate)
    except FundsError:
        return
    check(plan)
    txs = [step.transaction([bytes(32)] * 20) for step in plan.steps]
    if len(txs) == 1:
        found = read_back(state, txs, plan.steps[-1].spent, RULES, is_signed=False)
        assert (found.reason, found.units, found.amount) == (None, units, price)


def _proof():
    source, alice, _ = parties(KeyScript.P2TR)
    plan = build_register(scanned(source), registration(), party_of(source, alice), 1_000)
    txs = sign_plan(plan, [ALICE], source.network)
    send_plan(source, scanned(source), RULES, plan, txs)
    (block,) = source.mine(1, MINER_SCRIPT)
    height = source.tip().height
    parts = []
    for tx in reversed(txs):
        found = source.inclusion(tx.txid, block)
        parts.append(ProofPart(tx, height, found.index, found.branch))
    op = ProofOp("register", tuple(parts), plan.steps[-1].spent)
    headers = ProofHeaders("full", height, (source.header(block),))
    return build_ownership_proof(
        RULES, SHA1, [op], height=height, headers=headers, state_hash=bytes(32)
    )


PROOF = _proof()
CLAIM = decode_ownership_proof(PROOF).claim


@settings(max_examples=400)
@given(st.integers(0, len(PROOF) - 1), st.integers(1, 255))
def test_r48_no_changed_byte_makes_another_claim_hold(at, flip):
    changed = bytearray(PROOF)
    changed[at] ^= flip
    try:
        verdict = verify_ownership_proof(bytes(changed))
    except (ProofMalformed, RulesMismatch):
        return
    held = [leg.status is Status.ESTABLISHED for leg in verdict.verdict.legs]
    assert not held[3]
    if all(held[:3]):
        found = (verdict.sha1, verdict.claim.registrant, dict(verdict.claim.cap_table))
        assert found == (SHA1, CLAIM.registrant, dict(CLAIM.cap_table))


@given(st.binary(max_size=200))
def test_r48_nothing_but_our_errors_leaves_the_verifier(junk):
    for data in (junk, PROOF[: len(junk)] + junk, b'{"claim":' + junk):
        with pytest.raises(LodestampError):
            verify_ownership_proof(data)
