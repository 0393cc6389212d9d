"""Judging a heart: a tip, a dividend payment, or nothing (R15-R17, Q6, Q7).

Both are the same bytes; who pays whom decides. So the registrant who tips a holder's address pays
a dividend, and whoever pays the registrant tips, holder or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodestamp.core.bitcoin import MAX_MONEY, Transaction
from lodestamp.core.ownership.attribute import output_owner
from lodestamp.core.ownership.effects import Owner, Owners
from lodestamp.core.ownership.heart import heart_of
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import Holdings


@dataclass(frozen=True, slots=True)
class HeartFlow:
    """What a heart does: `amount` satoshis for a work, to its registrant or from him to a holder.

    `is_tip` tells which. `sources` are the owners of the attributed inputs, in order.
    """

    is_tip: bool
    sha1: str
    amount: int
    destination: Owner
    sources: tuple[Owner, ...]


def judge_flow(
    holdings: Holdings, tx: Transaction, owners: Owners, rules: Rules
) -> HeartFlow | None:
    """Judge a transaction with a heart in the next block: a tip, a payment, or None (R16).

    `owners` are those of its inputs; nothing asks for them where the work is unknown.
    """
    found = _read(holdings, tx, owners, rules)
    return found if isinstance(found, HeartFlow) else None


def tip_fault(holdings: Holdings, tx: Transaction, owners: Owners, rules: Rules) -> str | None:
    """Return why a transaction is no tip; None if it is one.

    ``bad-layout`` (no heart), ``not-registered``, ``self-payment``, ``wrong-destination``,
    ``bad-value``.
    """
    found = _read(holdings, tx, owners, rules)
    if isinstance(found, HeartFlow):
        return None if found.is_tip else "wrong-destination"
    return "wrong-destination" if found in _PAYMENT_FAULTS else found


def payment_fault(holdings: Holdings, tx: Transaction, owners: Owners, rules: Rules) -> str | None:
    """Return why a transaction is no dividend payment; None if it is one.

    As `tip_fault`, with ``payer-not-registrant`` and ``not-a-holder``; ``wrong-destination`` is a
    payment to the registrant, which is a tip.
    """
    found = _read(holdings, tx, owners, rules)
    if isinstance(found, HeartFlow):
        return "wrong-destination" if found.is_tip else None
    return found


_PAYMENT_FAULTS = frozenset({"payer-not-registrant", "not-a-holder"})


def _read(holdings: Holdings, tx: Transaction, owners: Owners, rules: Rules) -> HeartFlow | str:
    """Return the flow, or why there is none."""
    sha1 = heart_of(tx)
    if sha1 is None:
        return "bad-layout"
    registrant = holdings.registrant(sha1)
    if registrant is None:
        return "not-registered"
    sources = tuple(owner for owner in owners if owner is not None)
    paid = _outputs(tx, holdings.height + 1, rules)
    foreign = [(owner, amount) for owner, amount in paid if owner not in sources]
    if not foreign:
        return _to_oneself(sha1, registrant, owners, paid, rules)
    destination = foreign[0][0]
    is_tip = destination == registrant
    if not is_tip and (not sources or sources[0] != registrant):
        return "payer-not-registrant"
    if not is_tip and holdings.balance(sha1, destination) < 1:
        return "not-a-holder"
    amount = sum(amount for owner, amount in foreign if owner == destination or not rules.is_strict)
    if not 0 < amount <= MAX_MONEY:
        return "bad-value"
    return HeartFlow(is_tip, sha1, amount, destination, sources)


def _outputs(tx: Transaction, height: int, rules: Rules) -> list[tuple[Owner, int]]:
    """Return owner and amount of each output that bears an owner, in order."""
    found = []
    for output in tx.outputs:
        owner = output_owner(output.script, height, rules)
        if owner is not None:
            found.append((owner, output.amount))
    return found


def _to_oneself(
    sha1: str,
    registrant: Owner,
    owners: Owners,
    paid: Sequence[tuple[Owner, int]],
    rules: Rules,
) -> HeartFlow | str:
    """Judge a heart that pays nobody but its sources: no effect, but for the peer (Q7).

    There it is a payment of the smallest output, if one input is all and it is the registrant's.
    """
    if rules.is_strict or owners != (registrant,) or not paid:
        return "self-payment"
    amount = min(amount for _, amount in paid)
    if not 0 < amount <= MAX_MONEY:
        return "bad-value"
    return HeartFlow(False, sha1, amount, registrant, (registrant,))
