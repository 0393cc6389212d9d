"""Reading the chain block by block: what the anchor's key has, and where its versions are (R62).

The last 200 blocks that were read are kept. Each look holds them against the chain from the tip
down; what left is undone, then what is new is read. Each block is one transaction with the place
reached, so that a kill loses nothing and counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from lodestamp.core.bitcoin import Block, OutPoint
from lodestamp.errors import ChainUnavailable, ChainUnsupported, ReorgTooDeep
from lodestamp.node.anchors.bitcoin.rows import REVERSIBLE_MAX
from lodestamp.node.anchors.tables import blocks, coins, transactions
from lodestamp.node.chains import BlockRef, ChainSource
from lodestamp.node.storage import Database

_STARTS_MAX: Final = 5
"""How often the first look is begun again because the chain moved meanwhile."""


class ChainReader:
    """Follows one chain for one output script."""

    def __init__(self, database: Database, source: ChainSource, script: bytes) -> None:
        self._database = database
        self._source = source
        self._script = script

    def start(self, birthday: int | None = None) -> None:
        """Begin, where nothing has been read yet: at the key's first block, or at the tip.

        Without a birthday the coins are asked of the node once, where it can tell them.
        """
        with self._database.reading("looking where reading stopped") as connection:
            if connection.execute(select(func.max(blocks.c.height))).scalar() is not None:
                return
        if birthday is not None:
            height = max(0, min(birthday - 1, self._source.tip().height))
            block_hash = self._source.block_hash(height) or self._source.network.genesis.hash
            self._begin_at(BlockRef(height, block_hash), [])
            return
        for _ in range(_STARTS_MAX):
            tip = self._source.tip()
            found = self._coins_there()
            if self._source.tip() == tip:
                self._begin_at(tip, found)
                return
        raise ChainUnavailable("the chain does not stand still long enough to be read")

    def catch_up(self) -> BlockRef:
        """Undo what left the chain, read what is new, and return the last block read.

        ReorgTooDeep when the chain changed further back than is kept.
        """
        last = self._undo_left()
        while True:
            following = self._source.block_hash(last.height + 1)
            if following is None:
                if self._source.block_hash(last.height) == last.hash:
                    return last
                last = self._undo_left()
                continue
            found = self._source.block(following).block
            if found.header.prev != last.hash:  # the chain has just changed: look again
                last = self._undo_left()
                continue
            last = BlockRef(last.height + 1, following)
            with self._database.writing("reading a block for anchors") as connection:
                _connect(connection, found, last, self._script)

    def _undo_left(self) -> BlockRef:
        with self._database.reading("looking where reading stopped") as connection:
            kept = _kept(connection)
        held = (each for each in kept if self._source.block_hash(each.height) == each.hash)
        last = next(held, None)  # what holds one block holds all below it
        if last is None:
            raise ReorgTooDeep(f"the chain changed below height {kept[-1].height:,}")
        if last != kept[0]:
            with self._database.writing("undoing blocks that left the chain") as connection:
                _disconnect(connection, last.height + 1)
        return last

    def _coins_there(self) -> list[dict[str, Any]]:
        try:
            found = self._source.utxos_of(self._script)
        except ChainUnsupported:
            return []
        return [
            {
                "txid": each.outpoint.txid,
                "vout": each.outpoint.vout,
                "value": each.coin.output.amount,
                "height": each.coin.height,
                "coinbase": each.coin.is_coinbase,
            }
            for each in found
        ]

    def _begin_at(self, ref: BlockRef, found: Sequence[dict[str, Any]]) -> None:
        lowest = max(0, ref.height - REVERSIBLE_MAX + 1)
        below = self._source.headers(lowest, ref.height - lowest + 1)
        kept = [{"height": height, "hash": each.hash} for height, each in enumerate(below, lowest)]
        if not kept or kept[-1]["hash"] != ref.hash:
            raise ChainUnavailable("the chain does not stand still long enough to be read")
        with self._database.writing("beginning to read for anchors") as connection:
            connection.execute(insert(blocks), kept)
            if found:
                connection.execute(insert(coins), found)


def _kept(connection: Connection) -> list[BlockRef]:
    """Return the blocks that were read last, newest first."""
    rows = connection.execute(select(blocks).order_by(blocks.c.height.desc()))
    return [BlockRef(row.height, row.hash) for row in rows]


def _connect(connection: Connection, block: Block, ref: BlockRef, script: bytes) -> None:
    connection.execute(insert(blocks).values(height=ref.height, hash=ref.hash))
    stale = blocks.c.height <= ref.height - REVERSIBLE_MAX
    connection.execute(delete(blocks).where(stale))
    ours = set(connection.execute(select(transactions.c.txid)).scalars())
    query = select(coins.c.txid, coins.c.vout).where(coins.c.spent_by.is_(None))
    unspent = {OutPoint(row.txid, row.vout) for row in connection.execute(query)}
    for tx in block.txs:
        paid = [vout for vout, output in enumerate(tx.outputs) if output.script == script]
        spent = [each.prevout for each in tx.inputs if each.prevout in unspent]
        if not paid and not spent:
            continue
        txid = tx.txid
        for outpoint in spent:
            _spend(connection, outpoint, by=txid, height=ref.height)
        for vout in paid:
            coin = OutPoint(txid, vout)
            _keep(connection, coin, tx.outputs[vout].amount, ref.height, coinbase=tx.is_coinbase)
            unspent.add(coin)
        if txid in ours:  # each version gives its change back, so it is always seen here
            place = update(transactions).where(transactions.c.txid == txid)
            connection.execute(place.values(height=ref.height))


def _spend(connection: Connection, coin: OutPoint, *, by: bytes, height: int) -> None:
    row = update(coins).where(coins.c.txid == coin.txid, coins.c.vout == coin.vout)
    connection.execute(row.values(spent_by=by, spent_height=height))


def _keep(
    connection: Connection, coin: OutPoint, value: int, height: int, *, coinbase: bool
) -> None:
    row = update(coins).where(coins.c.txid == coin.txid, coins.c.vout == coin.vout)
    if not connection.execute(row.values(height=height)).rowcount:
        new = insert(coins).values(txid=coin.txid, vout=coin.vout, value=value, height=height)
        connection.execute(new.values(coinbase=coinbase))


def _disconnect(connection: Connection, lowest: int) -> None:
    """Undo every block from a height on."""
    connection.execute(delete(blocks).where(blocks.c.height >= lowest))
    unspent = update(coins).where(coins.c.spent_height >= lowest)
    connection.execute(unspent.values(spent_by=None, spent_height=None))
    connection.execute(update(coins).where(coins.c.height >= lowest).values(height=None))
    unplaced = update(transactions).where(transactions.c.height >= lowest)
    connection.execute(unplaced.values(height=None))
