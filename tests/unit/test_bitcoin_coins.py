"""Coins: maturity, amounts, lock times, the subsidy and the undo of a block."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import payment
from lodestamp.core.bitcoin import (
    MAIN,
    REGTEST,
    Coin,
    Transaction,
    TxOut,
    decode_coins,
    encode_coins,
    fee_of,
    has_sequence_locks_met,
    is_final,
    subsidy,
)
from lodestamp.errors import MalformedBlock

TX = replace(payment(0), outputs=(TxOut(1_000, b"\x51"),))


def locked(locktime, sequence=0, version=2):
    item = replace(TX.inputs[0], sequence=sequence)
    return Transaction(version, (item,), TX.outputs, locktime)


def test_the_subsidy_halves_and_ends():
    assert [subsidy(height, REGTEST) for height in (0, 149, 150, 299, 300)] == [
        5_000_000_000, 5_000_000_000, 2_500_000_000, 2_500_000_000, 1_250_000_000,
    ]  # fmt: skip
    assert subsidy(840_000, MAIN) == 312_500_000
    assert subsidy(33 * 210_000, MAIN) == 0
    assert subsidy(64 * 210_000, MAIN) == 0
    assert sum(subsidy(n * 210_000, MAIN) * 210_000 for n in range(64)) == 2_099_999_997_690_000


def test_lock_times_are_heights_or_times():
    assert is_final(locked(0), 0, 0)
    assert not is_final(locked(100), 100, 10**9)
    assert is_final(locked(100), 101, 0)
    assert not is_final(locked(500_000_000), 10**6, 500_000_000)
    assert is_final(locked(500_000_000), 0, 500_000_001)
    assert is_final(locked(100, sequence=0xFFFFFFFF), 1, 0)


def test_bip68_counts_blocks_and_units_of_512_seconds_from_the_coin():
    coin = Coin(TxOut(1, b""), 10, is_coinbase=False)

    def met(sequence, height, version=2):
        times = lambda at: 1_000_000 + 600 * at  # noqa: E731
        return has_sequence_locks_met(locked(0, sequence, version), [coin], height, times)

    assert not met(5, 14)
    assert met(5, 15)
    assert met(5, 11, version=1)
    assert met(1 << 31 | 5, 11)
    unit = 1 << 22 | 2  # 1,024 seconds after the median time of block 9
    assert not met(unit, 11)
    assert met(unit, 12)
    assert met(1 << 22, 10)


def test_fees_and_the_reasons_why_there_is_none():
    coin = Coin(TxOut(1_500, b""), 1, is_coinbase=False)
    assert fee_of(TX, [coin], 2) == 500
    young = replace(coin, is_coinbase=True)
    assert fee_of(TX, [young], 100) == "bad-txns-premature-spend-of-coinbase"
    assert fee_of(TX, [young], 101) == 500
    assert fee_of(TX, [replace(coin, output=TxOut(999, b""))], 2) == "bad-txns-in-belowout"
    over = replace(coin, output=TxOut(2_100_000_000_000_001, b""))
    assert fee_of(TX, [over], 2) == "bad-txns-inputvalues-outofrange"


def test_the_undo_of_a_block_comes_back():
    coins = (
        Coin(TxOut(5, b"\x51"), 7, is_coinbase=True),
        Coin(TxOut(0, b""), 1 << 20, is_coinbase=False),
    )
    raw = encode_coins(coins)
    assert decode_coins(raw) == coins
    assert decode_coins(b"") == ()
    with pytest.raises(MalformedBlock):
        decode_coins(raw[:-1])
