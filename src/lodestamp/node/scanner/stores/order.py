"""What both kinds of store refuse before they write: blocks out of order, heights unknown."""

from __future__ import annotations

from dataclasses import replace

from lodestamp.core.ownership import BlockEffect, DividendPayment, Operation, Rules, Tip
from lodestamp.errors import HeightUnknown, RulesMismatch, StoreOrderError, UsageError
from lodestamp.node.scanner.stores.rows import BlockRow


def pinned(rules: Rules | None) -> Rules:
    """Return the rules of a store; UsageError where none are pinned yet."""
    if rules is None:
        raise UsageError("the store has no rules yet", hint="pin them before anything is stored")
    return rules


def check_rules(stored: Rules, wanted: Rules) -> None:
    """RulesMismatch unless a store's rules are those wanted."""
    if stored != wanted:
        hint = "name another store, or scan with the rules of this one"
        raise RulesMismatch(f"the store is of {stored}, not of {wanted}", hint=hint)


def check_next(tip: BlockRow | None, rules: Rules, row: BlockRow, effect: BlockEffect) -> None:
    """StoreOrderError unless a block follows the tip and its effect is its own."""
    expected = rules.start_height if tip is None else tip.height + 1
    if row.height != expected:
        message = f"block {row.height:,} is not the next one, {expected:,}"
        raise StoreOrderError(message)
    if tip is not None and row.previous != tip.hash:
        raise StoreOrderError(f"block {row.height:,} does not name the stored tip as its parent")
    if (effect.height, effect.block_hash) != (row.height, row.hash):
        raise StoreOrderError(f"the effect is not that of block {row.height:,}")


def check_height(tip: BlockRow | None, rules: Rules | None, at: int) -> None:
    """HeightUnknown unless something is known of the state after a height (R38)."""
    lowest, highest = _span(tip, rules)
    if not lowest <= at <= highest:
        raise HeightUnknown(at, lowest, highest)


def unknown(tip: BlockRow | None, rules: Rules | None, height: int) -> HeightUnknown:
    """Return the error for a height at which no block is stored."""
    lowest, highest = _span(tip, rules)
    return HeightUnknown(height, lowest + 1, highest)


def _span(tip: BlockRow | None, rules: Rules | None) -> tuple[int, int]:
    """Return the height before the first block, and that of the last."""
    lowest = (rules.start_height if rules else 1) - 1
    return lowest, tip.height if tip else lowest


def check_pushed(tip: BlockRow | None, height: int, block_hash: bytes) -> BlockRow:
    """Return the tip; StoreOrderError unless something pushed is of that block."""
    if tip is None or (tip.height, tip.hash) != (height, block_hash):
        raise StoreOrderError("only what stands in the tip block can be added to it")
    return tip


def with_op(effect: BlockEffect, op: Operation) -> BlockEffect:
    """Return the effect with one more operation, in the order of the block."""
    ops = sorted((*effect.ops, op), key=lambda each: each.tx_index)
    return replace(effect, ops=tuple(ops))


def with_tip(effect: BlockEffect, tip: Tip) -> BlockEffect:
    """Return the effect with one more tip, in the order of the block."""
    tips = sorted((*effect.tips, tip), key=lambda each: each.tx_index)
    return replace(effect, tips=tuple(tips))


def with_payment(effect: BlockEffect, payment: DividendPayment) -> BlockEffect:
    """Return the effect with one more payment, in the order of the block."""
    payments = sorted((*effect.payments, payment), key=lambda each: each.tx_index)
    return replace(effect, payments=tuple(payments))
