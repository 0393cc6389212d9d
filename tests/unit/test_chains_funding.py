"""Paying from plain key coins (R38)."""

from __future__ import annotations

import pytest

from chains import OTHER, SCRIPT, SIGNER, grown
from lodestamp.core.bitcoin import TxOut
from lodestamp.errors import FeeTooHigh, FundsError
from lodestamp.node.chains import SimulatedChain, plan

COIN = 5_000_000_000


@pytest.fixture
def source():
    chain = SimulatedChain(grown(105))
    yield chain
    chain.close()


def pay(source, value, rate=1_000):
    return plan(source, SIGNER, [TxOut(value, OTHER)], rate)


def test_r38_a_payment_is_taken_in_and_its_change_comes_back(source):
    made = pay(source, 100_000, 1_234)
    assert made.fee == -(-1_234 * made.tx.vsize // 1_000)
    assert made.change == COIN - 100_000 - made.fee
    assert made.tx.outputs[1] == TxOut(made.change, SCRIPT)
    assert source.test_accept(made.tx).fee == made.fee
    source.broadcast(made.tx)


def test_r38_coins_are_confirmed_mature_and_largest_first(source):
    source.broadcast(pay(source, 1_000_000).tx)
    small = pay(source, 1_000_000)  # the change is not confirmed yet
    assert all(each.coin.is_coinbase for each in small.spent)
    source.mine(1, SCRIPT)
    (largest,) = pay(source, 1_000_000).spent
    assert largest.coin.output.amount == COIN
    assert len(pay(source, 2 * COIN).spent) == 3
    assert all(each.coin.height <= 7 for each in pay(source, 4 * COIN).spent)


@pytest.mark.parametrize(("over", "outputs"), [(329, 1), (330, 2)])
def test_r38_change_below_dust_goes_to_the_fee(source, over, outputs):
    with_change = pay(source, 100_000)
    made = pay(source, COIN - with_change.fee - over)
    assert len(made.tx.outputs) == outputs
    assert made.fee == (with_change.fee if outputs == 2 else with_change.fee + over)


def test_r38_coins_that_do_not_reach_are_told(source):
    for value in (6 * COIN, COIN * 10**6):
        with pytest.raises(FundsError) as refused:
            pay(source, value)
        assert refused.value.code == "funds"


def test_r38_a_fee_beyond_reason_is_refused(source):
    for value, rate in ((1_000, 1_000), (1_000_000_000, 10_000_000)):
        with pytest.raises(FeeTooHigh):
            pay(source, value, rate)
    assert pay(source, 1_550, 1_000).fee == 154
    with pytest.raises(FeeTooHigh):
        pay(source, 1_539, 1_000)
