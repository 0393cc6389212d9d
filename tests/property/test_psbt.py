"""PSBTs of any content: one byte string per value, and nothing but our errors for any bytes."""

from __future__ import annotations

import contextlib

from embit.psbt import PSBT
from hypothesis import given
from hypothesis import strategies as st

from lodestamp.core.bitcoin import OutPoint, Psbt, PsbtMap, Transaction, TxIn, TxOut
from lodestamp.errors import LimitExceeded, PsbtError

KEYS = st.binary(min_size=1, max_size=6).filter(lambda key: 0x20 < key[0] < 0xFB)
MAPS = st.dictionaries(KEYS, st.binary(max_size=40), max_size=4).map(
    lambda found: PsbtMap(tuple(found.items()))
)


@st.composite
def psbts(draw):
    points = draw(
        st.lists(
            st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 9)),
            min_size=1,
            max_size=4,
        )
    )
    outputs = draw(
        st.lists(st.tuples(st.integers(0, 10**9), st.binary(max_size=40)), min_size=1, max_size=4)
    )
    tx = Transaction(
        draw(st.integers(1, 2)),
        tuple(TxIn(OutPoint(*each)) for each in points),
        tuple(TxOut(*each) for each in outputs),
        draw(st.integers(0, 2**32 - 1)),
    )
    spent = [
        TxOut(draw(st.integers(0, 10**9)), b"\x51\x20" + bytes([n]) * 32)
        for n in range(len(points))
    ]
    made = Psbt.of(tx, spent)
    inputs = tuple(one.joined(draw(MAPS)) for one in made.inputs)
    return Psbt(tx, inputs, tuple(draw(MAPS) for _ in outputs), draw(MAPS))


@given(psbts())
def test_r44_every_psbt_reads_back_and_is_one_for_another_wallet_too(psbt):
    encoded = psbt.encode()
    assert Psbt.decode(encoded) == psbt
    assert Psbt.decode(encoded).encode() == encoded
    found = PSBT.parse(encoded)
    assert found.tx.txid() == psbt.tx.txid[::-1]
    assert [each.witness_utxo.value for each in found.inputs] == [
        each.amount for each in psbt.spent
    ]


@given(psbts(), psbts())
def test_joining_is_the_same_done_twice(one, two):
    other = Psbt(one.tx, tuple(a.joined(PsbtMap()) for a in one.inputs), one.outputs, two.top)
    assert one.joined(other).joined(other) == one.joined(other)


@given(psbts(), st.data())
def test_a_changed_byte_is_refused_or_another_psbt(psbt, drawn):
    encoded = bytearray(psbt.encode())
    at = drawn.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= drawn.draw(st.integers(1, 255))
    try:
        found = Psbt.decode(bytes(encoded))
    except (PsbtError, LimitExceeded):
        return
    assert found.encode() == bytes(encoded)
    assert found != psbt


@given(st.binary(max_size=300))
def test_nothing_but_our_errors_leaves_the_parser(junk):
    for encoded in (junk, b"psbt\xff" + junk):
        with contextlib.suppress(PsbtError):
            assert Psbt.decode(encoded).encode() == encoded
