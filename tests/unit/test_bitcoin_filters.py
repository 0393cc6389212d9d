"""BIP158 filters: what they hold, and bytes that are none (R20)."""

from __future__ import annotations

import pytest

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import TxOut, build_filter, match_any
from lodestamp.errors import LimitExceeded, MalformedBlock

PAID = b"\x51\x20" + b"\x01" * 32
SPENT = b"\x51\x20" + b"\x02" * 32
BLOCK = block_of(coinbase(1, TxOut(0, PAID), TxOut(0, b"\x6a\x01x"), TxOut(0, b"")), payment(1))


def test_r20_what_is_paid_and_what_is_spent_is_found():
    built = build_filter(BLOCK, [SPENT, b""])
    for script in (PAID, SPENT, b"\x51"):
        assert match_any(built, BLOCK.hash, [script])
    absent = [b"\x51\x20" + bytes([n]) * 32 for n in range(3, 200)]
    assert not match_any(built, BLOCK.hash, absent)
    assert not match_any(built, BLOCK.hash, [])


def test_r20_op_return_and_empty_scripts_are_left_out():
    assert build_filter(BLOCK, [])[0] == 2


def test_an_empty_filter_is_one_zero_byte_and_matches_nothing():
    empty = block_of(coinbase(1, TxOut(0, b"")))
    assert build_filter(empty, []) == b"\0"
    assert not match_any(b"\0", empty.hash, [PAID])


@pytest.mark.parametrize(
    "raw", [b"", b"\x01", b"\x01\xff\xff\xff", b"\0\0", b"\xfd\x01\x00", b"\xfe"]
)
def test_bytes_that_are_no_filter_are_refused(raw):
    with pytest.raises(MalformedBlock) as refused:
        match_any(raw, bytes(32), [PAID])
    assert refused.value.code == "filter"


def test_bits_behind_the_set_are_refused():
    built = build_filter(BLOCK, [SPENT])
    with pytest.raises(MalformedBlock):
        match_any(built + b"\0", BLOCK.hash, [PAID])
    with pytest.raises(MalformedBlock):
        match_any(built[:-1], BLOCK.hash, [PAID])


def test_a_filter_larger_than_any_block_is_refused():
    with pytest.raises(LimitExceeded):
        match_any(bytes(4_000_001), bytes(32), [PAID])
