"""The scan itself: connect block after block, undo what left the chain, commit, tell (R32-R36).

Everything a block changes and the tip move in one database transaction, so that a scan killed at
any instant goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Final

from lodestamp.core.bitcoin import Block, BlockHeader, has_work
from lodestamp.core.ownership import (
    BlockEffect,
    first_state_hash,
    judge_block,
    next_state_hash,
)
from lodestamp.errors import (
    BlockMalformed,
    ChainAuthError,
    ChainNotFound,
    ChainRpcError,
    ChainUnavailable,
    ChainWarmup,
    ConservationBroken,
    ReorgTooDeep,
    SourceStale,
)
from lodestamp.node.chains import BlockRef, ChainSource
from lodestamp.node.scanner.rates import Rates
from lodestamp.node.scanner.reading import BlockReader, FoundBlock
from lodestamp.node.scanner.stores import BlockRow, Evidence, OperationsStore, Reorg
from lodestamp.node.scanner.values import Callbacks

REORG_DEPTH_MAX: Final = 100
"""Blocks undone without being asked: coinbases mature after as many, and nobody goes further."""
BULK_BLOCKS_MAX: Final = 1_000
"""Blocks of one transaction while far behind."""
BULK_BYTES_MAX: Final = 64 << 20
"""Bytes of blocks of one transaction: what is held for callbacks that want transactions."""
BULK_S: Final = 2.0
"""Seconds of one transaction while far behind: what a crash costs at most."""
POLL_S: Final = 5.0
"""Seconds between two looks at a chain that stands still."""
RETRY_S_MAX: Final = 60.0
"""Seconds between two questions to a source that stays away while it is followed."""
_WAITS_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_PASSING: Final = (
    ChainAuthError,  # a node that starts anew has no cookie for a moment
    ChainNotFound,
    ChainRpcError,
    ChainUnavailable,
    ChainWarmup,
    SourceStale,
)
"""What a followed source may recover from; a bad block and a missing parent are for people."""
_MOVES_MAX: Final = 8
_FEW_BEHIND: Final = 6
_HEADERS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Connected:
    """A block of `size` bytes that was judged and waits to be stored.

    `raw` are its bytes where a callback wants its transactions.
    """

    row: BlockRow
    effect: BlockEffect
    evidence: tuple[Evidence, ...]
    size: int
    raw: bytes | None


class Scan:
    """One scan of one store; it holds the state after the last block that was judged."""

    def __init__(
        self,
        source: ChainSource,
        store: OperationsStore,
        reader: BlockReader,
        callbacks: Callbacks,
        *,
        depth_max: int,
        rates: Rates,
        report: Callable[[], object],
    ) -> None:
        self._source = source
        self._store = store
        self._rules = reader.rules
        self._reader = reader
        self._callbacks = callbacks
        self._depth_max = depth_max
        self._rates = rates
        self._report = report
        self._state = store.load_state()
        self._tip = store.tip()
        self._moves = 0

    def run(self, stop_height: int | None, stop: Event, *, follow: bool) -> None:
        """Scan up to a height, inclusive, or to the source's tip; with `follow`, for ever.

        BlockMalformed, SourceIncomplete, SourceStale and ChainError as the source fails;
        ReorgTooDeep and ConservationBroken, after which the store is halted. With `follow` a source
        that is away, or behind, is asked again and again, `RETRY_S_MAX` seconds apart at most.
        """
        waits = iter(_WAITS_S)
        while not stop.is_set():
            try:
                is_done = self._go_on(stop_height, stop)
            except _PASSING as error:
                if not follow:
                    raise
                wait = next(waits, RETRY_S_MAX)
                if self._callbacks.on_retry is not None:
                    self._callbacks.on_retry(error, wait)
                self._wait(wait, stop)
                continue
            waits = iter(_WAITS_S)
            if is_done and (not follow or self._has_reached(stop_height)):
                return
            if is_done:
                self._wait(POLL_S, stop)

    def _go_on(self, stop_height: int | None, stop: Event) -> bool:
        """Take in what there is; tell whether that was nothing."""
        self._settle()
        seen = self._source.tip()
        target = seen.height if stop_height is None else min(seen.height, stop_height)
        if self._next_height > target:
            return True
        self._connect_up_to(target, seen, stop)
        return False

    def _has_reached(self, stop_height: int | None) -> bool:
        return stop_height is not None and self._next_height > stop_height

    def _wait(self, seconds: float, stop: Event) -> None:
        """Wait, without letting go of the store."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stop.is_set():
            self._store.renew()
            stop.wait(min(left, POLL_S))

    @property
    def _next_height(self) -> int:
        return self._rules.start_height if self._tip is None else self._tip.height + 1

    def _connect_up_to(self, target: int, seen: BlockRef, stop: Event) -> None:
        """Connect blocks as long as they follow; where the chain moved on the way, stop early."""
        before = self._tip
        try:
            self._connect(self._source.raw_blocks(self._next_height, target + 1), target, stop)
        except (BlockMalformed, ChainRpcError, ChainNotFound):
            self._moves = self._moves + 1 if self._tip == before else 0
            if self._moves > _MOVES_MAX or self._source.block_hash(seen.height) == seen.hash:
                raise  # the chain stands, so it is the block that is bad
        else:
            self._moves = 0

    def _connect(self, blocks: Iterator[tuple[BlockRef, bytes]], target: int, stop: Event) -> None:
        while not stop.is_set():
            few = target - self._next_height < _FEW_BEHIND
            batch, failure = self._judge(islice(blocks, 1 if few else BULK_BLOCKS_MAX))
            if batch:
                self._commit(batch)
            if isinstance(failure, ConservationBroken):
                self._store.halt(failure.message)
            if failure is not None:
                raise failure
            if not batch:
                return

    def _judge(
        self, blocks: Iterator[tuple[BlockRef, bytes]]
    ) -> tuple[list[_Connected], Exception | None]:
        """Judge blocks until it is time to store them, or one fails: those before it are good."""
        batch: list[_Connected] = []
        size, deadline = 0, time.monotonic() + BULK_S
        try:
            for ref, raw in blocks:
                batch.append(self._judge_one(ref, raw))
                size += len(raw)
                if size >= BULK_BYTES_MAX or time.monotonic() >= deadline:
                    break
        except Exception as failure:  # noqa: BLE001  raised again once the good ones are stored
            return batch, failure
        return batch, None

    def _judge_one(self, ref: BlockRef, raw: bytes) -> _Connected:
        found = self._reader.read(ref, raw, self._previous, self._state)
        effect = judge_block(self._state, found.block, self._rules)
        evidence = self._reader.evidence(found, effect)
        row = self._row(ref, found, effect)
        self._state.apply(effect)
        self._tip = row
        kept = None if self._callbacks.on_tx is None else raw
        return _Connected(row, effect, evidence, len(raw), kept)

    @property
    def _previous(self) -> bytes | None:
        """The block that the next one must follow; None where the first is not the chain's own."""
        if self._tip is not None:
            return self._tip.hash
        return self._source.network.genesis.hash if self._rules.start_height == 1 else None

    def _row(self, ref: BlockRef, found: FoundBlock, effect: BlockEffect) -> BlockRow:
        tip = self._tip
        before = first_state_hash(self._rules) if tip is None else tip.state_hash
        work = found.header.work + (0 if tip is None else tip.work)
        state_hash = next_state_hash(before, ref.hash, effect)
        return BlockRow(ref.height, ref.hash, found.header.encode(), work, state_hash)

    def _commit(self, batch: list[_Connected]) -> None:
        """Store what was judged, then tell."""
        try:
            with self._store.transaction():
                self._store.append_blocks(
                    [(each.row, each.effect, each.evidence) for each in batch]
                )
        except BaseException:
            self._reload()
            raise
        self._rates.add(len(batch), sum(each.size for each in batch))
        for each in batch:
            self._tell(each)
        self._report()

    def _reload(self) -> None:
        self._state, self._tip = self._store.load_state(), self._store.tip()

    def _tell(self, block: _Connected) -> None:
        call = self._callbacks
        if call.on_block is not None:
            call.on_block(block.row)
        if call.on_tx is not None and block.raw is not None:
            call.on_tx(Block.decode(block.raw).txs)
        effect = block.effect
        if call.on_tip is not None and effect.tips:
            call.on_tip(effect.tips)
        if call.on_dividend_payment is not None and effect.payments:
            call.on_dividend_payment(effect.payments)
        if call.on_operation is not None and effect.ops:
            call.on_operation(effect.ops)

    # Reorganisations

    def _settle(self) -> None:
        """Undo what has left the source's chain, if that chain has more work (R35)."""
        tip = self._tip
        if tip is None or self._source.block_hash(tip.height) == tip.hash:
            return
        fork = self._find_fork(tip)
        new_tip = self._require_more_work(tip, fork)
        depth = tip.height - fork
        if depth > self._depth_max:
            self._halt_too_deep(depth, fork)
        reorg = Reorg(fork, depth, tip.hash, new_tip, int(time.time() * 1000))
        self.undo_to(fork, reorg)
        if self._callbacks.on_reorg is not None:
            self._callbacks.on_reorg(reorg)

    def undo_to(self, height: int, reorg: Reorg | None = None) -> None:
        """Undo the blocks above a height, newest first, in one transaction (R34)."""
        try:
            with self._store.transaction():
                while (tip := self._store.tip()) is not None and tip.height > height:
                    effect = self._store.effect(tip.height)
                    self._store.invalidate_block(tip.hash)
                    self._state.undo(effect)
                if reorg is not None:
                    self._store.add_reorg(reorg)
        except BaseException:
            self._reload()
            raise
        self._tip = self._store.tip()

    def _find_fork(self, tip: BlockRow) -> int:
        """Return the last height at which store and source agree, or that before the first.

        Blocks name those before them, so that it takes a few questions however deep it lies.
        """
        high, step = tip.height, 1
        low = max(high - step, self._rules.start_height - 1)
        while not self._agree_at(low):
            high, step = low, step * 2
            low = max(high - step, self._rules.start_height - 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._agree_at(middle) else (low, middle)
        return low

    def _agree_at(self, height: int) -> bool:
        """Tell whether store and source have the same block; before the first they always agree."""
        row = self._store.block(height)
        return row is None or self._source.block_hash(height) == row.hash

    def _require_more_work(self, tip: BlockRow, fork: int) -> bytes:
        """Return the new tip's hash; SourceStale unless its branch has more work than ours."""
        row = self._store.block(fork)
        work, last = (0, None) if row is None else (row.work, row.hash)
        height = fork + 1
        while headers := self._source.headers(height, _HEADERS_AT_ONCE):
            for header in headers:
                self._check_link(header, last)
                work, last = work + header.work, header.hash
            height += len(headers)
        if last is None or work <= tip.work:
            message = "the source's chain has lost blocks and has no more work than what is stored"
            raise SourceStale(message, hint="it may be catching up: try again later")
        return last

    def _check_link(self, header: BlockHeader, last: bytes | None) -> None:
        linked = last is None or header.prev == last
        if not linked or not has_work(header, self._source.network):
            message = "the headers of the new branch do not link, or lack their work"
            raise SourceStale(message, hint="the chain may just have changed: try again")

    def _halt_too_deep(self, depth: int, fork: int) -> None:
        message = (
            f"the chain changed {depth:,} blocks deep, more than {self._depth_max:,}; nothing was "
            f"undone"
        )
        self._store.halt(message)
        hint = f"if that is so, `lodestamp ownership scan --reindex-from {fork + 1}`"
        raise ReorgTooDeep(message, hint=hint)
