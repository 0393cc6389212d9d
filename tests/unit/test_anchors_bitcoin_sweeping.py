"""Paying all coins out: every signature holds, and the fee is what the size costs."""

from __future__ import annotations

import pytest

from chains import OTHER, SCRIPT, SIGNER
from lodestamp.core.bitcoin import CONSENSUS, OutPoint, TxOut, verify_transaction
from lodestamp.errors import FundsError
from lodestamp.node.anchors.bitcoin import PaidBy
from lodestamp.node.anchors.bitcoin.sweeping import SWEPT_MAX, sweep


def coins(*values):
    return [PaidBy(OutPoint(bytes([n]) * 32, n), value) for n, value in enumerate(values)]


def test_every_coin_is_spent_and_every_signature_holds():
    given = coins(10_000, 20_000, 30_000)
    tx = sweep(given, OTHER, fee_rate=2_000, signer=SIGNER)
    assert [each.prevout for each in tx.inputs] == [each.outpoint for each in given]
    assert tx.outputs == (TxOut(60_000 - 2 * tx.vsize, OTHER),)
    spent = [TxOut(each.value, SCRIPT) for each in given]
    assert all(verdict.ok for verdict in verify_transaction(tx, spent, CONSENSUS))


def test_coins_that_do_not_pay_for_themselves_stay():
    with pytest.raises(FundsError):
        sweep(coins(300), OTHER, fee_rate=1_000, signer=SIGNER)
    with pytest.raises(FundsError, match="no coins"):
        sweep([], OTHER, fee_rate=1_000, signer=SIGNER)


def test_one_sweep_takes_at_most_500_coins():
    many = [PaidBy(OutPoint(n.to_bytes(32), 0), 1_000) for n in range(SWEPT_MAX + 1)]
    assert len(sweep(many, OTHER, fee_rate=1_000, signer=SIGNER).inputs) == 500
