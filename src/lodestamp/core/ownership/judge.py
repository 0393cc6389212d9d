"""Judging one operation: who registers, who sells, who receives (R10-R13, §4.7).

Everything but `op`, `sha1` and `value` is read from the transaction: the text's own claims about
addresses are never looked at (Q8).

>>> from lodestamp.core.ownership.state import State
>>> judge_operation(State(0), {"op": "n"}, Transaction(1, (), ()), (), Rules.strict("regtest"))
Judgement(reason='bad-op', sha1='', seller=None, receiver=b'', value=0, sat=0)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lodestamp.core.bitcoin import MAX_MONEY, Transaction
from lodestamp.core.ownership.attribute import output_owner
from lodestamp.core.ownership.chunks import returned
from lodestamp.core.ownership.effects import ASSET_UNITS, NOBODY, Judgement, Owner, Owners
from lodestamp.core.ownership.operation_text import parse_operation, transfer_value
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import Holdings
from lodestamp.errors import OperationMalformed

ASSET_NAME_LENGTH_MAX: Final = 80
"""Characters of what names a work under `peer_compat` (Q4): as many as a store has room for."""

_is_sha1: Final = re.compile(r"[0-9a-f]{40}").fullmatch
_is_unstorable: Final = re.compile("[\0\ud800-\udfff]").search


def judge_operation(
    holdings: Holdings, op: Mapping[str, object], tx: Transaction, owners: Owners, rules: Rules
) -> Judgement:
    """Judge an operation that the primary transaction `tx` carries, in the next block.

    `owners` are those of its inputs. The reasons, in the order looked for: ``bad-op`` ``bad-sha1``
    ``bad-value``; of a registration ``already-registered`` ``no-registrant``; of a transfer
    ``not-registered`` ``bad-layout`` ``payment-not-address`` ``seller-not-signing``
    ``no-receiver`` ``receiver-ambiguous`` ``insufficient``.
    """
    fault = operation_fault(op, rules)
    if fault is not None:
        return Judgement(fault)
    if op["op"] == "r":
        return _judge_registration(holdings, str(op["sha1"]), owners, rules)
    return _judge_transfer(holdings, op, tx, owners, rules)


def read_operation(text: bytes, rules: Rules) -> tuple[Mapping[str, object], str | None]:
    """Parse a carrier's text; return its keys, and what is wrong with it, if anything.

    The owners of a transaction's inputs matter only where nothing is (R9).
    """
    try:
        op = parse_operation(text)
    except OperationMalformed as error:
        return {}, error.reason
    return op, operation_fault(op, rules)


def operation_fault(op: Mapping[str, object], rules: Rules) -> str | None:
    """Return what is wrong with an operation whatever the state; None if it is well-formed."""
    if op.get("op") not in ("r", "t"):
        return "bad-op"
    if not _names_work(op.get("sha1"), rules):
        return "bad-sha1"
    if op["op"] == "t":
        try:
            transfer_value(op)
        except OperationMalformed as error:
            return error.reason
    return None


def _names_work(name: object, rules: Rules) -> bool:
    """Tell whether a text may name a work: a SHA-1, or for the peer any short text (Q4)."""
    if not isinstance(name, str):
        return False
    if rules.is_strict:
        return _is_sha1(name) is not None
    return 0 < len(name) <= ASSET_NAME_LENGTH_MAX and _is_unstorable(name) is None


def _judge_registration(holdings: Holdings, sha1: str, owners: Owners, rules: Rules) -> Judgement:
    """Give the work to the owner of the first input, unless somebody has it (R10, Q5)."""
    if holdings.registrant(sha1) is not None:
        return Judgement("already-registered")
    registrant = owners[0] if owners else None
    if registrant is None:
        if rules.is_strict:
            return Judgement("no-registrant")
        registrant = NOBODY
    return Judgement(None, sha1, None, registrant, ASSET_UNITS)


def _judge_transfer(
    holdings: Holdings, op: Mapping[str, object], tx: Transaction, owners: Owners, rules: Rules
) -> Judgement:
    sha1, value = str(op["sha1"]), transfer_value(op)
    if holdings.registrant(sha1) is None:
        return Judgement("not-registered")
    vout = _payment_vout(tx)
    if vout is None or not 0 <= tx.outputs[vout].amount <= MAX_MONEY:
        return Judgement("bad-layout")
    payment = tx.outputs[vout]
    seller = output_owner(payment.script, holdings.height + 1, rules)
    if seller is None:
        return Judgement("payment-not-address")
    if rules.is_strict and seller not in owners:
        return Judgement("seller-not-signing")
    receiver, fault = _receiver(owners, seller, rules)
    if receiver is None:
        return Judgement(fault)
    if not _can_give(holdings.balance(sha1, seller), value):
        return Judgement("insufficient")
    return Judgement(None, sha1, seller, receiver, value, payment.amount)


def _payment_vout(tx: Transaction) -> int | None:
    """Return which output pays the seller: 0 if output 2 is the carrier, 2 if output 0 is (R11)."""
    carriers = [at for at in (0, 2) if at < len(tx.outputs) and _returns(tx, at)]
    if 2 in carriers:
        return 0
    return 2 if carriers and len(tx.outputs) > 2 else None


def _returns(tx: Transaction, vout: int) -> bool:
    return returned(tx.outputs[vout].script) is not None


def _receiver(owners: Owners, seller: Owner, rules: Rules) -> tuple[Owner | None, str]:
    """Return the one owner among the inputs who is not the seller, or why there is none (R12).

    Under `peer_compat` the last input that is not the seller's decides, whoever signs it (Q3).
    """
    others = [owner for owner in owners if owner != seller]
    if not rules.is_strict:
        return (others[-1] if others else None), "no-receiver"
    distinct = {owner for owner in others if owner is not None}
    if len(distinct) > 1:
        return None, "receiver-ambiguous"
    return next(iter(distinct), None), "no-receiver"


def _can_give(balance: int, value: int) -> bool:
    """Tell whether a balance covers a value and a unit stays: the published rule (R13)."""
    return balance > value
