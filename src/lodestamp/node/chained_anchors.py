"""Anchors of this home that a covenant chains, in the form that a proof carries (R65, spec §9)."""

from __future__ import annotations

from sqlalchemy import Connection

from lodestamp.core.proof import CHAIN_TRANSACTIONS_MAX, AnchorChain, AnchorCovenant
from lodestamp.core.timestamps import Timestamp
from lodestamp.node.anchors import chain_through


def chain_of(connection: Connection, timestamp: Timestamp) -> AnchorChain | None:
    """Return the chain of states that a timestamp of one of our commitments passes through.

    None for a plain anchor, for one that is not of this home's own cycles, and for a chain of more
    links than a proof may carry: its path holds without them. LogCorrupt when a link is missing.
    """
    behind = chain_through(connection, timestamp.msg, _messages(timestamp))
    if behind is None or len(behind.transactions) - 1 > CHAIN_TRANSACTIONS_MAX:
        return None
    *before, last = behind.transactions
    # What spends a coin under a covenant shows its leaf, ahead of the control block (BIP 341).
    leaf = last.inputs[0].witness[-2]
    covenant = AnchorCovenant(
        bytes(leaf),
        tuple(each.encode(witness=False) for each in before),
        behind.tips[:-1],
    )
    return AnchorChain(behind.genesis_txid, behind.state_before, covenant)


def _messages(timestamp: Timestamp) -> set[bytes]:
    """Return every message on the one path of a complete timestamp."""
    met = {timestamp.msg}
    while timestamp.edges:
        ((_, timestamp),) = timestamp.edges
        met.add(timestamp.msg)
    return met
