"""The chain of anchors behind one of them, as a verifier is given it (R65; covenants spec T6)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from lodestamp.core.bitcoin import OutPoint, Transaction
from lodestamp.errors import LogCorrupt
from lodestamp.node.anchors.bitcoin.path import state_of
from lodestamp.node.anchors.bitcoin.rows import find_version
from lodestamp.node.anchors.tables import commitments, cycles, transactions


@dataclass(frozen=True, slots=True)
class ChainBehind:
    """The links from the genesis to one anchor, and the tips that those after the genesis add.

    `state_before` is what the last link but one publishes, 32 bytes.
    """

    transactions: tuple[Transaction, ...]
    tips: tuple[bytes, ...]
    state_before: bytes

    @property
    def genesis_txid(self) -> bytes:
        """The id of the first link, internal byte order."""
        return self.transactions[0].txid


def chain_behind(connection: Connection, txid: bytes) -> ChainBehind | None:
    """Return the chain that ends with a version; None for a plain anchor.

    LogCorrupt when a link is not stored.
    """
    links: list[Transaction] = []
    tips: list[bytes] = []
    while True:
        row = find_version(connection, txid)
        if row is None:
            raise LogCorrupt(f"link {txid[::-1].hex()} of the chain of anchors is not stored")
        tx = Transaction.decode(row.raw)
        if state_of(tx) is None:
            return None
        links.append(tx)
        if not row.count:
            break
        tips.append(row.tip)
        txid = tx.inputs[0].prevout.txid
    before = state_of(links[min(1, len(links) - 1)]) or b""
    return ChainBehind(tuple(reversed(links)), tuple(reversed(tips)), before)


def chain_through(
    connection: Connection, commitment: bytes, messages: Collection[bytes]
) -> ChainBehind | None:
    """Return the chain behind the anchor of a commitment whose path meets these messages.

    None for a plain anchor, and where the path goes through no anchor of ours. LogCorrupt when a
    link is not stored.
    """
    query = (
        select(cycles.c.txid)
        .join(commitments, commitments.c.cycle == cycles.c.id)
        .where(commitments.c.commitment == commitment, cycles.c.height.is_not(None))
    )
    txid: bytes | None = connection.execute(query).scalar()
    return chain_behind(connection, txid) if txid is not None and txid in messages else None


def chain_end(connection: Connection, script: bytes) -> Transaction | None:
    """Return the newest mined link whose coin has an output script; the next one spends it."""
    query = select(transactions.c.raw).where(transactions.c.height.is_not(None))
    mined = [Transaction.decode(raw) for raw in connection.execute(query).scalars()]
    links = {tx.txid: tx for tx in mined if tx.outputs[0].script == script}
    spent = {each.prevout for tx in links.values() for each in tx.inputs}
    return next((tx for tx in links.values() if OutPoint(tx.txid, 0) not in spent), None)
