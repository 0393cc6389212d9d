"""Judging hearts: R15 to R17, Q6, Q7, and the reasons that people are told."""

from __future__ import annotations

import pytest

from judged import ALICE, BARE, BOB, CAROL, PEER, SHA1, STRICT, heart, registered, tx_of
from lodestamp.core.bitcoin import MAX_MONEY
from lodestamp.core.ownership import (
    HeartFlow,
    State,
    heart_script,
    judge_flow,
    payment_fault,
    tip_fault,
)

HELD = (ALICE, BOB, 100)


def flow(owners, *outputs, rules=STRICT, moves=(HELD,)):
    return judge_flow(registered(rules, *moves), heart(*outputs), owners, rules)


def faults(owners, *outputs, rules=STRICT):
    state, tx = registered(rules, HELD), heart(*outputs)
    return tip_fault(state, tx, owners, rules), payment_fault(state, tx, owners, rules)


@pytest.mark.parametrize("rules", [STRICT, PEER])
def test_R16_who_pays_the_registrant_tips(rules):
    assert flow((CAROL,), (7, ALICE), rules=rules) == HeartFlow(True, SHA1, 7, ALICE, (CAROL,))
    assert faults((CAROL,), (7, ALICE), rules=rules) == (None, "wrong-destination")


def test_R16_who_pays_the_registrant_tips_though_nobody_knows_him():
    assert flow((None,), (7, ALICE)) == HeartFlow(True, SHA1, 7, ALICE, ())


@pytest.mark.parametrize("rules", [STRICT, PEER])
def test_R16_the_registrant_who_pays_a_holder_pays_a_dividend(rules):
    assert flow((ALICE,), (7, BOB), rules=rules) == HeartFlow(False, SHA1, 7, BOB, (ALICE,))
    assert faults((ALICE,), (7, BOB), rules=rules) == ("wrong-destination", None)


def test_R16_only_a_holder_is_paid_and_only_by_the_registrant():
    assert flow((ALICE,), (7, CAROL)) is None
    assert faults((ALICE,), (7, CAROL)) == ("wrong-destination", "not-a-holder")
    assert flow((CAROL,), (7, BOB)) is None
    assert faults((CAROL,), (7, BOB)) == ("wrong-destination", "payer-not-registrant")
    assert faults((), (7, BOB)) == ("wrong-destination", "payer-not-registrant")


def test_R15_the_first_attributed_source_is_the_payer():
    assert flow((None, ALICE, CAROL), (7, BOB)).sources == (ALICE, CAROL)
    assert flow((CAROL, ALICE), (7, BOB)) is None


def test_R15_Q16_the_first_foreign_destination_decides():
    assert flow((CAROL,), (9, CAROL), (1, BARE), (7, ALICE)).amount == 7
    assert flow((CAROL,), (1, BOB), (7, ALICE)) is None
    assert flow((ALICE,), (9, ALICE), (7, BOB), (5, CAROL)).amount == 7


def test_R17_Q6_the_amount_is_what_the_destination_gets():
    paid = ((7, ALICE), (500, CAROL), (11, ALICE), (90, BARE), (3, BOB))
    assert flow((BOB,), *paid).amount == 18
    assert flow((BOB,), *paid, rules=PEER).amount == 518


def test_R17_nothing_paid_is_no_flow():
    for amount in (0, -5, MAX_MONEY + 1):
        assert flow((CAROL,), (amount, ALICE)) is None
        assert faults((CAROL,), (amount, ALICE)) == ("bad-value", "bad-value")
    assert flow((CAROL,), (MAX_MONEY, ALICE), (1, ALICE)) is None


def test_R15_Q7_paying_oneself_has_no_effect_but_for_the_peer():
    assert flow((ALICE,), (7, ALICE), (5, ALICE)) is None
    assert faults((ALICE,), (7, ALICE)) == ("self-payment", "self-payment")
    found = flow((ALICE,), (7, ALICE), (5, ALICE), (9, BARE), rules=PEER)
    assert found == HeartFlow(False, SHA1, 5, ALICE, (ALICE,))
    for owners in ((BOB,), (ALICE, ALICE), (ALICE, None), (ALICE, BOB)):
        assert flow(owners, *((7, owner) for owner in owners if owner), rules=PEER) is None
    assert flow((ALICE,), (9, BARE), rules=PEER) is None
    assert flow((ALICE,), (0, ALICE), rules=PEER) is None


def test_a_heart_of_an_unknown_work_has_no_effect():
    state, tx = State(0), heart((7, ALICE))
    assert judge_flow(state, tx, (), STRICT) is None
    assert tip_fault(state, tx, (), STRICT) == "not-registered"
    assert payment_fault(state, tx, (), STRICT) == "not-registered"


def test_the_last_heart_counts():
    tx = tx_of((0, heart_script("cd" * 20)), (7, ALICE), (0, heart_script(SHA1)))
    assert judge_flow(registered(), tx, (BOB,), STRICT).sha1 == SHA1
    tx = tx_of((0, heart_script(SHA1)), (7, ALICE), (0, heart_script("cd" * 20)))
    assert judge_flow(registered(), tx, (BOB,), STRICT) is None


def test_a_transaction_without_a_heart_is_told_so():
    assert tip_fault(registered(), tx_of((7, ALICE)), (BOB,), STRICT) == "bad-layout"
