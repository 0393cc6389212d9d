"""Who holds what after a block: the table of every work, and the way back (R13, R14, R34).

A state is changed by whole effects only, and `undo` is the exact inverse of `apply`: the same
effects in the same order give equal states, whatever was tried and taken back between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lodestamp.core.ownership.effects import (
    ASSET_UNITS,
    BlockEffect,
    Operation,
    Owner,
    Registration,
    Transfer,
)
from lodestamp.errors import ConservationBroken, StoreOrderError

Balances = Mapping[Owner, int]


class Holdings(Protocol):
    """What judging asks: the works, their balances and what is known, after block `height`."""

    @property
    def height(self) -> int:
        """The height of the last block; the next one is judged."""
        ...

    def registrant(self, sha1: str) -> Owner | None:
        """Return who registered a work; None where nobody has."""
        ...

    def balance(self, sha1: str, owner: Owner) -> int:
        """Return an owner's units of a work; 0 where there are none."""
        ...

    def has_operation(self, txid: bytes) -> bool:
        """Tell whether this transaction already registered or transferred a work."""
        ...

    def has_tip(self, txid: bytes) -> bool:
        """Tell whether this transaction is already a tip."""
        ...

    def has_payment(self, txid: bytes) -> bool:
        """Tell whether this transaction is already a dividend payment."""
        ...


@dataclass(slots=True)
class State:
    """All tables after block `height`, in memory. `State(start_height - 1)` is the empty one."""

    height: int
    _registrants: dict[str, Owner] = field(default_factory=dict)
    _tables: dict[str, dict[Owner, int]] = field(default_factory=dict)
    _operations: set[bytes] = field(default_factory=set)
    _tips: set[bytes] = field(default_factory=set)
    _payments: set[bytes] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        height: int,
        *,
        registrants: Iterable[tuple[str, Owner]],
        balances: Iterable[tuple[str, Owner, int]],
        operations: Iterable[bytes],
        tips: Iterable[bytes],
        payments: Iterable[bytes],
    ) -> State:
        """Build a state from stored rows; ConservationBroken where a table does not add up."""
        made = cls(height, dict(registrants), {}, set(operations), set(tips), set(payments))
        for sha1, owner, amount in balances:
            made._tables.setdefault(sha1, {})[owner] = amount
        made.check_conservation()
        return made

    def registrant(self, sha1: str) -> Owner | None:
        """Return who registered a work; None where nobody has."""
        return self._registrants.get(sha1)

    def balance(self, sha1: str, owner: Owner) -> int:
        """Return an owner's units of a work; 0 where there are none."""
        return self._tables.get(sha1, {}).get(owner, 0)

    def has_operation(self, txid: bytes) -> bool:
        """Tell whether this transaction already registered or transferred a work."""
        return txid in self._operations

    def has_tip(self, txid: bytes) -> bool:
        """Tell whether this transaction is already a tip."""
        return txid in self._tips

    def has_payment(self, txid: bytes) -> bool:
        """Tell whether this transaction is already a dividend payment."""
        return txid in self._payments

    def holders(self, sha1: str) -> dict[Owner, int]:
        """Return a copy of a work's table; empty for one that nobody registered."""
        return dict(self._tables.get(sha1, {}))

    def tables(self) -> Iterator[tuple[str, Balances]]:
        """Yield each work with its table."""
        yield from self._tables.items()

    def apply(self, effect: BlockEffect) -> None:
        """Take over what the next block changed.

        StoreOrderError when it is not the next one; ConservationBroken when a touched table no
        longer adds up (R14). Either way the state is as before.
        """
        if effect.height != self.height + 1:
            message = f"block {effect.height:,} does not follow block {self.height:,}"
            raise StoreOrderError(message)
        done: list[Operation] = []
        try:
            for op in effect.ops:
                self._move(op)
                done.append(op)
            self._check({op.sha1 for op in effect.ops})
        except ConservationBroken:
            for op in reversed(done):
                self._move_back(op)
            raise
        self._operations.update(op.txid for op in effect.ops)
        self._tips.update(tip.txid for tip in effect.tips)
        self._payments.update(payment.txid for payment in effect.payments)
        self.height = effect.height

    def undo(self, effect: BlockEffect) -> None:
        """Take back what the last block changed; StoreOrderError when it is not the last one."""
        if effect.height != self.height:
            message = f"block {effect.height:,} is not the last one, {self.height:,}"
            raise StoreOrderError(message)
        for op in reversed(effect.ops):
            self._move_back(op)
        self._operations.difference_update(op.txid for op in effect.ops)
        self._tips.difference_update(tip.txid for tip in effect.tips)
        self._payments.difference_update(payment.txid for payment in effect.payments)
        self.height -= 1

    def check_conservation(self) -> None:
        """Add up every table; ConservationBroken names the first work that does not (R14)."""
        self._check(sorted(self._registrants.keys() | self._tables.keys()))

    def _move(self, op: Operation) -> None:
        if isinstance(op, Registration):
            if op.sha1 in self._registrants:
                raise ConservationBroken(op.sha1, "registered a second time")
            self._registrants[op.sha1] = op.registrant
            self._tables[op.sha1] = {op.registrant: ASSET_UNITS}
            return
        table = self._tables.get(op.sha1, {})
        left = table.get(op.asset_owner, 0) - op.asset_value
        if left < 1 or op.asset_value < 1:
            message = f"{op.asset_value:,} units leave a holder with {left:,}"
            raise ConservationBroken(op.sha1, message)
        table[op.asset_owner] = left
        table[op.bitcoin_owner] = table.get(op.bitcoin_owner, 0) + op.asset_value

    def _move_back(self, op: Operation) -> None:
        if isinstance(op, Registration):
            del self._registrants[op.sha1], self._tables[op.sha1]
            return
        table = self._tables[op.sha1]
        table[op.asset_owner] += op.asset_value
        _take(table, op)

    def _check(self, works: Iterable[str]) -> None:
        for sha1 in works:
            table = self._tables.get(sha1, {})
            total = sum(table.values())
            if total != ASSET_UNITS:
                raise ConservationBroken(sha1, f"{total:,} units instead of {ASSET_UNITS:,}")
            if min(table.values()) < 1 or sha1 not in self._registrants:
                raise ConservationBroken(sha1, "a holder of less than one unit, or no registrant")


def _take(table: dict[Owner, int], transfer: Transfer) -> None:
    """Take a transfer's units from who received them; a row of 0 is none."""
    left = table[transfer.bitcoin_owner] - transfer.asset_value
    if left:
        table[transfer.bitcoin_owner] = left
    else:
        del table[transfer.bitcoin_owner]
