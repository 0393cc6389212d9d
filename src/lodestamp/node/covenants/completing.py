"""Adding to a bundle the blocks that hold its two transactions, once they are mined."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lodestamp.core.bitcoin import OutPoint, Transaction, TxInclusion
from lodestamp.core.covenants import ProofBundle
from lodestamp.errors import ChainNotFound, UsageError
from lodestamp.node.chains import ChainSource

SEARCHED_BLOCKS_MAX: Final = 4_032
"""Blocks looked through for a transaction whose outputs are all spent: four weeks of them."""


def completed(source: ChainSource, bundle: ProofBundle) -> ProofBundle:
    """Return the bundle with the inclusions that the best chain holds now.

    What is not found there stays as it was: a spend that waits has none. A transaction with an
    unspent output is found at once, any other within `SEARCHED_BLOCKS_MAX` blocks. UsageError for a
    bundle of another network; ChainError as the node answers.
    """
    if bundle.network != source.network.name:
        raise UsageError(f"the proof is of {bundle.network}, the chain of {source.network}")
    inclusion = _find(source, bundle.spend)
    if inclusion is None:
        return bundle
    funding = _find_named(source, bundle.spend.inputs[bundle.index].prevout.txid)
    return replace(bundle, inclusion=inclusion, funding=funding or bundle.funding)


def _find_named(source: ChainSource, txid: bytes) -> TxInclusion | None:
    try:
        return _find(source, source.transaction(txid))
    except ChainNotFound:
        return _search(source, txid)  # a node without an index only knows what waits


def _find(source: ChainSource, tx: Transaction) -> TxInclusion | None:
    for vout in range(len(tx.outputs)):
        unspent = source.utxo(OutPoint(tx.txid, vout))
        block = None if unspent is None else source.block_hash(unspent.coin.height)
        if block is not None:
            return source.inclusion(tx.txid, block)
    return _search(source, tx.txid)


def _search(source: ChainSource, txid: bytes) -> TxInclusion | None:
    """Look through the last blocks, the newest first."""
    tip = source.tip()
    block = tip.hash
    for _ in range(min(tip.height, SEARCHED_BLOCKS_MAX)):
        found = source.block(block).block
        if any(tx.txid == txid for tx in found.txs):
            return source.inclusion(txid, block)
        block = found.header.prev
    return None
