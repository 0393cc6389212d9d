"""The transaction that carries a tip: its exact shape, and what it refuses (R56)."""

from __future__ import annotations

import hashlib

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    STANDARD,
    OutPoint,
    TxOut,
    check_standard,
    output_script,
    verify_input,
)
from lodestamp.errors import FundsError, MalformedTransaction
from lodestamp.node.anchors.bitcoin import (
    ANCHOR_SIZE,
    ANCHOR_VSIZE,
    ANCHOR_WEIGHT,
    PREFIX_SIZE,
    PaidBy,
    anchor_transaction,
    split,
)
from lodestamp.node.chains import SecretSigner

SIGNER = SecretSigner(bytes(31) + b"\x07", bytes)
OWN = bytes(output_script(SIGNER.xonly()))
TIP = hashlib.sha256(b"tip").digest()
COIN = PaidBy(OutPoint(bytes(range(32)), 3), 100_000)


def made(**options):
    given = {"fee": 154, "height": 840_000, "signer": SIGNER} | options
    return anchor_transaction(COIN, TIP, **given)


def test_r56_the_transaction_has_the_shape_and_the_size_that_the_path_counts_on():
    tx = made()
    stripped = tx.encode(witness=False)
    assert (len(stripped), tx.weight, tx.vsize) == (137, 616, 154)
    assert (ANCHOR_SIZE, ANCHOR_WEIGHT, ANCHOR_VSIZE) == (137, 616, 154)
    assert (tx.version, tx.locktime, tx.inputs[0].sequence) == (2, 840_000, 0xFFFFFFFD)
    assert tx.outputs == (TxOut(99_846, OWN), TxOut(0, b"\x6a\x20" + TIP))
    before, after = split(stripped, TIP)
    assert (len(before), after) == (PREFIX_SIZE, (840_000).to_bytes(4, "little"))
    assert PREFIX_SIZE == 101
    assert hashlib.sha256(hashlib.sha256(before + TIP + after).digest()).digest() == tx.txid


def test_r56_the_signature_holds_by_the_key_path_and_nodes_relay_it():
    tx = made()
    spent = (TxOut(COIN.value, OWN),)
    assert [len(item) for item in tx.inputs[0].witness] == [64]
    assert verify_input(tx, 0, spent, CONSENSUS).ok
    assert verify_input(tx, 0, spent, STANDARD).ok
    assert check_standard(tx, spent) is None


def test_a_coin_that_leaves_dust_pays_for_nothing():
    assert made(fee=100_000 - 330).outputs[0].amount == 330
    with pytest.raises(FundsError, match="100,000"):
        made(fee=100_000 - 329)


def test_a_tip_is_32_bytes():
    with pytest.raises(MalformedTransaction) as refused:
        anchor_transaction(COIN, b"short", fee=154, height=1, signer=SIGNER)
    assert refused.value.code == "tip"


def test_bytes_that_stand_twice_or_never_give_no_path():
    for stripped in (TIP + TIP, b"nothing"):
        with pytest.raises(MalformedTransaction):
            split(stripped, TIP)
