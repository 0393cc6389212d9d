"""The path from a tip into a block: right at every place, or not given at all (R64)."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from chains import SIGNER
from lodestamp.core.bitcoin import REGTEST, Block, OutPoint, Transaction, TxIn, TxOut, merkle_root
from lodestamp.core.timestamps import BitcoinHeader, apply_ops, encode_path, parse_timestamp
from lodestamp.errors import LogCorrupt, MalformedBlock, MalformedProof, MalformedTransaction
from lodestamp.node.anchors.bitcoin import PaidBy, anchor_transaction, encode_ops, ops_to_root

TIP = hashlib.sha256(b"tip").digest()
COIN = PaidBy(OutPoint(b"\x07" * 32, 0), 50_000)
ANCHOR = anchor_transaction(COIN, TIP, fee=154, height=10, signer=SIGNER)


def other(number):
    return Transaction(2, (TxIn(OutPoint(bytes([number]) * 32, 0)),), (TxOut(number, b"\x51"),))


def block_of(count, place):
    """A block of so many transactions with the anchor at a place."""
    txs = [other(n + 1) for n in range(count)]
    txs[place] = ANCHOR
    root, _ = merkle_root([tx.txid for tx in txs])
    return Block(replace(REGTEST.genesis, merkle=root), tuple(txs))


@pytest.mark.parametrize("count", range(1, 12))
def test_r64_the_path_leads_to_the_root_from_every_place_of_a_block(count):
    for place in range(count):
        block = block_of(count, place)
        try:
            ops = ops_to_root(block, ANCHOR.txid, TIP)
        except MalformedProof as error:
            raise AssertionError((count, place)) from error
        assert apply_ops(ops, TIP) == block.header.merkle
        encoded = encode_ops(ops)
        end = encode_path((), BitcoinHeader(9))
        assert parse_timestamp(encoded + end, TIP, strict=True).depth == len(ops)


def test_r64_a_block_without_the_transaction_gives_no_path():
    with pytest.raises(MalformedBlock):
        ops_to_root(block_of(3, 1), bytes(32), TIP)


def test_r64_a_header_with_another_root_gives_no_path():
    block = block_of(3, 1)
    lying = replace(block, header=replace(block.header, merkle=bytes(32)))
    with pytest.raises(MalformedProof):
        ops_to_root(lying, ANCHOR.txid, TIP)


def test_r64_a_transaction_that_publishes_another_tip_gives_no_path():
    with pytest.raises(MalformedTransaction):
        ops_to_root(block_of(3, 1), ANCHOR.txid, bytes(32))
    with pytest.raises((MalformedTransaction, LogCorrupt)):
        ops_to_root(block_of(3, 1), ANCHOR.txid, TIP, state_before=bytes(32))
