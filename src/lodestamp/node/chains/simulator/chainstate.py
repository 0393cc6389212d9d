"""The simulator's blocks and coins inside one SQL transaction: connect, disconnect, choose.

A block is stored once and never changes but for its status. Its undo, the coins it spent, makes
leaving it exact. The best chain is the one of most work without an invalid block; on a tie the one
seen first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lodestamp.core.bitcoin import (
    REGTEST,
    Block,
    BlockHeader,
    ChainEntry,
    Coin,
    Flag,
    HeaderChain,
    OutPoint,
    Rejection,
    Transaction,
    TxOut,
    check_block,
    check_in_place,
    coins_made,
    connect_block,
    decode_coins,
    encode_coins,
    extend,
)
from lodestamp.errors import BadHeader, ChainNotFound, ChainRejected
from lodestamp.node.chains.simulator.tables import ACTIVE, BLOCK, TX, UTXO
from lodestamp.node.chains.values import BlockRef, Unspent

_MEDIAN_SPAN = 11


class Status(IntEnum):
    """What is held of a block: not refuted, broken, or refused by command; and what is upon it."""

    STANDING = 0
    INVALID = 1
    INVALIDATED = 2
    UPON_INVALID = 3


@dataclass(frozen=True, slots=True)
class Change:
    """What one activation did: blocks that left, newest first, and that joined, oldest first."""

    left: tuple[Block, ...]
    joined: tuple[Block, ...]


class ChainState:
    """Blocks and coins as one connection sees them."""

    def __init__(
        self, connection: Connection, flags: Flag, entries: dict[bytes, ChainEntry]
    ) -> None:
        self._connection = connection
        self._flags = flags
        self._entries = entries

    # Blocks

    def tip(self) -> BlockRef:
        """Return the last block of the best chain."""
        query = select(ACTIVE.c.height, ACTIVE.c.hash).order_by(ACTIVE.c.height.desc()).limit(1)
        return BlockRef(*self._connection.execute(query).one())

    def active_hash(self, height: int) -> bytes | None:
        """Return the best chain's block at a height."""
        query = select(ACTIVE.c.hash).where(ACTIVE.c.height == height)
        return self._connection.execute(query).scalar()

    def hash_at(self, height: int) -> bytes:
        """Return the best chain's block at a height; ChainNotFound above the tip."""
        found = self.active_hash(height)
        if found is None:
            raise ChainNotFound(f"the chain has no block at {height}")
        return found

    def active_hashes(self, start: int, count: int) -> list[bytes]:
        """Return the best chain's hashes from a height on."""
        query = select(ACTIVE.c.hash).where(ACTIVE.c.height.between(start, start + count - 1))
        return list(self._connection.execute(query.order_by(ACTIVE.c.height)).scalars())

    def row(self, block_hash: bytes) -> Row[Any]:
        """Return the stored row of a block; ChainNotFound."""
        found = self._connection.execute(select(BLOCK).where(BLOCK.c.hash == block_hash)).first()
        if found is None:
            raise ChainNotFound("there is no such block")
        return found

    def has(self, block_hash: bytes) -> bool:
        """Tell whether a block is stored."""
        query = select(BLOCK.c.seq).where(BLOCK.c.hash == block_hash)
        return self._connection.execute(query).first() is not None

    def is_active(self, block_hash: bytes) -> bool:
        """Tell whether a block is in the best chain."""
        query = select(ACTIVE.c.height).where(ACTIVE.c.hash == block_hash)
        return self._connection.execute(query).first() is not None

    def children(self, block_hash: bytes) -> list[bytes]:
        """Return the blocks upon a block, in the order they were seen."""
        query = select(BLOCK.c.hash).where(BLOCK.c.prev == block_hash).order_by(BLOCK.c.seq)
        return list(self._connection.execute(query).scalars())

    def leaves(self) -> list[Row[Any]]:
        """Return the last block of each branch."""
        parents = select(BLOCK.c.prev)
        query = select(BLOCK).where(BLOCK.c.hash.not_in(parents)).order_by(BLOCK.c.seq)
        return list(self._connection.execute(query))

    def next_seq(self) -> int:
        """Return the number of the next block to be stored."""
        return (self._connection.execute(select(func.max(BLOCK.c.seq))).scalar() or 0) + 1

    def entry(self, block_hash: bytes) -> ChainEntry:
        """Return a block's header with as many before it as a new header's rules look at.

        What was found is kept between commands: a header never changes.
        """
        known = self._entries.get(block_hash)
        if known is None:
            known = self._entries[block_hash] = self._load_entry(block_hash)
        return known

    def _load_entry(self, block_hash: bytes) -> ChainEntry:
        row = self.row(block_hash)
        parent = self._entries.get(row.prev)
        if parent is not None:
            header = BlockHeader.decode(row.header)
            return ChainEntry.of(
                header, block_hash, row.height, int.from_bytes(row.work, "big"), parent
            )
        rows: list[Row[Any]] = []
        while len(rows) < _MEDIAN_SPAN and (not rows or rows[-1].height):
            rows.append(self.row(rows[-1].prev if rows else block_hash))
        entry: ChainEntry | None = None
        for row in reversed(rows):
            header = BlockHeader.decode(row.header)
            work = int.from_bytes(row.work, "big")
            entry = ChainEntry.of(header, row.hash, row.height, work, entry)
        if entry is None:
            raise ChainNotFound("there is no such block")
        return entry

    def median_time_at(self, height: int) -> int:
        """Return the median time past of the best chain's block at a height."""
        return self.entry(self.hash_at(height)).median_time()

    def add(self, block: Block, raw: bytes, *, now: int | None) -> Rejection | None:
        """Store a block that extends a known one, unless its header or its shape is bad.

        ChainRejected ``prev-blk-not-found``, or ``bad-prevblk`` upon an invalid one.
        """
        if not self.has(block.header.prev):
            raise ChainRejected("prev-blk-not-found")
        if self.row(block.header.prev).status != Status.STANDING:
            raise ChainRejected("bad-prevblk")
        parent = self.entry(block.header.prev)
        try:
            entry = extend(HeaderChain(REGTEST, parent), block.header, now=now).tip
        except BadHeader as error:
            return Rejection(error.code)
        bad = check_block(block) or check_in_place(
            block, entry.height, parent.median_time(), REGTEST
        )
        if bad is None:
            self._insert(entry, raw)
        return bad

    def add_genesis(self, block: Block) -> None:
        """Begin the chain; the genesis coinbase makes no coin."""
        entry = HeaderChain.genesis(REGTEST).tip
        self._insert(entry, block.encode(), undo=b"")
        self._connection.execute(insert(ACTIVE).values(height=0, hash=entry.hash))
        self._index(block, entry.hash)

    # Coins

    def find_coin(self, outpoint: OutPoint) -> Coin | None:
        """Return an unspent coin of the best chain."""
        place = (UTXO.c.txid == outpoint.txid, UTXO.c.vout == outpoint.vout)
        found = self._connection.execute(select(UTXO).where(*place)).first()
        return None if found is None else _coin(found)

    def coins_of(self, script: bytes) -> tuple[Unspent, ...]:
        """Return the coins of a script, by outpoint."""
        query = select(UTXO).where(UTXO.c.script == script).order_by(UTXO.c.txid, UTXO.c.vout)
        return tuple(_unspent(row) for row in self._connection.execute(query))

    def coins(self) -> Iterator[Unspent]:
        """Yield the whole set, by outpoint."""
        query = select(UTXO).order_by(UTXO.c.txid, UTXO.c.vout)
        return (_unspent(row) for row in self._connection.execute(query))

    def place_of(self, txid: bytes) -> tuple[bytes, int] | None:
        """Return the best chain's block that holds a transaction, and its place in it."""
        query = select(TX.c.block_hash, TX.c.position).where(TX.c.txid == txid)
        found = self._connection.execute(query).first()
        return None if found is None else (found.block_hash, found.position)

    def spent_coins(self, block_hash: bytes) -> tuple[tuple[Coin, ...], ...]:
        """Return, per transaction of a block that was once connected, the coins it spends."""
        row = self.row(block_hash)
        if row.undo is None:
            raise ChainNotFound("the block was never connected, so what it spends is not known")
        coins = iter(decode_coins(row.undo))
        return tuple(
            () if tx.is_coinbase else tuple(next(coins) for _ in tx.inputs)
            for tx in Block.decode(row.raw).txs
        )

    # Choosing

    def mark_invalid(self, block_hash: bytes, status: Status) -> None:
        """Mark a block, and everything upon it."""
        self._mark(block_hash, status)
        waiting = self.children(block_hash)
        while waiting:
            child = waiting.pop()
            if self.row(child).status == Status.STANDING:
                self._mark(child, Status.UPON_INVALID)
            waiting += self.children(child)

    def clear_invalid(self, block_hash: bytes) -> None:
        """Let a block stand again, with all before and upon it (Core's `reconsiderblock`)."""
        row = self.row(block_hash)
        waiting = [block_hash]
        while waiting:
            each = waiting.pop()
            self._mark(each, Status.STANDING)
            waiting += self.children(each)
        while row.height:
            row = self.row(row.prev)
            self._mark(row.hash, Status.STANDING)

    def activate(self) -> tuple[Change, dict[bytes, Rejection]]:
        """Make the best chain the active one; also tell which blocks broke on the way."""
        left: list[Block] = []
        joined: list[Block] = []
        broken: dict[bytes, Rejection] = {}
        while True:
            best = self._best()
            path: list[Row[Any]] = []
            row = self.row(best)
            while not self.is_active(row.hash):
                path.append(row)
                row = self.row(row.prev)
            while self.tip().hash != row.hash:
                block = self._disconnect()
                if joined:
                    joined.pop()
                else:
                    left.append(block)
            for each in reversed(path):
                block = Block.decode(each.raw)
                bad = self._connect(block, each)
                if bad is not None:
                    broken[each.hash] = bad
                    self.mark_invalid(each.hash, Status.INVALID)
                    break
                joined.append(block)
            else:
                return Change(tuple(left), tuple(joined)), broken

    def _best(self) -> bytes:
        work = BLOCK.c.work.desc()
        query = select(BLOCK.c.hash).where(BLOCK.c.status == Status.STANDING)
        best: bytes = self._connection.execute(
            query.order_by(work, BLOCK.c.seq).limit(1)
        ).scalar_one()  # the genesis block always stands
        return best

    def _connect(self, block: Block, row: Row[Any]) -> Rejection | None:
        result = connect_block(
            block,
            row.height,
            find_coin=self.find_coin,
            median_time_at=self.median_time_at,
            flags=self._flags,
            net=REGTEST,
        )
        if isinstance(result, Rejection):
            return result
        outpoints = [
            {"txid": item.prevout.txid, "vout": item.prevout.vout}
            for tx in block.txs[1:]
            for item in tx.inputs
        ]
        made: dict[OutPoint, Coin] = {}
        for tx in block.txs:
            made |= coins_made(tx, row.height)
        self._put(made)
        self._take(outpoints)
        self._index(block, row.hash)
        self._connection.execute(insert(ACTIVE).values(height=row.height, hash=row.hash))
        undo = encode_coins(result.spent)
        self._connection.execute(update(BLOCK).where(BLOCK.c.hash == row.hash).values(undo=undo))
        return None

    def _disconnect(self) -> Block:
        tip = self.tip()
        row = self.row(tip.hash)
        block = Block.decode(row.raw)
        made: dict[OutPoint, Coin] = {}
        for tx in block.txs:
            made |= coins_made(tx, tip.height)
        spent = [item.prevout for tx in block.txs[1:] for item in tx.inputs]
        self._put(dict(zip(spent, decode_coins(row.undo), strict=True)))
        self._take([{"txid": each.txid, "vout": each.vout} for each in made])
        self._connection.execute(delete(ACTIVE).where(ACTIVE.c.height == tip.height))
        self._connection.execute(delete(TX).where(TX.c.block_hash == tip.hash))
        return block

    def _put(self, coins: dict[OutPoint, Coin]) -> None:
        if coins:
            rows = [_coin_row(outpoint, coin) for outpoint, coin in coins.items()]
            self._connection.execute(insert(UTXO).prefix_with("OR REPLACE"), rows)

    def _take(self, outpoints: Sequence[dict[str, Any]]) -> None:
        if outpoints:
            sql = "DELETE FROM sim_utxo WHERE txid = :txid AND vout = :vout"
            self._connection.exec_driver_sql(sql, list(outpoints))

    def _index(self, block: Block, block_hash: bytes) -> None:
        rows = [
            {"txid": tx.txid, "block_hash": block_hash, "position": position}
            for position, tx in enumerate(block.txs)
        ]
        self._connection.execute(insert(TX).prefix_with("OR REPLACE"), rows)

    def _insert(self, entry: ChainEntry, raw: bytes, undo: bytes | None = None) -> None:
        self._connection.execute(
            insert(BLOCK).values(
                hash=entry.hash,
                height=entry.height,
                prev=entry.header.prev,
                header=entry.header.encode(),
                work=entry.work.to_bytes(32, "big"),
                raw=raw,
                undo=undo,
                status=Status.STANDING,
                seq=self.next_seq(),
            )
        )

    def _mark(self, block_hash: bytes, status: Status) -> None:
        chosen = update(BLOCK).where(BLOCK.c.hash == block_hash)
        self._connection.execute(chosen.values(status=status))


def transactions_of(change: Change) -> list[Transaction]:
    """Return what the blocks that left held beside their coinbases, oldest first."""
    return [tx for block in reversed(change.left) for tx in block.txs[1:]]


def _coin(row: Row[Any]) -> Coin:
    return Coin(TxOut(row.amount, row.script), row.height, row.coinbase)


def _unspent(row: Row[Any]) -> Unspent:
    return Unspent(OutPoint(row.txid, row.vout), _coin(row))


def _coin_row(outpoint: OutPoint, coin: Coin) -> dict[str, Any]:
    return {
        "txid": outpoint.txid,
        "vout": outpoint.vout,
        "amount": coin.output.amount,
        "script": coin.output.script,
        "height": coin.height,
        "coinbase": coin.is_coinbase,
    }
