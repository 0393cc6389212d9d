"""Attribution beyond the vectors: laziness, lying sources, owner-bearing outputs (R4-R9)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import CONSENSUS, Transaction, TxOut, verify_input
from lodestamp.core.ownership import Rules, attribute, output_owner
from lodestamp.errors import SourceIncomplete
from owners import (
    ALICE,
    BOB,
    KINDS,
    asked,
    never,
    outpoint,
    p2sh,
    pushes,
    signature,
    spend,
    unsigned,
    with_high_s,
    with_input,
)

STRICT, COMPAT = Rules.strict("regtest"), Rules.peer_compat("regtest")
MAIN = Rules.strict("main")
SEGWIT, TAPROOT = 481_824, 709_632


def test_R4_a_signature_proves_its_owner_without_what_is_spent():
    tx, _ = spend((ALICE, "p2pkh"), (BOB, "p2pkh"))
    expected = (ALICE.script("p2pkh"), BOB.script("p2pkh"))
    assert attribute(tx, never, 1, STRICT) == expected
    assert attribute(tx, never, 1, COMPAT) == expected


def test_R4_a_signature_counts_whatever_output_it_spends():
    """The key's owner signed this transaction and this input, wherever the coin came from."""
    tx, spent = spend((ALICE, "p2pkh"))
    assert spent[0].script != b"\x51"
    assert attribute(tx, lambda: (TxOut(5, b"\x51"),), 1, STRICT) == (ALICE.script("p2pkh"),)


def test_R6_what_is_attributed_is_what_the_script_machine_lets_spend():
    for kind in KINDS:
        tx, spent = spend((ALICE, kind), (BOB, kind))
        owners = attribute(tx, lambda spent=spent: spent, 1, STRICT)
        assert owners == (ALICE.script(kind), BOB.script(kind))
        for index in range(2):
            assert verify_input(tx, index, spent, CONSENSUS).ok


def test_a_high_S_is_consensus_and_counts():
    tx, spent = spend((ALICE, "p2pkh"))
    sig = with_high_s(signature(tx, 0, spent, ALICE, "p2pkh"))
    tx = with_input(tx, 0, pushes(sig, ALICE.public))
    assert verify_input(tx, 0, spent, CONSENSUS).ok
    assert attribute(tx, never, 1, STRICT) == (ALICE.script("p2pkh"),)


def test_R8_a_transaction_of_strangers_has_no_owners_and_is_no_error():
    tx = unsigned((TxOut(1, b"\x51"),) * 3)
    assert attribute(tx, never, 1, STRICT) == (None, None, None)
    assert attribute(tx, never, 1, COMPAT) == (None, None, None)


def test_R9_prevouts_are_asked_for_once():
    tx, spent = spend((ALICE, "p2wpkh"), (ALICE, "p2tr"), (BOB, "p2sh-p2wpkh"))
    prevouts, calls = asked(spent)
    assert None not in attribute(tx, prevouts, 1, STRICT)
    assert len(calls) == 1


def test_R9_witnesses_of_no_shape_that_proves_ask_for_nothing():
    """The published blocks hold transactions with dummy witnesses whose coins nobody knows."""
    tx = unsigned((TxOut(0, b""),))
    for witness in ((b"\0" * 71, b"\2" * 33), (b"",), (b"x", b"y", b"z"), (b"\0" * 65,)):
        assert attribute(with_input(tx, 0, b"", witness), never, 1, STRICT) == (None,)


def test_R7_before_its_height_a_segwit_input_asks_for_nothing():
    tx, spent = spend((ALICE, "p2wpkh"), (BOB, "p2tr"))
    prevouts, calls = asked(spent)
    assert attribute(tx, prevouts, SEGWIT - 1, MAIN) == (None, None)
    assert calls == []
    assert attribute(tx, prevouts, TAPROOT - 1, MAIN) == (ALICE.script("p2wpkh"), None)
    assert attribute(tx, prevouts, TAPROOT, MAIN) == (ALICE.script("p2wpkh"), BOB.script("p2tr"))


def test_a_source_that_cannot_say_what_is_spent_stops_and_refutes_nothing():
    tx, spent = spend((ALICE, "p2wpkh"), (BOB, "p2pkh"))
    for prevouts in ((), spent[:1], (*spent, spent[0])):
        with pytest.raises(SourceIncomplete) as missing:
            attribute(tx, lambda prevouts=prevouts: prevouts, 1, STRICT)
        assert missing.value.txid == tx.txid


def test_what_the_source_raises_passes_through():
    tx, _ = spend((ALICE, "p2wpkh"))

    def absent():
        raise SourceIncomplete(tx.txid, "pruned")

    with pytest.raises(SourceIncomplete, match="pruned"):
        attribute(tx, absent, 1, STRICT)


def test_a_source_that_swaps_two_prevouts_takes_both_owners_away():
    tx, spent = spend((ALICE, "p2tr"), (BOB, "p2wpkh"))
    assert attribute(tx, lambda: spent[::-1], 1, STRICT) == (None, None)


def test_a_coinbase_never_has_an_owner():
    tx, _ = spend((ALICE, "p2pkh"))
    null = type(outpoint(0))(bytes(32), 0xFFFFFFFF)
    inputs = (type(tx.inputs[0])(null, tx.inputs[0].script_sig),)
    coinbase = Transaction(1, inputs, tx.outputs)
    assert coinbase.is_coinbase
    assert attribute(coinbase, never, 1, STRICT) == (None,)
    assert attribute(coinbase, never, 1, COMPAT) == (None,)


def test_R9_outputs_have_owners_from_the_heights_of_their_inputs_on():
    for kind in KINDS:
        script = ALICE.script(kind)
        start = {"p2pkh": 0, "p2tr": TAPROOT}.get(kind, SEGWIT)
        assert output_owner(script, start, MAIN) == script
        assert start == 0 or output_owner(script, start - 1, MAIN) is None
        assert (output_owner(script, TAPROOT, COMPAT) is not None) == (kind == "p2pkh")


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"\x51",
        b"\x6a",
        b"\x21" + ALICE.public + b"\xac",
        b"\x00\x20" + bytes(32),
        b"\x51\x21" + bytes(33),
        b"\x52\x20" + bytes(32),
        b"\x00\x15" + bytes(21),
        ALICE.script("p2pkh") + b"\x61",
        ALICE.script("p2pkh")[:-1],
        p2sh(b"")[:-1] + b"\x88",
    ],
)
def test_R9_other_outputs_have_none(script):
    assert output_owner(script, TAPROOT, MAIN) is None
