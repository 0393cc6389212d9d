"""From a tip to the Merkle root of the block that holds its transaction (R64, R65)."""

from __future__ import annotations

from lodestamp.core.bitcoin import Block, Transaction, TxInclusion, branch_of, check_inclusion
from lodestamp.core.covenants import anchored_value, next_state
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Op,
    apply_ops,
    encode_path,
    state_ops,
    transaction_ops,
)
from lodestamp.errors import LogCorrupt, MalformedBlock
from lodestamp.node.anchors.bitcoin.transaction import split


def state_of(tx: Transaction) -> bytes | None:
    """Return the state that a chained anchor publishes; None for a plain one."""
    return anchored_value(bytes(tx.outputs[1].script)) if len(tx.outputs) > 1 else None


def ops_to_root(
    block: Block, txid: bytes, tip: bytes, *, state_before: bytes | None = None
) -> tuple[Op, ...]:
    """Return the operations from a tip to the root in the header of a block.

    `state_before` is that of a chained anchor. Their result is held against the header, and the
    place against every forgery that Bitcoin's tree allows, before anything is returned.
    MalformedBlock ``txid`` when the block lacks the transaction, MalformedProof as
    `check_inclusion`; LogCorrupt when the transaction does not publish what the tip makes.
    """
    txids = [bytes(tx.txid) for tx in block.txs]
    if txid not in txids:
        raise MalformedBlock("txid", "the block does not hold the transaction")
    index = txids.index(txid)
    stripped = block.txs[index].encode(witness=False)
    branch = branch_of(txids, index)
    check_inclusion(TxInclusion(stripped, index, branch, block.header))
    published, ops = tip, tuple[Op, ...]()
    if state_before is not None:
        published, ops = next_state(state_before, tip), state_ops(state_before)
    before, after = split(stripped, published)
    ops = (*ops, *transaction_ops(before, after, branch, index))
    if apply_ops(ops, tip) != block.header.merkle:
        raise LogCorrupt("the path from the tip does not lead to the block's root")
    return ops


def encode_ops(ops: tuple[Op, ...]) -> bytes:
    """Return operations as they stand in a timestamp, without the attestation behind them."""
    end = BitcoinHeader(0)
    return encode_path(ops, end).removesuffix(encode_path((), end))
