"""Transactions and blocks for tests."""

from __future__ import annotations

from dataclasses import replace

from lodestamp.core.bitcoin import (
    NULL_TXID,
    NULL_VOUT,
    REGTEST,
    Block,
    BlockHeader,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    meets_target,
    merkle_root,
    num_encode,
    push,
    push_bytes,
)


def coinbase(height: int, *outputs: TxOut, extra: bytes = b"test") -> Transaction:
    """A coinbase that pays nothing unless told otherwise."""
    script = push(num_encode(height)) + push_bytes(extra)
    item = TxIn(OutPoint(NULL_TXID, NULL_VOUT), script)
    return Transaction(2, (item,), outputs or (TxOut(0, b"\x51"),))


def payment(number: int, *, witness: tuple[bytes, ...] = ()) -> Transaction:
    """A transaction that differs from others by its number."""
    item = TxIn(OutPoint(number.to_bytes(32, "big"), 0), witness=witness)
    return Transaction(2, (item,), (TxOut(1_000 + number, b"\x51"),))


def block_of(*txs: Transaction, prev: bytes = bytes(32), time: int = 1_296_688_603) -> Block:
    """A block with its root and its work right."""
    root, _ = merkle_root([tx.txid for tx in txs])
    header = BlockHeader(0x20000000, prev, root, time, REGTEST.pow_limit_bits, 0)
    while not meets_target(header.hash, header.bits):
        header = replace(header, nonce=header.nonce + 1)
    return Block(header, txs)
