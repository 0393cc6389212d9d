"""Whether a block may join the chain: its own rules, its place, the coins it spends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    REGTEST,
    Block,
    Coin,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    merkle_root,
    num_encode,
    push,
)
from lodestamp.core.bitcoin.connect import (
    Connection,
    check_block,
    check_in_place,
    coins_made,
    connect_block,
)

HEIGHT = 200
COINBASE = Transaction(
    2,
    (TxIn(OutPoint(bytes(32), 0xFFFFFFFF), push(num_encode(HEIGHT)) + b"\x00"),),
    (TxOut(25 * 10**8, b"\x51"),),
)
OLD = OutPoint(b"\x01" * 32, 0)
COINS = {OLD: Coin(TxOut(5_000, b"\x51"), 10, is_coinbase=False)}
SPEND = Transaction(2, (TxIn(OLD),), (TxOut(4_000, b"\x51"),))


def block_of(*txs):
    root, _ = merkle_root([tx.txid for tx in txs])
    return Block(replace(REGTEST.genesis, merkle=root), txs)


def joined(*txs):
    found = connect_block(
        block_of(*txs), HEIGHT, find_coin=COINS.get, median_time_at=lambda _: 0,
        flags=CONSENSUS, net=REGTEST,
    )  # fmt: skip
    return found if isinstance(found, Connection) else found.reason


@pytest.mark.parametrize(
    ("txs", "reason"),
    [
        ((SPEND,), "bad-cb-missing"),
        ((COINBASE, replace(COINBASE, locktime=1)), "bad-cb-multiple"),
        ((COINBASE, replace(SPEND, outputs=())), "bad-txns-vout-empty"),
        ((COINBASE, SPEND, SPEND, SPEND), "bad-txns-duplicate"),
    ],
)
def test_what_a_block_alone_shows_is_refused(txs, reason):
    assert check_block(block_of(*txs)).reason == reason


def test_a_block_is_held_against_its_height_and_the_time_before_it():
    assert check_block(block_of(COINBASE, SPEND)) is None
    assert check_in_place(block_of(COINBASE, SPEND), HEIGHT, 0, REGTEST) is None
    wrong = check_in_place(block_of(COINBASE, SPEND), HEIGHT + 1, 0, REGTEST)
    assert wrong.reason == "bad-cb-height"
    waiting = replace(SPEND, inputs=(TxIn(OLD, sequence=0),), locktime=HEIGHT)
    early = check_in_place(block_of(COINBASE, waiting), HEIGHT, 0, REGTEST)
    assert early.reason == "bad-txns-nonfinal"


def test_coins_are_spent_once_and_also_within_the_block():
    child = Transaction(2, (TxIn(OutPoint(SPEND.txid, 0)),), (TxOut(3_500, b"\x51"),))
    found = joined(COINBASE, SPEND, child)
    assert found.fees == 1_500
    assert found.spent == (COINS[OLD], Coin(SPEND.outputs[0], HEIGHT, is_coinbase=False))
    missing = "bad-txns-inputs-missingorspent"
    assert joined(COINBASE, child, SPEND) == missing
    assert joined(COINBASE, SPEND, replace(SPEND, locktime=1)) == missing


def test_a_coinbase_takes_the_subsidy_and_the_fees_and_no_more():
    def paid(amount):
        return replace(COINBASE, outputs=(TxOut(amount, b"\x51"),))

    assert joined(paid(25 * 10**8 + 1_000), SPEND).fees == 1_000
    assert joined(paid(25 * 10**8 + 1_001), SPEND) == "bad-cb-amount"


def test_scripts_maturity_and_signature_operations_are_counted():
    failing = OutPoint(b"\x02" * 32, 0)
    COINS[failing] = Coin(TxOut(5_000, b"\x00"), 10, is_coinbase=False)
    spend = replace(SPEND, inputs=(TxIn(failing),))
    assert joined(COINBASE, spend).startswith("mandatory-script-verify-flag-failed")
    young = OutPoint(b"\x03" * 32, 0)
    COINS[young] = Coin(TxOut(5_000, b"\x51"), HEIGHT - 99, is_coinbase=True)
    spend = replace(SPEND, inputs=(TxIn(young),))
    assert joined(COINBASE, spend) == "bad-txns-premature-spend-of-coinbase"
    many = replace(SPEND, outputs=(TxOut(0, b"\xac" * 20_001),))
    assert joined(COINBASE, many) == "bad-blk-sigops"


def test_an_output_that_can_never_be_spent_makes_no_coin():
    outputs = tuple(TxOut(0, each) for each in (b"\x6a", b"\x51", b"\x61" * 10_001))
    made = coins_made(replace(SPEND, outputs=outputs), HEIGHT)
    assert [each.vout for each in made] == [1]
