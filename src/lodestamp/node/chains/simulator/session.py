"""One command of the simulator: chain, mempool and rules inside one SQL transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from lodestamp.core.bitcoin import (
    BLOCK_SIGOP_COST_MAX,
    BLOCK_WEIGHT_MAX,
    CONSENSUS,
    Block,
    ChainEntry,
    Flag,
    Rejection,
    Transaction,
    TxOut,
    sigop_cost,
    standard_flags,
)
from lodestamp.errors import ChainRejected
from lodestamp.node.chains.simulator.chainstate import (
    ChainState,
    Change,
    Status,
    transactions_of,
)
from lodestamp.node.chains.simulator.mempool import ChainView, Judged, Mempool, Waiting
from lodestamp.node.chains.simulator.miner import mine_block
from lodestamp.node.chains.simulator.tables import MEMPOOL, META
from lodestamp.node.chains.values import BlockRef

Clock = Callable[[], int]
"""Unix seconds."""

DEPLOYMENTS: Final = {
    "opcat": Flag.OP_CAT,
    "checktemplateverify": Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH,
}
"""Soft forks a file can do without, with the flag that enforces each."""

_RESERVED_WEIGHT: Final = 4_000
"""Room for header and coinbase."""
_RESERVED_SIGOPS: Final = 400


class Session:
    """What one command sees: the chain, the mempool, and the rules of this file."""

    def __init__(
        self,
        connection: Connection,
        mempool: Mempool,
        clock: Clock,
        entries: dict[bytes, ChainEntry],
    ) -> None:
        self._connection = connection
        self._clock = clock
        found = {row.key: row.value for row in connection.execute(select(META))}
        self.meta: dict[str, str] = found
        self.deployments = {name: found.get(name, "1") == "1" for name in DEPLOYMENTS}
        self.chain = ChainState(connection, self.consensus, entries)
        self.mempool = mempool

    @property
    def consensus(self) -> Flag:
        """The script flags under which blocks are valid (R33)."""
        flags = CONSENSUS
        for name, enforced in DEPLOYMENTS.items():
            flags |= enforced if self.deployments[name] else Flag(0)
        return flags

    @property
    def standard(self) -> Flag:
        """The script flags under which transactions are taken in (R33)."""
        return standard_flags(**self.deployments)

    def now(self) -> int:
        """Return the mock time where one is set, else the clock's."""
        mocked = int(self.meta.get("mocktime", "0"))
        return mocked or self._clock()

    def set_meta(self, key: str, value: str) -> None:
        """Keep a setting of this file."""
        self.meta[key] = value
        row = insert(META).prefix_with("OR REPLACE").values(key=key, value=value)
        self._connection.execute(row)

    def view(self) -> ChainView:
        """Return the chain as the mempool sees it."""
        chain = self.chain
        return ChainView(
            height=chain.tip().height,
            find_coin=chain.find_coin,
            median_time_at=chain.median_time_at,
            is_mined=lambda txid: chain.place_of(txid) is not None,
            standard=self.standard,
            consensus=self.consensus,
        )

    def judge(self, tx: Transaction) -> Judged | Rejection:
        """Say whether the mempool would take a transaction."""
        return self.mempool.judge(tx, self.view(), self.now())

    def admit(self, tx: Transaction, *, returning: bool = False) -> Rejection | None:
        """Take a transaction into the mempool, in place of what it replaces."""
        judged = self.mempool.judge(tx, self.view(), self.now(), returning=returning)
        if isinstance(judged, Rejection):
            return judged
        self._drop(judged.replaces)
        self._keep(judged.entry)
        return None

    def submit(self, block: Block) -> Rejection | None:
        """Add a block and let the best chain be chosen; None when it stands (or stood already)."""
        if self.chain.has(block.hash):
            known = Status(self.chain.row(block.hash).status)
            return None if known is Status.STANDING else Rejection("duplicate-invalid")
        bad = self.chain.add(block, block.encode(), now=self.now())
        return bad or self.activate().get(block.hash)

    def activate(self) -> dict[bytes, Rejection]:
        """Choose the best chain and bring the mempool after it; tell which blocks broke."""
        change, broken = self.chain.activate()
        if change.left:
            self._refill(change)
        elif change.joined:
            self._clear_mined(change.joined)
        return broken

    def mine_on(
        self, parent: BlockRef, script: bytes, txs: Sequence[Transaction], fees: int
    ) -> Block:
        """Make a block upon a known one, without adding it."""
        median = self.chain.entry(parent.hash).median_time()
        return mine_block(
            prev=parent.hash,
            height=parent.height + 1,
            time=max(median + 1, self.now()),
            script=script,
            txs=txs,
            fees=fees,
            extra=self.chain.next_seq(),
        )

    def block_template(self) -> tuple[list[Transaction], int]:
        """Choose what to mine: the mempool, parents first, up to a block's limits; and its fees."""
        weight, cost, fees = _RESERVED_WEIGHT, _RESERVED_SIGOPS, 0
        chosen: dict[bytes, Transaction] = {}
        skipped: set[bytes] = set()
        for entry in self.mempool.entries():
            parents = {item.prevout.txid for item in entry.tx.inputs}
            entry_cost = sigop_cost(entry.tx, self._spent_outputs(entry.tx))
            fits = weight + entry.tx.weight <= BLOCK_WEIGHT_MAX
            fits = fits and cost + entry_cost <= BLOCK_SIGOP_COST_MAX
            if not fits or parents & skipped:
                skipped.add(entry.txid)
                continue
            weight, cost, fees = weight + entry.tx.weight, cost + entry_cost, fees + entry.fee
            chosen[entry.txid] = entry.tx
        return list(chosen.values()), fees

    def _spent_outputs(self, tx: Transaction) -> list[TxOut]:
        outputs = []
        for item in tx.inputs:
            parent = self.mempool.get(item.prevout.txid)
            if parent is not None:
                outputs.append(parent.tx.outputs[item.prevout.vout])
                continue
            coin = self.chain.find_coin(item.prevout)
            outputs += [] if coin is None else [coin.output]
        return outputs

    def _refill(self, change: Change) -> None:
        """Judge everything anew after blocks have left: first what they held, then what waited."""
        waited = self.mempool.entries()
        self._drop({entry.txid for entry in waited})
        for tx in transactions_of(change):
            self.admit(tx, returning=True)
        for entry in waited:
            judged = self.mempool.judge(entry.tx, self.view(), entry.added, returning=True)
            if isinstance(judged, Judged):
                self._keep(judged.entry)

    def _clear_mined(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            for tx in block.txs[1:]:
                txid = tx.txid
                if txid in self.mempool:
                    self._drop({txid})
                spenders = {self.mempool.spender_of(item.prevout) for item in tx.inputs}
                for spender in filter(None, spenders):
                    self._drop(self.mempool.descendants(spender))

    def _keep(self, entry: Waiting) -> None:
        self.mempool.add(entry)
        self._connection.execute(
            insert(MEMPOOL).values(
                txid=entry.txid,
                raw=entry.tx.encode(),
                fee=entry.fee,
                vsize=entry.vsize,
                added=entry.added,
            )
        )

    def _drop(self, txids: set[bytes] | frozenset[bytes]) -> None:
        if txids:
            self.mempool.remove(txids)
            self._connection.execute(delete(MEMPOOL).where(MEMPOOL.c.txid.in_(txids)))


def refuse(rejection: Rejection | None) -> None:
    """Raise a rejection as ChainRejected; None passes."""
    if rejection is not None:
        error = rejection.script_error
        raise ChainRejected(rejection.reason, script_error=None if error is None else str(error))
