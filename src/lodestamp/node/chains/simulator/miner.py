"""Making the simulator's blocks: coinbase, witness commitment, proof of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import (
    COMMITMENT_HEAD,
    NULL_TXID,
    NULL_VOUT,
    REGTEST,
    Block,
    BlockHeader,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    commit_to_witnesses,
    meets_target,
    merkle_root,
    num_encode,
    push,
    push_bytes,
    subsidy,
)

BLOCK_VERSION: Final = 0x20000000
"""What a miner who signals nothing writes (BIP9)."""

_RESERVED: Final = bytes(32)


def mine_block(
    *,
    prev: bytes,
    height: int,
    time: int,
    script: bytes,
    txs: Sequence[Transaction],
    fees: int,
    extra: int,
) -> Block:
    """Return a block with its work done, about two hashes on regtest.

    `extra` sets apart two blocks of the same height, script and time, as an extra nonce does.
    """
    signature = push(num_encode(height)) + push_bytes(num_encode(extra))
    reward = TxOut(subsidy(height, REGTEST) + fees, script)
    item = TxIn(OutPoint(NULL_TXID, NULL_VOUT), signature, witness=(_RESERVED,))
    bare = Transaction(2, (item,), (reward,), 0)
    commitment = COMMITMENT_HEAD + commit_to_witnesses([bare, *txs], _RESERVED)
    coinbase = Transaction(2, (item,), (reward, TxOut(0, commitment)), 0)
    root, _ = merkle_root([coinbase.txid, *(tx.txid for tx in txs)])
    nonce = 0
    while True:
        header = BlockHeader(BLOCK_VERSION, prev, root, time, REGTEST.pow_limit_bits, nonce)
        if meets_target(header.hash, header.bits):
            return Block(header, (coinbase, *txs))
        nonce += 1
