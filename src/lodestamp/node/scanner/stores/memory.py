"""A store in memory: for tests, for one scan, and for speed. It forgets everything at the end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TypeVar

from lodestamp.core.ownership import (
    BlockEffect,
    DividendPayment,
    Operation,
    Owner,
    Registration,
    Rules,
    State,
    Tip,
    Transfer,
)
from lodestamp.errors import ScannerBusy, StoreOrderError
from lodestamp.node.scanner.stores import order
from lodestamp.node.scanner.stores.rows import NOWHERE, Appended, BlockRow, Counts, Evidence, Reorg

_Flow = TypeVar("_Flow", Tip, DividendPayment)


class MemoryStore:
    """An `OperationsStore` of plain values."""

    def __init__(self) -> None:
        self._rules: Rules | None = None
        self._state = State(0)
        self._blocks: list[BlockRow] = []
        self._heights: dict[bytes, int] = {}
        self._effects: dict[int, BlockEffect] = {}
        self._registrations: dict[str, Registration] = {}
        self._transfers: list[Transfer] = []
        self._of_work: dict[str, list[Transfer]] = {}
        self._tips: list[Tip] = []
        self._payments: list[DividendPayment] = []
        self._evidence: dict[bytes, Evidence] = {}
        self._reorgs: list[Reorg] = []
        self._halted: str | None = None
        self._is_held = False
        self._inverse: list[Callable[[], object]] | None = None

    # The original store's contract.

    def push_op(self, op: Operation) -> bool:
        """Add an operation to the tip block; see `OperationsStore`."""
        row = order.check_pushed(self.tip(), op.height, op.block_hash)
        exists = self._state.has_operation(op.txid)
        if not exists:
            self._change(row, order.with_op(self.effect(row.height), op))
        return exists

    def push_tip(self, tip: Tip) -> bool:
        """Add a tip to the tip block; see `OperationsStore`."""
        row = order.check_pushed(self.tip(), tip.height, tip.block_hash)
        exists = self._state.has_tip(tip.txid)
        if not exists:
            self._change(row, order.with_tip(self.effect(row.height), tip))
        return exists

    def push_dividend_payment(self, payment: DividendPayment) -> bool:
        """Add a payment to the tip block; see `OperationsStore`."""
        row = order.check_pushed(self.tip(), payment.height, payment.block_hash)
        exists = self._state.has_payment(payment.txid)
        if not exists:
            self._change(row, order.with_payment(self.effect(row.height), payment))
        return exists

    def find_tips(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[Tip]:
        """Return tips in order; see `OperationsStore`."""
        return _flows(self._tips, sha1, destination_address, source_address)

    def find_dividend_payments(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[DividendPayment]:
        """Return payments in order; see `OperationsStore`."""
        return _flows(self._payments, sha1, destination_address, source_address)

    def find_transfers(
        self, sha1: str | None = None, asset_address: Owner | None = None
    ) -> list[Transfer]:
        """Return transfers in order; see `OperationsStore`."""
        found = self._transfers if sha1 is None else self._of_work.get(sha1, [])
        return [each for each in found if asset_address in (None, each.asset_owner)]

    def find_registration(self, sha1: str) -> Registration | None:
        """Return who registered a work first; None where nobody did."""
        return self._registrations.get(sha1)

    def latest(self) -> Operation | None:
        """Return the newest operation; None where there is none."""
        for effect in reversed(self._effects.values()):
            if effect.ops:
                return effect.ops[-1]
        return None

    def invalidate_block(self, block_id: bytes) -> bool:
        """Undo the tip block; see `OperationsStore`."""
        height = self._heights.get(block_id)
        if height is None:
            return False
        if height != self._blocks[-1].height:
            raise StoreOrderError(f"block {height:,} is not the tip")
        row, effect = self._blocks[-1], self.effect(height)
        gone = [each for each in self._evidence.values() if each.height >= height]
        self._remove(row, effect, gone)
        self._undoable(lambda: self._put(row, effect, gone))
        return True

    # A chain's life.

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is written inside, or on an exception nothing."""
        outer, self._inverse = self._inverse, []
        try:
            yield
        except BaseException:
            inverse, self._inverse = self._inverse, None
            for step in reversed(inverse):
                step()
            self._inverse = outer
            raise
        if outer is not None:
            outer += self._inverse
        self._inverse = outer

    def append_block(
        self, row: BlockRow, effect: BlockEffect, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """Store the next block with its effect; see `OperationsStore`."""
        self.append_blocks([(row, effect, evidence)])

    def append_blocks(self, blocks: Sequence[Appended]) -> None:
        """Store the next blocks with their effects; see `OperationsStore`."""
        with self.transaction():
            for row, effect, evidence in blocks:
                order.check_next(self.tip(), order.pinned(self._rules), row, effect)
                self._append(row, effect, evidence)

    def tip(self) -> BlockRow | None:
        """Return the last block; None where none was scanned."""
        return self._blocks[-1] if self._blocks else None

    def block(self, height: int) -> BlockRow | None:
        """Return the block at a height; None where none is stored."""
        if not self._blocks:
            return None
        at = height - self._blocks[0].height
        return self._blocks[at] if 0 <= at < len(self._blocks) else None

    def block_named(self, block_id: bytes) -> BlockRow | None:
        """Return the block of a hash; None where none is stored."""
        height = self._heights.get(block_id)
        return None if height is None else self.block(height)

    def effect(self, height: int) -> BlockEffect:
        """Return what the block at a height did; HeightUnknown where none is stored."""
        row = self.block(height)
        if row is None:
            raise order.unknown(self.tip(), self._rules, height)
        return self._effects.get(height) or BlockEffect(height, row.hash)

    def balance(self, asset: str, owner: Owner, at: int | None = None) -> int:
        """Return an owner's units of a work after a block; see `OperationsStore`."""
        if at is None:
            return self._state.balance(asset, owner)
        return self.holders(asset, at).get(owner, 0)

    def holders(self, asset: str, at: int | None = None) -> dict[Owner, int]:
        """Return a work's table after a block; see `OperationsStore`."""
        table = self._state.holders(asset)
        if at is None:
            return table
        order.check_height(self.tip(), self._rules, at)
        registration = self._registrations.get(asset)
        if registration is None or registration.height > at:
            return {}
        for transfer in reversed(self.transfers_after(asset, at)):
            table[transfer.asset_owner] += transfer.asset_value
            table[transfer.bitcoin_owner] -= transfer.asset_value
        return {owner: amount for owner, amount in table.items() if amount}

    def held_by(self, owner: Owner, at: int | None = None) -> dict[str, int]:
        """Return an owner's units of every work he holds; see `OperationsStore`."""
        if at is not None:
            order.check_height(self.tip(), self._rules, at)
        found = {sha1: self.balance(sha1, owner, at) for sha1 in sorted(self._registrations)}
        return {sha1: amount for sha1, amount in found.items() if amount}

    def transfers_after(self, asset: str, height: int) -> list[Transfer]:
        """Return the transfers of a work above a height."""
        found = self._of_work.get(asset, [])
        return found[bisect_right(found, height, key=lambda each: each.height) :]

    def evidence(self, txid: bytes) -> Evidence | None:
        """Return the bytes of a transaction something rests on; None where none are kept."""
        return self._evidence.get(txid)

    def complete_evidence(self, evidence: Evidence) -> None:
        """Replace what is kept of a transaction, or add it."""
        before = self._evidence.get(evidence.txid)
        self._evidence[evidence.txid] = evidence
        self._undoable(lambda: self._restore(evidence.txid, before))

    def works(self) -> list[str]:
        """Return every registered work, in the order of registration."""
        return list(self._registrations)

    def counts(self) -> Counts:
        """Return how much is stored."""
        works, transfers = len(self._registrations), len(self._transfers)
        return Counts(works, works + transfers, len(self._tips), len(self._payments))

    def load_state(self) -> State:
        """Return a copy of all tables after the tip."""
        order.pinned(self._rules)
        self._state.check_conservation()
        return deepcopy(self._state)

    # Rules, the one writer, and what went wrong.

    def pin(self, rules: Rules) -> None:
        """Fix the rules of a new store; RulesMismatch when it has others."""
        if self._rules is not None:
            order.check_rules(self._rules, rules)
            return
        self._rules, self._state = rules, State(rules.start_height - 1)
        self._undoable(lambda: setattr(self, "_rules", None))

    def rules(self) -> Rules | None:
        """Return the rules of this store; None for a new one."""
        return self._rules

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one scanner of this store inside; ScannerBusy when another is."""
        if self._is_held:
            raise ScannerBusy("another scan of this store is under way")
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False

    def renew(self) -> None:
        """Go on being the scanner; nobody can take over a store in memory."""

    def halt(self, reason: str | None) -> None:
        """Store why scanning stopped for good, or with None that it goes on."""
        before, self._halted = self._halted, reason
        self._undoable(lambda: setattr(self, "_halted", before))

    def halted(self) -> str | None:
        """Return why scanning stopped for good; None when it did not."""
        return self._halted

    def add_reorg(self, reorg: Reorg) -> None:
        """Note that the chain changed."""
        self._reorgs.append(reorg)
        self._undoable(self._reorgs.pop)

    def reorgs(self) -> list[Reorg]:
        """Return how the chain changed, oldest first."""
        return list(self._reorgs)

    def close(self) -> None:
        """Release everything: nothing is kept anyway."""

    def _append(self, row: BlockRow, effect: BlockEffect, evidence: Iterable[Evidence]) -> None:
        new = [each for each in evidence if not self._is_placed(each.txid)]
        before = [self._evidence[each.txid] for each in new if each.txid in self._evidence]
        self._put(row, effect, new)

        def take_back() -> None:
            self._remove(row, effect, new)
            self._evidence.update({each.txid: each for each in before})

        self._undoable(take_back)

    def _is_placed(self, txid: bytes) -> bool:
        kept = self._evidence.get(txid)
        return kept is not None and kept.height != NOWHERE

    def _put(self, row: BlockRow, effect: BlockEffect, evidence: Iterable[Evidence]) -> None:
        self._record(effect)
        self._blocks.append(row)
        self._heights[row.hash] = row.height
        self._evidence.update({each.txid: each for each in evidence})

    def _remove(self, row: BlockRow, effect: BlockEffect, evidence: Iterable[Evidence]) -> None:
        self._take_back(effect)
        del self._blocks[-1], self._heights[row.hash]
        for each in evidence:
            self._evidence.pop(each.txid, None)

    def _record(self, effect: BlockEffect) -> None:
        self._state.apply(effect)
        if not (effect.is_empty and not effect.rejected):
            self._effects[effect.height] = effect
        for op in effect.ops:
            if isinstance(op, Registration):
                self._registrations[op.sha1] = op
            else:
                self._transfers.append(op)
                self._of_work.setdefault(op.sha1, []).append(op)
        self._tips += effect.tips
        self._payments += effect.payments

    def _take_back(self, effect: BlockEffect) -> None:
        self._state.undo(effect)
        self._effects.pop(effect.height, None)
        for op in reversed(effect.ops):
            if isinstance(op, Registration):
                del self._registrations[op.sha1]
            else:
                self._transfers.pop()
                self._of_work[op.sha1].pop()
        for kept, gone in ((self._tips, effect.tips), (self._payments, effect.payments)):
            del kept[len(kept) - len(gone) :]

    def _change(self, row: BlockRow, after: BlockEffect) -> None:
        before = self.effect(row.height)
        self._replace(before, after)
        self._undoable(lambda: self._replace(after, before))

    def _replace(self, before: BlockEffect, after: BlockEffect) -> None:
        self._take_back(before)
        try:
            self._record(after)
        except BaseException:
            self._record(before)
            raise

    def _restore(self, txid: bytes, evidence: Evidence | None) -> None:
        if evidence is None:
            del self._evidence[txid]
        else:
            self._evidence[txid] = evidence

    def _undoable(self, step: Callable[[], object]) -> None:
        """Remember how to take a step back, while a transaction is open."""
        if self._inverse is not None:
            self._inverse.append(step)


def _flows(
    flows: Iterable[_Flow], sha1: str | None, destination: Owner | None, source: Owner | None
) -> list[_Flow]:
    return [
        flow
        for flow in flows
        if sha1 in (None, flow.sha1)
        and destination in (None, flow.destination)
        and (source is None or source in flow.sources)
    ]
