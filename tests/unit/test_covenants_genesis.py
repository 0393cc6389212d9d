"""The transaction that begins a chain of states (covenants spec §4, T6)."""

from __future__ import annotations

import pytest

from chains import SCRIPT, SIGNER
from lodestamp.core.bitcoin import OutPoint, TxOut
from lodestamp.core.covenants import FundedCoin, Kind, build, plan_genesis
from lodestamp.core.covenants.forced import genesis_state, read_state
from lodestamp.errors import CovenantError, ElementTooLarge, UsageError

COV = build(Kind.T6, owner=SIGNER.xonly())
COINS = [FundedCoin(OutPoint(bytes(32), n), TxOut(50_000, SCRIPT)) for n in range(2)]


def test_a_genesis_publishes_the_state_of_its_origin():
    change = TxOut(9_000, SCRIPT)
    tx = plan_genesis(COV, COINS, origin="example.org/log", amount=90_000, change=[change])
    assert read_state(tx, COV.script_pubkey) == genesis_state("example.org/log")
    assert tx.outputs[0] == TxOut(90_000, COV.script_pubkey)
    assert tx.outputs[2:] == (change,)
    assert [each.prevout for each in tx.inputs] == [each.outpoint for each in COINS]


@pytest.mark.parametrize(
    ("coins", "amount", "code"),
    [
        (COINS[:1], 10_000, "coin"),
        ([*COINS, COINS[0]], 10_000, "coin"),
        ([COINS[0], FundedCoin(COINS[1].outpoint, TxOut(9, b"\x51"))], 10_000, "coin"),
        (COINS, 100_001, "outputs"),
    ],
)
def test_other_coins_and_too_much_paid_are_refused(coins, amount, code):
    with pytest.raises(CovenantError) as refused:
        plan_genesis(COV, coins, origin="o", amount=amount)
    assert refused.value.code == code


def test_a_genesis_that_no_spend_could_rebuild_is_not_made():
    with pytest.raises(ElementTooLarge):
        plan_genesis(COV, COINS, origin="o", amount=9_000, change=[TxOut(330, SCRIPT)] * 9)
    with pytest.raises(UsageError):
        plan_genesis(build(Kind.T5, anyone=True), COINS, origin="o", amount=9_000)
