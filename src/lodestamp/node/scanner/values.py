"""What the engine says of itself, and whom it tells what happens (§1.2, §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.ownership import BlockEffect, DividendPayment, Operation, Tip
from lodestamp.errors import LodestampError
from lodestamp.node.scanner.stores import BlockRow, Reorg


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Where a store stands, and how fast it gets on.

    Hashes are 32 bytes, `block_hash` in internal order; they and `height` are None before the first
    block, what the source says where there is none, `eta_s` where nothing was measured.
    `mb_per_s` counts 1,000,000 bytes.
    """

    network: str
    rules_id: bytes
    height: int | None
    block_hash: bytes | None
    state_hash: bytes
    source_height: int | None
    lag: int | None
    blocks_per_s: float
    mb_per_s: float
    eta_s: float | None
    reorgs: int
    deepest_reorg: int
    halted: str | None
    assets: int
    ops: int
    tips: int
    payments: int

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``ownership status --json``."""
        return {
            "network": self.network,
            "rules_id": self.rules_id.hex(),
            "height": self.height,
            "block_hash": None if self.block_hash is None else self.block_hash[::-1].hex(),
            "state_hash": self.state_hash.hex(),
            "source_height": self.source_height,
            "lag": self.lag,
            "blocks_per_s": round(self.blocks_per_s, 1),
            "mb_per_s": round(self.mb_per_s, 1),
            "eta_s": None if self.eta_s is None else round(self.eta_s),
            "reorgs": self.reorgs,
            "deepest_reorg": self.deepest_reorg,
            "halted": self.halted,
            "assets": self.assets,
            "ops": self.ops,
            "tips": self.tips,
            "payments": self.payments,
        }


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Whom a scan tells what it stored, after each commit.

    Per block, in this order: the block itself; all its transactions, which makes the scan parse
    them; its tips, payments and operations, where it has any. What a callback raises ends the scan;
    the block stays. `on_retry` is told what is wrong with a source that is followed, and after how
    many seconds it is asked again.
    """

    on_block: Callable[[BlockRow], None] | None = None
    on_tx: Callable[[Sequence[Transaction]], None] | None = None
    on_tip: Callable[[Sequence[Tip]], None] | None = None
    on_dividend_payment: Callable[[Sequence[DividendPayment]], None] | None = None
    on_operation: Callable[[Sequence[Operation]], None] | None = None
    on_reorg: Callable[[Reorg], None] | None = None
    on_progress: Callable[[EngineStatus], None] | None = None
    on_retry: Callable[[LodestampError, float], None] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two scans agree up to `height`.

    Else `height` is the first at which they differ, and the effects are what each has there; None
    where one only states its hashes.
    """

    equal: bool
    height: int
    ours: BlockEffect | None = None
    theirs: BlockEffect | None = None
