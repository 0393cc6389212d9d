"""PSBTs, version 0: strict bytes, what is known of inputs, joining (BIP-174; ownership R44)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chains import SCRIPT
from lodestamp.core.bitcoin import (
    PSBT_SIZE_MAX,
    OutPoint,
    Psbt,
    PsbtField,
    PsbtMap,
    Transaction,
    TxIn,
    TxOut,
    compact_size,
    var_bytes,
)
from lodestamp.errors import LimitExceeded, PsbtError

P2PKH = b"\x76\xa9\x14" + bytes(20) + b"\x88\xac"
P2WPKH = b"\x00\x14" + bytes(20)
PARENT = Transaction(
    1, (TxIn(OutPoint(b"\1" * 32, 0), b"\x51"),), (TxOut(9_000, P2PKH), TxOut(8_000, P2WPKH))
)
TX = Transaction(
    2,
    (TxIn(OutPoint(PARENT.txid, 0)), TxIn(OutPoint(PARENT.txid, 1)), TxIn(OutPoint(b"\2" * 32, 4))),
    (TxOut(500, b"\x6a"), TxOut(600, SCRIPT)),
)
SPENT = (*PARENT.outputs, TxOut(7_000, SCRIPT))
MADE = Psbt.of(TX, SPENT, {PARENT.txid: PARENT})


def pair(key, value):
    return var_bytes(key) + var_bytes(value)


def built(*maps, magic=b"psbt\xff"):
    """Bytes of a PSBT from its maps, each a list of pairs."""
    return magic + b"".join(b"".join(pair(*each) for each in one) + b"\0" for one in maps)


def top(tx=TX):
    return [(b"\0", tx.encode(witness=False))]


EMPTY = [[]] * 5


def refused(encoded):
    with pytest.raises(PsbtError) as error:
        Psbt.decode(encoded)
    return error.value.code


def test_what_is_made_reads_back_with_what_each_input_needs():
    assert Psbt.decode(MADE.encode()) == MADE
    legacy, witness, taproot = MADE.inputs
    assert legacy.value(PsbtField.NON_WITNESS_UTXO) == PARENT.encode()
    assert legacy.value(PsbtField.WITNESS_UTXO) is None
    assert witness.value(PsbtField.NON_WITNESS_UTXO) == PARENT.encode()
    assert witness.value(PsbtField.WITNESS_UTXO) == SPENT[1].encode()
    assert taproot.pairs == ((b"\x01", SPENT[2].encode()),)
    for each in (legacy, witness):
        assert each.value(PsbtField.SIGHASH_TYPE) == b"\1\0\0\0"
    assert MADE.spent == SPENT


def test_a_legacy_input_without_its_parent_cannot_be_asked_for():
    with pytest.raises(PsbtError) as error:
        Psbt.of(TX, SPENT)
    assert error.value.code == "parent"
    with pytest.raises(PsbtError) as error:
        Psbt.of(TX, SPENT[:2], {PARENT.txid: PARENT})
    assert error.value.code == "spent"
    with pytest.raises(PsbtError) as error:
        Psbt.of(TX, (SPENT[1], SPENT[0], SPENT[2]), {PARENT.txid: PARENT})
    assert error.value.code == "spent"


@pytest.mark.parametrize("lie", [TxOut(SPENT[0].amount + 1, SPENT[0].script), TxOut(0, b"")])
def test_what_a_legacy_input_is_said_to_spend_is_held_against_its_parent(lie):
    """Its signature commits to no amount: a lie would be paid as a fee that nobody was shown."""
    with pytest.raises(PsbtError) as error:
        Psbt.of(TX, (lie, *SPENT[1:]), {PARENT.txid: PARENT})
    assert error.value.code == "spent"


def test_unknown_keys_of_any_map_are_carried_along_in_their_order():
    odd = [(b"\xfc\x05hello", b"x"), (b"\x2a", b""), (compact_size(300) + b"k", b"v")]
    encoded = built([*top(), *odd], odd, odd[::-1], [], odd, [])
    read = Psbt.decode(encoded)
    assert read.encode() == encoded
    assert read.top.pairs == tuple(odd)
    assert read.inputs[1].pairs == tuple(odd[::-1])
    assert read.inputs[0].values(300) == {b"k": b"v"}


SIGNED = replace(TX, inputs=(replace(TX.inputs[0], script_sig=b"\x51"), *TX.inputs[1:]))
KEY = b"\x02" + bytes(32)
DEFECTS = {
    "empty": (b"", "magic"),
    "magic": (b"psbt\xfe" + MADE.encode()[5:], "magic"),
    "no-transaction": (built([], *EMPTY), "unsigned-tx"),
    "another-first": (built([(b"\x2a", b""), *top()], *EMPTY), "unsigned-tx"),
    "signed": (built(top(SIGNED), *EMPTY), "unsigned-tx"),
    "no-transaction-bytes": (built([(b"\0", b"\1\2\3")], *EMPTY), "unsigned-tx"),
    "long-transaction-key": (built([(b"\0\0", TX.encode())], *EMPTY), "unsigned-tx"),
    "version-2": (built([*top(), (b"\xfb", b"\2\0\0\0")], *EMPTY), "version"),
    "version-short": (built([*top(), (b"\xfb", b"\0")], *EMPTY), "version"),
    "twice": (built(top(), [(b"\x2a", b"1"), (b"\x2a", b"2")], [], [], [], []), "duplicate-key"),
    "trailing": (MADE.encode() + b"\0", "trailing"),
    "a-map-short": (built(top(), [], [], [], []), "cut-short"),
    "long-size": (
        built(top(), *EMPTY)[:-5] + b"\xfd\x01\x00\x2a\x00" + bytes(5),
        "non-canonical-size",
    ),
    "bad-key-size": (built(top(), [(b"\xfd\x01\x00", b"")], [], [], [], []), "non-canonical-size"),
    "partial-sig-key": (built(top(), [(b"\x02" + KEY[:-1], b"")], [], [], [], []), "field"),
    "partial-sig-hybrid": (built(top(), [(b"\x02\x06" + bytes(64), b"")], [], [], [], []), "field"),
    "sighash-size": (built(top(), [(b"\x03", b"\1")], [], [], [], []), "field"),
    "tap-sig-size": (built(top(), [(b"\x13", bytes(63))], [], [], [], []), "field"),
    "final-key": (built(top(), [(b"\x07\x00", b"")], [], [], [], []), "field"),
    "final-witness": (built(top(), [(b"\x08", b"\x01")], [], [], [], []), "field"),
    "utxo": (built(top(), [(b"\x01", b"\x01")], [], [], [], []), "field"),
    "parent-bytes": (built(top(), [(b"\x00", b"\x01")], [], [], [], []), "field"),
    "parent-of-another": (built(top(), [], [], [(b"\0", PARENT.encode())], [], []), "parent"),
    "two-outputs": (
        built(top(), [(b"\0", PARENT.encode()), (b"\1", SPENT[1].encode())], [], [], [], []),
        "spent",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_what_is_no_psbt_is_refused_with_its_reason(name):
    encoded, code = DEFECTS[name]
    assert refused(encoded) == code


def test_every_cut_is_refused():
    encoded = MADE.encode()
    for end in range(len(encoded)):
        with pytest.raises(PsbtError):
            Psbt.decode(encoded[:end])


def test_more_than_its_limit_is_not_even_looked_at():
    with pytest.raises(LimitExceeded):
        Psbt.decode(b"psbt\xff" + bytes(PSBT_SIZE_MAX))


def test_an_outputs_place_beyond_its_parents_is_refused():
    tx = replace(TX, inputs=(TxIn(OutPoint(PARENT.txid, 2)),))
    assert refused(built(top(tx), [(b"\0", PARENT.encode())], [], [])) == "parent"


def test_joining_keeps_what_both_know_and_refuses_another_transaction():
    one = MADE.with_input(0, MADE.inputs[0].having(PsbtField.PARTIAL_SIG, b"sig", KEY))
    two = MADE.with_input(2, MADE.inputs[2].having(PsbtField.TAP_KEY_SIG, bytes(64)))
    joined = one.joined(two)
    assert joined.inputs[0].values(PsbtField.PARTIAL_SIG) == {KEY: b"sig"}
    assert joined.inputs[2].value(PsbtField.TAP_KEY_SIG) == bytes(64)
    assert Psbt.decode(joined.encode()) == joined
    assert joined.joined(joined) == joined
    with pytest.raises(PsbtError) as error:
        one.joined(replace(MADE, tx=replace(TX, locktime=1)))
    assert error.value.code == "other-transaction"


def test_a_map_sets_a_value_in_its_place_or_at_the_end():
    made = PsbtMap(((b"\x01", b"a"), (b"\x02", b"b")))
    assert made.having(1, b"c").pairs == ((b"\x01", b"c"), (b"\x02", b"b"))
    assert made.having(3, b"c").pairs == (*made.pairs, (b"\x03", b"c"))
    assert made.joined(PsbtMap(((b"\x01", b"z"), (b"\x09", b"n")))).pairs == (
        *made.pairs, (b"\x09", b"n"),
    )  # fmt: skip


def test_an_input_that_nothing_tells_about_has_no_output():
    with pytest.raises(PsbtError) as error:
        _ = Psbt.decode(built(top(), *EMPTY)).spent
    assert error.value.code == "spent"
