"""What the scanner needs of a store (§1.3): the original engine's contract, and a chain's life.

Addresses are owners here, scripts; they become text at the edge only. Given filters are all to
hold, an absent one does not restrict, and what is found comes in the order (height, tx_index).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

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
from lodestamp.node.scanner.stores.rows import Appended, BlockRow, Counts, Evidence, Reorg


class OperationsStore(Protocol):
    """Everything scanned, up to one tip. One thread writes; any number may read."""

    # The original store's contract.

    def push_op(self, op: Operation) -> bool:
        """Add an operation to the tip block; tell whether its txid was there already.

        StoreOrderError when it is not of the tip block; ConservationBroken when it cannot be.
        """
        ...

    def push_tip(self, tip: Tip) -> bool:
        """Add a tip to the tip block; tell whether it was there already. Errors as `push_op`."""
        ...

    def push_dividend_payment(self, payment: DividendPayment) -> bool:
        """Add a payment to the tip block; tell whether it was there. Errors as `push_op`."""
        ...

    def find_tips(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[Tip]:
        """Return the tips of a work, to an owner, from an owner among their sources."""
        ...

    def find_dividend_payments(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[DividendPayment]:
        """Return the payments of a work, to an owner, from an owner among their sources."""
        ...

    def find_transfers(
        self, sha1: str | None = None, asset_address: Owner | None = None
    ) -> list[Transfer]:
        """Return the transfers of a work, by a seller."""
        ...

    def find_registration(self, sha1: str) -> Registration | None:
        """Return who registered a work first, and with what text; None where nobody did."""
        ...

    def latest(self) -> Operation | None:
        """Return the newest operation; None where there is none."""
        ...

    def invalidate_block(self, block_id: bytes) -> bool:
        """Undo the tip block; False when no such block is stored.

        `block_id` is its hash in internal order. StoreOrderError when it is not the tip.
        """
        ...

    # A chain's life.

    def transaction(self) -> AbstractContextManager[None]:
        """Make what is written inside one whole: all of it is kept, or on an exception nothing.

        ScannerBusy when another scanner writes this store.
        """
        ...

    def append_block(
        self, row: BlockRow, effect: BlockEffect, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """Store the next block with its effect; errors as `append_blocks`."""
        ...

    def append_blocks(self, blocks: Sequence[Appended]) -> None:
        """Store the next blocks with their effects: all of them, or on an error none.

        Evidence whose place is known already stays as it is. StoreOrderError when a block does not
        follow the one before or its effect is another's; UsageError before `pin`;
        ConservationBroken, ScannerBusy.
        """
        ...

    def tip(self) -> BlockRow | None:
        """Return the last block; None where none was scanned."""
        ...

    def block(self, height: int) -> BlockRow | None:
        """Return the block at a height; None where none is stored."""
        ...

    def block_named(self, block_id: bytes) -> BlockRow | None:
        """Return the block of a hash in internal order; None where none is stored."""
        ...

    def effect(self, height: int) -> BlockEffect:
        """Return what the block at a height did; HeightUnknown where none is stored."""
        ...

    def balance(self, asset: str, owner: Owner, at: int | None = None) -> int:
        """Return an owner's units of a work after block `at`, the tip by default (R38).

        0 where there are none; HeightUnknown above the tip or below the block before the first.
        """
        ...

    def holders(self, asset: str, at: int | None = None) -> dict[Owner, int]:
        """Return a work's table after block `at`; errors as `balance`."""
        ...

    def held_by(self, owner: Owner, at: int | None = None) -> dict[str, int]:
        """Return an owner's units of every work he holds after block `at`; errors as `balance`."""
        ...

    def transfers_after(self, asset: str, height: int) -> list[Transfer]:
        """Return the transfers of a work above a height."""
        ...

    def evidence(self, txid: bytes) -> Evidence | None:
        """Return the bytes of a transaction something rests on; None where none are kept."""
        ...

    def complete_evidence(self, evidence: Evidence) -> None:
        """Replace what is kept of a transaction, or add it: a branch that became known."""
        ...

    def works(self) -> list[str]:
        """Return every registered work, in the order of registration."""
        ...

    def counts(self) -> Counts:
        """Return how much is stored."""
        ...

    def load_state(self) -> State:
        """Return all tables after the tip, for judging; ConservationBroken when they are damaged.

        UsageError before `pin`.
        """
        ...

    # Rules, the one writer, and what went wrong.

    def pin(self, rules: Rules) -> None:
        """Fix the rules of a new store; RulesMismatch when it has others (R23)."""
        ...

    def rules(self) -> Rules | None:
        """Return the rules of this store; None for a new one."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Be the one scanner of this store inside (R33); ScannerBusy when another is.

        Renew it, or write, at least every 10 seconds: after 30 another may take over.
        """
        ...

    def renew(self) -> None:
        """Go on being the scanner; ScannerBusy when another took over."""
        ...

    def halt(self, reason: str | None) -> None:
        """Store why scanning stopped for good, or with None that it goes on."""
        ...

    def halted(self) -> str | None:
        """Return why scanning stopped for good; None when it did not."""
        ...

    def add_reorg(self, reorg: Reorg) -> None:
        """Note that the chain changed."""
        ...

    def reorgs(self) -> list[Reorg]:
        """Return how the chain changed, oldest first."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...
