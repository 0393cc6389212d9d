"""What signature operations cost a block (BIP16, BIP141)."""

from __future__ import annotations

from dataclasses import replace

from blocks import coinbase, payment
from lodestamp.core.bitcoin import TxOut, hash160, push_bytes, sha256, sigop_cost
from lodestamp.core.bitcoin.sigops import count_sigops

CHECKSIG, MULTISIG = b"\xac", b"\xae"


def spending(script_sig=b"", witness=(), outputs=()):
    tx = payment(0)
    item = replace(tx.inputs[0], script_sig=script_sig, witness=witness)
    return replace(tx, inputs=(item,), outputs=outputs or tx.outputs)


def test_a_multisignature_counts_its_keys_only_where_that_is_exact():
    script = b"\x53" + MULTISIG + CHECKSIG
    assert count_sigops(script, accurate=True) == 4
    assert count_sigops(script, accurate=False) == 21
    assert count_sigops(b"\x00" + MULTISIG, accurate=True) == 20
    assert count_sigops(CHECKSIG + b"\x4c", accurate=True) == 1  # up to where it is cut off


def test_bare_scripts_count_four_times():
    assert sigop_cost(spending(outputs=(TxOut(0, CHECKSIG),)), [TxOut(0, CHECKSIG)]) == 4
    assert sigop_cost(replace(coinbase(1), outputs=(TxOut(0, CHECKSIG * 2),)), []) == 8


def test_p2sh_counts_its_inner_script_exactly():
    inner = b"\x52" + MULTISIG
    script = b"\xa9\x14" + hash160(inner) + b"\x87"
    assert sigop_cost(spending(push_bytes(inner)), [TxOut(0, script)]) == 8


def test_witnesses_count_once():
    v0_key, inner = b"\x00\x14" + bytes(20), b"\x53" + MULTISIG
    v0_script = b"\x00\x20" + sha256(inner)
    assert sigop_cost(spending(witness=(b"", b"")), [TxOut(0, v0_key)]) == 1
    assert sigop_cost(spending(witness=(b"", inner)), [TxOut(0, v0_script)]) == 3
    assert sigop_cost(spending(), [TxOut(0, v0_script)]) == 0
    assert sigop_cost(spending(witness=(CHECKSIG,)), [TxOut(0, b"\x51\x20" + bytes(32))]) == 0
    nested = b"\xa9\x14" + hash160(v0_key) + b"\x87"
    assert sigop_cost(spending(push_bytes(v0_key), (b"", b"")), [TxOut(0, nested)]) == 1
