"""The simulator as a `ChainSource`, without a socket between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import Final

from lodestamp.core.bitcoin import (
    Block,
    BlockHeader,
    Coin,
    NetworkParams,
    OutPoint,
    Rejection,
    Transaction,
    Txid,
    TxInclusion,
    TxOut,
    branch_of,
)
from lodestamp.errors import ChainNotFound
from lodestamp.node.chains.simulator.mempool import MIN_RELAY_FEE_RATE
from lodestamp.node.chains.simulator.simulator import Simulator
from lodestamp.node.chains.values import (
    Acceptance,
    BlockRecord,
    BlockRef,
    Capabilities,
    ChainEvent,
    Unspent,
)
from lodestamp.node.chains.watch import watch

_WATCH_POLL_S: Final = 0.05
"""Nobody else mines here: a look costs next to nothing."""


class SimulatedChain:
    """A simulator read and driven directly."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    @property
    def network(self) -> NetworkParams:
        """Regtest."""
        return self.simulator.network

    def capabilities(self) -> Capabilities:
        """Everything but packages and fee estimates."""
        with self.simulator.reading("reading deployments") as session:
            deployments = dict(session.deployments)
        return Capabilities(
            txindex=True,
            prevouts=True,
            proofs=True,
            mining=True,
            reorg=True,
            deployments=deployments,
        )

    def tip(self) -> BlockRef:
        """Return the last block of the best chain."""
        with self.simulator.reading("reading the tip") as session:
            return session.chain.tip()

    def block_hash(self, height: int) -> bytes | None:
        """Return the best chain's block at a height."""
        with self.simulator.reading("reading a block hash") as session:
            return session.chain.active_hash(height)

    def header(self, block_hash: bytes) -> BlockHeader:
        """Return the header of any stored block."""
        with self.simulator.reading("reading a header") as session:
            return BlockHeader.decode(session.chain.row(block_hash).header)

    def headers(self, start: int, count: int) -> tuple[BlockHeader, ...]:
        """Headers of the best chain."""
        with self.simulator.reading("reading headers") as session:
            hashes = session.chain.active_hashes(start, count)
            return tuple(BlockHeader.decode(session.chain.row(each).header) for each in hashes)

    def block(self, block_hash: bytes, *, prevouts: bool = False) -> BlockRecord:
        """Return a stored block."""
        with self.simulator.reading("reading a block") as session:
            row = session.chain.row(block_hash)
            spent = _outputs(session.chain.spent_coins(block_hash)) if prevouts else None
            return BlockRecord(Block.decode(row.raw), row.height, spent)

    def raw_block(self, block_hash: bytes) -> bytes:
        """Return the bytes of a stored block."""
        with self.simulator.reading("reading a block") as session:
            return bytes(session.chain.row(block_hash).raw)

    def raw_blocks(self, start: int, stop: int) -> Iterator[tuple[BlockRef, bytes]]:
        """Return the best chain's blocks in order; it ends where the chain does."""
        for height in range(start, stop):
            block_hash = self.block_hash(height)
            if block_hash is None:
                return
            yield BlockRef(height, block_hash), self.raw_block(block_hash)

    def transaction(
        self, txid: bytes, *, block: bytes | None = None, near: int | None = None
    ) -> Transaction:
        """Return a transaction of `block`, else of the mempool or the chain; `near` is moot."""
        del near
        with self.simulator.reading("reading a transaction") as session:
            if block is None:
                waiting = session.mempool.get(txid)
                if waiting is not None:
                    return waiting.tx
                place = session.chain.place_of(txid)
                if place is None:
                    raise ChainNotFound("no such transaction in the chain or the mempool")
                block = place[0]
            for tx in Block.decode(session.chain.row(block).raw).txs:
                if tx.txid == txid:
                    return tx
        raise ChainNotFound("the block does not hold this transaction")

    def prevouts(self, block_hash: bytes, tx_index: int) -> tuple[TxOut, ...]:
        """Return what a transaction of a block spends."""
        with self.simulator.reading("reading spent outputs") as session:
            spent = _outputs(session.chain.spent_coins(block_hash))
        if not 0 <= tx_index < len(spent):
            raise ChainNotFound(f"the block has no transaction {tx_index}")
        return spent[tx_index]

    def utxo(self, outpoint: OutPoint) -> Unspent | None:
        """Return the confirmed coin at an outpoint."""
        with self.simulator.reading("reading a coin") as session:
            coin = session.chain.find_coin(outpoint)
        return None if coin is None else Unspent(outpoint, coin)

    def utxos_of(self, script: bytes) -> tuple[Unspent, ...]:
        """Every confirmed coin of a script."""
        with self.simulator.reading("reading coins") as session:
            return session.chain.coins_of(script)

    def test_accept(self, tx: Transaction) -> Acceptance:
        """Whether the mempool would take a transaction."""
        with self.simulator.reading("judging a transaction") as session:
            judged = session.judge(tx)
        if isinstance(judged, Rejection):
            error = judged.script_error
            return Acceptance(
                allowed=False,
                reason=judged.reason,
                script_error=None if error is None else str(error),
            )
        return Acceptance(allowed=True, vsize=judged.entry.vsize, fee=judged.entry.fee)

    def broadcast(self, tx: Transaction) -> bytes:
        """Hand in a transaction; one that waits or is mined already is no error."""
        txid = tx.txid
        with self.simulator.reading("looking for a transaction") as session:
            waiting = session.mempool.get(txid)
            known = waiting is not None and waiting.tx == tx
            known = known or session.chain.place_of(txid) is not None
        return txid if known else self.simulator.send(tx)

    def inclusion(self, txid: bytes, block: bytes) -> TxInclusion:
        """Return the proof that a stored block holds a transaction."""
        found = self.block(block).block
        txids = [tx.txid for tx in found.txs]
        if txid not in txids:
            raise ChainNotFound("the block does not hold this transaction")
        index = txids.index(Txid(txid))
        stripped = found.txs[index].encode(witness=False)
        return TxInclusion(stripped, index, branch_of(txids, index), found.header)

    def fee_rate(self, target_blocks: int) -> int:
        """Return the least rate that is taken in: the next block has room for everything."""
        del target_blocks
        return MIN_RELAY_FEE_RATE

    def watch(self, since: BlockRef, stop: Event) -> Iterator[ChainEvent]:
        """Return what changes after `since`."""
        return watch(self, since, stop, poll_s=_WATCH_POLL_S)

    def mine(self, count: int, script: bytes) -> tuple[bytes, ...]:
        """Mine blocks with what waits."""
        return self.simulator.mine(count, script)

    def mine_with(self, txs: Sequence[Transaction], script: bytes) -> bytes:
        """Mine one block of exactly these transactions."""
        return self.simulator.mine_with(txs, script)

    def invalidate(self, block_hash: bytes) -> None:
        """Treat a block, and all upon it, as invalid."""
        self.simulator.invalidate(block_hash)

    def reconsider(self, block_hash: bytes) -> None:
        """Take that back."""
        self.simulator.reconsider(block_hash)

    def close(self) -> None:
        """Release the simulator's file."""
        self.simulator.close()


def _outputs(coins: tuple[tuple[Coin, ...], ...]) -> tuple[tuple[TxOut, ...], ...]:
    return tuple(tuple(coin.output for coin in each) for each in coins)
