"""Choosing coins, fees and change for the steps of a plan (§7, R41 to R43)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import TxOut, dust_limit
from lodestamp.core.ownership.carrier import payload_script
from lodestamp.core.ownership.plan import (
    Party,
    PlannedInput,
    Spendable,
    StepOutput,
    UnsignedTx,
    fee_of_size,
    vsize_of,
)
from lodestamp.errors import FundsError

COINS_OF_A_STEP_MAX: Final = 200
"""Coins that one transaction gathers: some 30,000 vB of legacy inputs, well within relay limits."""


def inputs_of(party: Party, coins: Sequence[Spendable]) -> tuple[PlannedInput, ...]:
    """Return the inputs that spend a party's coins."""
    return tuple(
        PlannedInput(coin.outpoint, coin.output.amount, coin.output.script, party.key_size)
        for coin in coins
    )


def gathered(
    party: Party,
    outputs: Sequence[TxOut],
    fee_rate: int,
    *,
    least_change: int,
    others: Sequence[PlannedInput] = (),
) -> tuple[tuple[PlannedInput, ...], int, int]:
    """Choose coins of a party, largest first, until outputs, fee and a least change are covered.

    `outputs` hold the party's change with amount 0 and everything else as it will be; `others` are
    inputs of other parties, who get back all they put in. Returns the party's inputs, the change
    and the fee. FundsError when the coins do not reach.
    """
    due = sum(each.amount for each in outputs) - sum(each.value for each in others)
    coins = sorted(party.coins, key=lambda coin: (-coin.output.amount, coin.outpoint))
    total = 0
    chosen: list[Spendable] = []
    for coin in coins[:COINS_OF_A_STEP_MAX]:
        chosen.append(coin)
        total += coin.output.amount
        inputs = inputs_of(party, chosen)
        fee = fee_of_size(vsize_of([*inputs, *others], outputs), fee_rate)
        change = total - due - fee
        if change >= least_change:
            return inputs, change, fee
    needed = due + least_change
    raise FundsError(f"the coins hold {total:,} satoshis, less than {needed:,} and the fees")


def carrier_steps(
    party: Party, payloads: Sequence[bytes], fee_rate: int, *, left_over: int
) -> tuple[UnsignedTx, ...]:
    """Return the steps that carry these payloads, the last of them first (§3.1).

    Each spends the change of the one before; the last leaves at least `left_over` satoshis, as
    output 1. No payloads, no steps. FundsError when the coins do not reach.
    """
    count = len(payloads)
    change_script = TxOut(0, party.owner)
    fees: list[int] = []
    for payload in payloads[:-1]:  # all but the first step spend one change
        outputs = (TxOut(0, payload_script(payload)), change_script)
        spends = (PlannedInput(StepOutput(0, 1), 0, party.owner, party.key_size),)
        fees.append(fee_of_size(vsize_of(spends, outputs), fee_rate))
    steps: list[UnsignedTx] = []
    for at, payload in enumerate(reversed(payloads)):
        carrying = TxOut(0, payload_script(payload))
        if not steps:
            inputs, change, fee = gathered(
                party,
                (carrying, change_script),
                fee_rate,
                least_change=max(left_over + sum(fees), dust_limit(party.owner)),
            )
        else:
            inputs, fee = (change_of(steps, party),), fees[count - 1 - at]
            change = inputs[0].value - fee
        outputs = (carrying, TxOut(change, party.owner))
        vsize = vsize_of(inputs, outputs)
        purpose = f"payload {count - at + 1} of {count + 1}"
        steps.append(UnsignedTx(inputs, outputs, fee, vsize, purpose))
    return tuple(steps)


def change_of(steps: Sequence[UnsignedTx], party: Party) -> PlannedInput:
    """Return the input that spends the change, output 1, of the last of some steps."""
    value = steps[-1].outputs[1].amount
    return PlannedInput(StepOutput(len(steps) - 1, 1), value, party.owner, party.key_size)


def settled(
    party: Party,
    inputs: Sequence[PlannedInput],
    outputs: Sequence[TxOut],
    fee_rate: int,
    purpose: str,
) -> UnsignedTx:
    """Return a step whose last output is the change of one party, left out where it is dust."""
    total = sum(each.value for each in inputs)
    paid = sum(each.amount for each in outputs)
    with_change = (*outputs, TxOut(0, party.owner))
    fee = fee_of_size(vsize_of(inputs, with_change), fee_rate)
    change = total - paid - fee
    if change >= dust_limit(party.owner):
        made = (*outputs, TxOut(change, party.owner))
        return UnsignedTx(tuple(inputs), made, fee, vsize_of(inputs, made), purpose)
    vsize = vsize_of(inputs, outputs)
    fee = total - paid
    if fee < fee_of_size(vsize, fee_rate):
        raise FundsError(f"the coins hold {total:,} satoshis, less than {paid:,} and the fee")
    return UnsignedTx(tuple(inputs), tuple(outputs), fee, vsize, purpose)
