"""Judging a whole block: first every heart, then every carrier in order (R1-R3).

Hearts are judged on the state after the block before; carriers one after the other, each seeing
those before it. Nothing in a block can stop a scan (R3).
"""

from __future__ import annotations

from lodestamp.core.ownership.effects import (
    ASSET_UNITS,
    BlockEffect,
    BlockInput,
    CarrierInput,
    DividendPayment,
    Judgement,
    Operation,
    Owner,
    Refused,
    Registration,
    Tip,
    Transfer,
)
from lodestamp.core.ownership.flow import judge_flow
from lodestamp.core.ownership.judge import judge_operation, read_operation
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import Holdings, State
from lodestamp.errors import StoreOrderError

_OWN_KEYS = frozenset({"op", "sha1", "addr"})
_TTL_MAX = 2**53 - 1


def apply_block(state: State, block: BlockInput, rules: Rules) -> BlockEffect:
    """Judge the next block and take its effect over into the state.

    StoreOrderError when it is not the next block; ConservationBroken when a work no longer adds up
    (R14). Either way the state is as before.
    """
    effect = judge_block(state, block, rules)
    state.apply(effect)
    return effect


def undo(state: State, effect: BlockEffect) -> None:
    """Take back the last block's effect: the exact inverse of `apply_block`.

    StoreOrderError when it is not that of the last block.
    """
    state.undo(effect)


def judge_block(holdings: Holdings, block: BlockInput, rules: Rules) -> BlockEffect:
    """Return what the next block changes; `holdings` stay as they are.

    StoreOrderError when it is not the next block.
    """
    if block.height != holdings.height + 1:
        message = f"block {block.height:,} does not follow block {holdings.height:,}"
        raise StoreOrderError(message)
    tips, payments = _judge_hearts(holdings, block, rules)
    ops, rejected = _judge_carriers(holdings, block, rules)
    return BlockEffect(
        block.height, block.block_hash, tuple(tips), tuple(payments), tuple(ops), tuple(rejected)
    )


def _judge_hearts(
    holdings: Holdings, block: BlockInput, rules: Rules
) -> tuple[list[Tip], list[DividendPayment]]:
    tips: list[Tip] = []
    payments: list[DividendPayment] = []
    seen: set[tuple[bool, bytes]] = set()
    for heart in sorted(block.hearts, key=lambda each: each.tx_index):
        flow = judge_flow(holdings, heart.tx, heart.owners, rules)
        if flow is None or (flow.is_tip, heart.txid) in seen:
            continue
        has = holdings.has_tip if flow.is_tip else holdings.has_payment
        if has(heart.txid):  # one per txid and kind (R2)
            continue
        seen.add((flow.is_tip, heart.txid))
        kind = Tip if flow.is_tip else DividendPayment
        made = kind(
            heart.txid, block.height, heart.tx_index, block.block_hash,
            flow.sha1, flow.amount, flow.destination, flow.sources,
        )  # fmt: skip
        (tips if isinstance(made, Tip) else payments).append(made)  # type: ignore[arg-type]
    return tips, payments


def _judge_carriers(
    holdings: Holdings, block: BlockInput, rules: Rules
) -> tuple[list[Operation], list[Refused]]:
    ahead = _Ahead(holdings)
    ops: list[Operation] = []
    rejected: list[Refused] = []
    for carrier in sorted(block.carriers, key=lambda each: each.tx_index):
        made = _judge_carrier(ahead, block, carrier, rules)
        if isinstance(made, str):
            rejected.append((carrier.txid, carrier.tx_index, made))
        else:
            ahead.move(made)
            ops.append(made)
    return ops, rejected


def _judge_carrier(
    holdings: Holdings, block: BlockInput, carrier: CarrierInput, rules: Rules
) -> Operation | str:
    """Return the operation that a carrier makes, or the reason why it makes none."""
    op, fault = read_operation(carrier.text, rules)
    if fault is not None:
        return fault
    if holdings.has_operation(carrier.txid):
        return "duplicate-txid"
    judged = judge_operation(holdings, op, carrier.tx, carrier.owners, rules)
    if judged.reason is not None:
        return judged.reason
    if judged.seller is not None:
        return _transfer(block, carrier, judged, judged.seller, op.get("ttl"))
    meta = {key: value for key, value in op.items() if key not in _OWN_KEYS}
    return Registration(
        carrier.txid, block.height, carrier.tx_index, block.block_hash,
        judged.sha1, judged.receiver, carrier.text, meta,
    )  # fmt: skip


def _transfer(
    block: BlockInput, carrier: CarrierInput, judged: Judgement, seller: Owner, ttl: object
) -> Transfer:
    """Make the value of a transfer; a `ttl` that is no whole number of days is left out."""
    is_days = type(ttl) in (int, float) and 0 <= ttl <= _TTL_MAX and ttl == int(ttl)  # type: ignore[operator,call-overload]
    return Transfer(
        carrier.txid, block.height, carrier.tx_index, block.block_hash,
        judged.sha1, seller, judged.receiver, judged.value, judged.sat,
        int(ttl) if is_days else None,  # type: ignore[call-overload]
    )  # fmt: skip


class _Ahead:
    """What holds after the operations of a block that are judged already."""

    def __init__(self, holdings: Holdings) -> None:
        self._before = holdings
        self._registrants: dict[str, Owner] = {}
        self._balances: dict[tuple[str, Owner], int] = {}
        self._operations: set[bytes] = set()

    @property
    def height(self) -> int:
        return self._before.height

    def registrant(self, sha1: str) -> Owner | None:
        found = self._registrants.get(sha1)
        return self._before.registrant(sha1) if found is None else found

    def balance(self, sha1: str, owner: Owner) -> int:
        found = self._balances.get((sha1, owner))
        return self._before.balance(sha1, owner) if found is None else found

    def has_operation(self, txid: bytes) -> bool:
        return txid in self._operations or self._before.has_operation(txid)

    def has_tip(self, txid: bytes) -> bool:
        return self._before.has_tip(txid)

    def has_payment(self, txid: bytes) -> bool:
        return self._before.has_payment(txid)

    def move(self, op: Operation) -> None:
        """See an operation that holds."""
        self._operations.add(op.txid)
        if isinstance(op, Registration):
            self._registrants[op.sha1] = op.registrant
            self._balances[op.sha1, op.registrant] = ASSET_UNITS
            return
        for owner, units in ((op.asset_owner, -op.asset_value), (op.bitcoin_owner, op.asset_value)):
            self._balances[op.sha1, owner] = self.balance(op.sha1, owner) + units
