"""Plans for the four things that can be said: register, transfer, tip, pay (§1.1, §3, §7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import MAX_MONEY, TxOut, dust_limit
from lodestamp.core.ownership.carrier import encode_payloads, payload_script
from lodestamp.core.ownership.effects import Owner
from lodestamp.core.ownership.heart import heart_script
from lodestamp.core.ownership.operation_text import VALUE_MAX
from lodestamp.core.ownership.plan import (
    Party,
    PlannedInput,
    StepOutput,
    TxPlan,
    UnsignedTx,
    fee_of_size,
    require_rate,
    vsize_of,
)
from lodestamp.core.ownership.plan_steps import (
    COINS_OF_A_STEP_MAX,
    carrier_steps,
    change_of,
    gathered,
    inputs_of,
    settled,
)
from lodestamp.core.ownership.state import Holdings
from lodestamp.core.ownership.written_text import RegistrationText, transfer_text
from lodestamp.errors import CarrierTooLarge, FundsError, UsageError, WouldBeInvalid

TIP_DEFAULT: Final = 10_000
"""Satoshis of a tip when nobody says how many (§3.3)."""


def build_register(
    holdings: Holdings, registration: RegistrationText, registrant: Party, fee_rate: int
) -> TxPlan:
    """Plan to register a work: the later payloads, then the primary, all by one owner (R42, R46).

    WouldBeInvalid ``already-registered``; CarrierTooLarge, whose hint names the longest field;
    FundsError when the coins do not reach; FeeTooHigh and UsageError for the rate, satoshis per
    1,000 vB.
    """
    require_rate(fee_rate)
    if holdings.registrant(registration.sha1) is not None:
        message = f"the work {registration.sha1} has an owner since its registration"
        raise WouldBeInvalid("already-registered", message)
    try:
        payloads = encode_payloads(registration.encode())
    except CarrierTooLarge as error:
        name, size = registration.longest()
        hint = f"the longest field is `{name}`, {size:,} bytes"
        raise CarrierTooLarge(error.maximum, error.actual, hint=hint) from None
    primary = TxOut(0, payload_script(payloads[0]))
    if len(payloads) == 1:
        return TxPlan((_paid(registrant, (primary,), fee_rate, "primary"),))
    left_over = max(_fee_of_change(registrant, (primary,), fee_rate), dust_limit(registrant.owner))
    steps = carrier_steps(registrant, payloads[1:], fee_rate, left_over=left_over)
    last = settled(registrant, (change_of(steps, registrant),), (primary,), fee_rate, "primary")
    return TxPlan((*steps, last))


def build_transfer(
    holdings: Holdings,
    sha1: str,
    value: int,
    price: int,
    *,
    seller: Party,
    buyer: Party,
    fee_rate: int,
    ttl: int = 365,
) -> TxPlan:
    """Plan to hand over `value` units of a work for `price` satoshis, in layout A (R43, §3.4).

    The buyer pays the price and the primary's fee; the seller pays for payloads that do not fit
    it, and gets back what his last input holds. WouldBeInvalid ``bad-value``, ``not-registered``,
    ``insufficient`` (a unit must stay), ``no-receiver`` (seller and buyer are one); UsageError for
    a price below what nodes relay; FundsError, FeeTooHigh.
    """
    require_rate(fee_rate)
    _require_transfer(holdings, sha1, value, seller.owner, buyer.owner)
    _require_amount(price, seller.owner)
    payloads = encode_payloads(transfer_text(sha1, value, ttl))
    steps = carrier_steps(seller, payloads[1:], fee_rate, left_over=dust_limit(seller.owner))
    last = change_of(steps, seller) if steps else _smallest(seller)
    payment, change = TxOut(price, seller.owner), TxOut(0, buyer.owner)
    carrying, back = TxOut(0, payload_script(payloads[0])), TxOut(last.value, seller.owner)
    bought, left, fee = gathered(
        buyer,
        (payment, change, carrying, back),
        fee_rate,
        least_change=dust_limit(buyer.owner),  # without it the carrier is no longer output 2
        others=(last,),
    )
    inputs = (*bought, last)
    outputs = (payment, TxOut(left, buyer.owner), carrying, back)
    primary = UnsignedTx(inputs, outputs, fee, vsize_of(inputs, outputs), "primary")
    return TxPlan((*steps, primary))


def build_tip(
    holdings: Holdings, sha1: str, tipper: Party, fee_rate: int, *, amount: int = TIP_DEFAULT
) -> TxPlan:
    """Plan a tip for a work, to its registrant (§3.3).

    WouldBeInvalid ``not-registered``, ``self-payment``; UsageError for an amount below what nodes
    relay; FundsError, FeeTooHigh.
    """
    registrant = _registrant(holdings, sha1)
    paid = TxOut(amount, registrant)
    return _heart(sha1, paid, tipper, fee_rate, "tip")


def build_payment(
    holdings: Holdings, sha1: str, holder: Owner, payer: Party, fee_rate: int, *, amount: int
) -> TxPlan:
    """Plan to pass on dividends of a work to one of its holders (§3.3, R16).

    WouldBeInvalid ``not-registered``, ``payer-not-registrant``, ``not-a-holder``,
    ``self-payment``; UsageError for an amount below what nodes relay; FundsError, FeeTooHigh.
    """
    if _registrant(holdings, sha1) != payer.owner:
        raise WouldBeInvalid("payer-not-registrant", "only the registrant pays dividends")
    if holdings.balance(sha1, holder) < 1:
        raise WouldBeInvalid("not-a-holder", "who is paid holds nothing of the work")
    return _heart(sha1, TxOut(amount, holder), payer, fee_rate, "dividend payment")


def _heart(sha1: str, paid: TxOut, payer: Party, fee_rate: int, purpose: str) -> TxPlan:
    require_rate(fee_rate)
    if paid.script == payer.owner:
        raise WouldBeInvalid("self-payment", "who pays and who is paid are one")
    _require_amount(paid.amount, Owner(paid.script))
    outputs = (TxOut(0, heart_script(sha1)), paid)
    return TxPlan((_paid(payer, outputs, fee_rate, purpose),))


def _paid(party: Party, outputs: Sequence[TxOut], fee_rate: int, purpose: str) -> UnsignedTx:
    """Return a step that stands alone, its change last; without change where that is dust."""
    coins = sorted(party.coins, key=lambda coin: (-coin.output.amount, coin.outpoint))
    most = min(len(coins), COINS_OF_A_STEP_MAX)
    for count in range(1, most + 1):
        try:
            return settled(party, inputs_of(party, coins[:count]), outputs, fee_rate, purpose)
        except FundsError:
            if count == most:
                raise
    raise FundsError("there are no coins to pay with")


def _smallest(party: Party) -> PlannedInput:
    """Return the coin by which a party only signs: it gets back all of it."""
    coins = sorted(party.coins, key=lambda coin: (coin.output.amount, coin.outpoint))
    for each in inputs_of(party, coins):
        if each.value >= dust_limit(party.owner):
            return each
    raise FundsError("the seller has no coin to sign with", hint="a small one comes back to him")


def _fee_of_change(party: Party, outputs: Sequence[TxOut], fee_rate: int) -> int:
    spends = (PlannedInput(StepOutput(0, 1), 0, party.owner, party.key_size),)
    return fee_of_size(vsize_of(spends, outputs), fee_rate)


def _registrant(holdings: Holdings, sha1: str) -> Owner:
    found = holdings.registrant(sha1)
    if found is None:
        raise WouldBeInvalid("not-registered", f"nobody has registered the work {sha1}")
    return found


def _require_transfer(
    holdings: Holdings, sha1: str, value: int, seller: Owner, buyer: Owner
) -> None:
    if not 1 <= value <= VALUE_MAX:
        raise WouldBeInvalid("bad-value", f"units are 1 to {VALUE_MAX:,}, not {value:,}")
    _registrant(holdings, sha1)
    if seller == buyer:
        raise WouldBeInvalid("no-receiver", "seller and buyer are one owner")
    balance = holdings.balance(sha1, seller)
    if value > balance - 1:
        message = f"{value:,} units of {balance:,}, and one must stay"
        raise WouldBeInvalid("insufficient", message)


def _require_amount(amount: int, owner: Owner) -> None:
    least = dust_limit(owner)
    if not least <= amount <= MAX_MONEY:
        raise UsageError(f"{amount:,} satoshis: nodes relay no less than {least:,} to this owner")
