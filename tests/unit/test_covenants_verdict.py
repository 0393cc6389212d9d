"""A spend judged leg by leg (R22, R23)."""

from __future__ import annotations

from chains import OTHER, SCRIPT, SIGNER
from covenants import OWNER_SECRET, coin, made_reveals, signed, with_witness
from lodestamp.core.bitcoin import TxOut
from lodestamp.core.covenants import INQUISITION, MAINNET, plan_spend, verify_spend
from lodestamp.core.covenants.verdict import LEGS
from lodestamp.core.verdict import Status

COV, REVEAL, _ = made_reveals(SIGNER.xonly(), SCRIPT)["T1"]
PLAN = plan_spend(COV, coin(COV), [TxOut(90_000, OTHER)], reveal=REVEAL)
SPEND = signed(PLAN, OWNER_SECRET)


def test_every_leg_is_established_and_named_in_its_order():
    verdict = verify_spend(SPEND, 0, PLAN.spent, INQUISITION)
    assert tuple(leg.name for leg in verdict.legs) == LEGS
    assert {leg.status for leg in verdict.legs} == {Status.ESTABLISHED}
    assert verdict.covenant == COV
    document = verdict.as_json()
    assert (document["verdict"], document["exit"], document["kind"]) == ("established", 0, "T1")
    assert "CONSENSUS_CAT_CTV" in document["rules_assumed"]


def test_r22_under_plain_rules_even_garbage_spends_so_nothing_is_bound():
    garbage = with_witness(SPEND, (b"x", *SPEND.inputs[0].witness[-2:]))
    verdict = verify_spend(garbage, 0, PLAN.spent, MAINNET)
    assert verdict.leg("script").status is not Status.REFUTED
    assert verdict.status is Status.REFUTED
    assert "anyone could spend" in verdict.leg("rules_assumed").detail
    assert verify_spend(garbage, 0, PLAN.spent, INQUISITION).leg("script").status is Status.REFUTED


def test_an_annex_does_not_hide_the_leaf():
    annexed = with_witness(SPEND, (*SPEND.inputs[0].witness, b"\x50"))
    verdict = verify_spend(annexed, 0, PLAN.spent, INQUISITION)
    assert verdict.covenant == COV
    assert verdict.leg("script").status is Status.REFUTED  # the signature does not cover it
