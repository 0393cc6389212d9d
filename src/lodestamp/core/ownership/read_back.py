"""Reading back what is about to be broadcast, and judging it on the current state (R45)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lodestamp.core.bitcoin import Transaction, TxOut
from lodestamp.core.ownership.attribute import attribute, output_owner
from lodestamp.core.ownership.carrier import carrier_count, read_carrier
from lodestamp.core.ownership.effects import Owner, Owners
from lodestamp.core.ownership.flow import judge_flow, payment_fault
from lodestamp.core.ownership.heart import heart_of
from lodestamp.core.ownership.judge import judge_operation, read_operation
from lodestamp.core.ownership.plan import TxPlan
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import Holdings
from lodestamp.errors import UsageError

Kind = Literal["register", "transfer", "tip", "payment"]
"""The four things that a transaction can say."""

_KINDS: Final[dict[str, Kind]] = {"r": "register", "t": "transfer"}


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What transactions say of a work, and why it would have no effect; None where it would.

    `kind` is None where they say nothing. For an operation `receiver` gets `units`; for a tip or a
    payment he gets `amount` satoshis, and for a transfer the seller does.
    """

    kind: Kind | None
    sha1: str
    reason: str | None
    receiver: Owner | None = None
    units: int = 0
    amount: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the judgement as verbs print it, the receiver as scriptPubKey in hex."""
        return {
            "kind": self.kind,
            "sha1": self.sha1,
            "valid": self.reason is None,
            "reason": self.reason,
            "receiver": None if self.receiver is None else self.receiver.hex(),
            "units": self.units,
            "amount": self.amount,
        }


def read_back(
    holdings: Holdings,
    txs: Sequence[Transaction],
    spent: Sequence[TxOut],
    rules: Rules,
    *,
    is_signed: bool = True,
) -> ReadBack:
    """Judge transactions as if the last one were in the next block.

    `txs` are in the order of their broadcast, the primary last, `spent` what that one spends, in
    input order. What is not signed yet is judged as if every owner had signed. UsageError without
    transactions.
    """
    if not txs:
        raise UsageError("there is no transaction to read back")
    tx, height = txs[-1], holdings.height + 1
    owners: Owners
    if is_signed:
        owners = attribute(tx, lambda: spent, height, rules)
    else:
        owners = tuple(output_owner(each.script, height, rules) for each in spent)
    if carrier_count(tx):
        return _operation(holdings, txs, owners, rules)
    if heart_of(tx) is not None:
        return _flow(holdings, tx, owners, rules)
    return ReadBack(None, "", "bad-layout")


def rehearse(holdings: Holdings, plan: TxPlan, rules: Rules) -> ReadBack:
    """Judge a plan before anything of it is signed, as if every owner had signed (R45)."""
    txs: list[Transaction] = []
    for step in plan.steps:  # txids may still change by signatures, but the steps stay linked so
        txs.append(step.transaction([tx.txid for tx in txs]))
    return read_back(holdings, txs, plan.steps[-1].spent, rules, is_signed=False)


def _operation(
    holdings: Holdings, txs: Sequence[Transaction], owners: Owners, rules: Rules
) -> ReadBack:
    own = {bytes(tx.txid): tx for tx in txs}
    carrier = read_carrier(txs[-1], own.get)
    if carrier is None:
        return ReadBack(None, "", "not-json")
    op, fault = read_operation(carrier.text, rules)
    if fault is not None:
        return ReadBack(None, "", fault)
    kind, sha1 = _KINDS[str(op["op"])], str(op["sha1"])
    judged = judge_operation(holdings, op, txs[-1], owners, rules)
    if judged.reason is not None:
        return ReadBack(kind, sha1, judged.reason)
    return ReadBack(kind, sha1, None, judged.receiver, judged.value, judged.sat)


def _flow(holdings: Holdings, tx: Transaction, owners: Owners, rules: Rules) -> ReadBack:
    flow = judge_flow(holdings, tx, owners, rules)
    if flow is None:
        return ReadBack(None, heart_of(tx) or "", payment_fault(holdings, tx, owners, rules))
    kind: Kind = "tip" if flow.is_tip else "payment"
    return ReadBack(kind, flow.sha1, None, flow.destination, amount=flow.amount)
