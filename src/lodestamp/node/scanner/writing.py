"""Writing ownership: coins from a chain, signatures or PSBTs, judging, sending (§7, R41 to R46).

The plan itself is pure (`lodestamp.core.ownership`). Here it meets a chain: for coins and fees
before, and for its own reading back and the node's opinion at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from lodestamp.core.bitcoin import (
    COINBASE_MATURITY,
    NetworkParams,
    OutPoint,
    Psbt,
    Transaction,
)
from lodestamp.core.ownership import (
    FEE_RATE_MAX,
    FEE_RATE_MIN,
    Holdings,
    Owner,
    Party,
    ReadBack,
    Rules,
    Spendable,
    TxPlan,
    read_back,
)
from lodestamp.errors import ChainNotFound, ChainRejected, RulesMismatch, UsageError, WouldBeInvalid
from lodestamp.node.chains import ChainSource, KeySigner, sign_transaction

FEE_TARGET_BLOCKS: Final = 6
"""Blocks within which a transaction should be mined when nobody says a rate."""

_KNOWN: Final = frozenset({"txn-already-in-mempool", "txn-already-known"})
"""What a mempool says of a step that an earlier try has sent."""


def party_of(
    source: ChainSource,
    script: bytes,
    *,
    key_size: int = 33,
    reserved: Collection[OutPoint] = (),
) -> Party:
    """Return an owner with his confirmed, mature coins, but for those that are reserved."""
    height = source.tip().height + 1
    coins = tuple(
        Spendable(each.outpoint, each.coin.output)
        for each in source.utxos_of(script)
        if each.outpoint not in reserved
        if not each.coin.is_coinbase or height - each.coin.height >= COINBASE_MATURITY
    )
    return Party(Owner(script), coins, key_size)


def fee_rate_of(source: ChainSource, target_blocks: int = FEE_TARGET_BLOCKS) -> int:
    """Return the chain's estimate in satoshis per 1,000 vB, within the bounds of R41."""
    return min(max(source.fee_rate(target_blocks), FEE_RATE_MIN), FEE_RATE_MAX)


def sign_plan(
    plan: TxPlan, signers: Sequence[KeySigner], net: NetworkParams
) -> tuple[Transaction, ...]:
    """Sign every step with keys at hand, one after the other, in the order of broadcast (R42).

    UsageError on every network but regtest, which is the simulator's too: elsewhere keys belong in
    a wallet (R44). FundsError ``key-foreign`` for an input that none of the keys may spend.
    """
    if net.name != "regtest":
        hint = "write PSBTs, and sign them in your wallet"
        raise UsageError(f"keys of this machine do not sign on {net}", hint=hint)
    signed: list[Transaction] = []
    for step in plan.steps:
        unsigned = step.transaction([tx.txid for tx in signed])
        signed.append(sign_transaction(unsigned, step.spent, signers))
    return tuple(signed)


def psbts_of(
    source: ChainSource, plan: TxPlan, signed: Sequence[Transaction] = ()
) -> tuple[Psbt, ...]:
    """Return PSBTs of the steps that can be signed now, given those signed already (R42, R44).

    Of segwit inputs that is all that are left, of legacy inputs one. UsageError when what is
    signed is not the beginning of the plan; PsbtError ``parent`` when the chain has not the
    transaction that a legacy input spends.
    """
    made: list[Psbt] = []
    near: dict[bytes, Transaction] = {tx.txid: tx for tx in signed}
    first = len(signed)
    for step, tx in zip(plan.steps[first:], plan.ready(signed), strict=False):
        for item in tx.inputs:
            parent = near.get(item.prevout.txid) or _parent(source, item.prevout)
            if parent is not None:
                near[item.prevout.txid] = parent
        made.append(Psbt.of(tx, step.spent, near))
        near[tx.txid] = tx
    return tuple(made)


def send_plan(
    source: ChainSource,
    holdings: Holdings,
    rules: Rules,
    plan: TxPlan,
    signed: Sequence[Transaction],
    *,
    force: bool = False,
) -> ReadBack:
    """Read the signed steps back, judge them on the current state, and broadcast them in order.

    Each is first held out to the mempool. WouldBeInvalid, and nothing is sent, unless they would
    have their effect or `force` is given (R45). UsageError when the signed transactions are not
    the plan's, RulesMismatch when the chain is of another network than the rules; ChainRejected
    with the node's word, whose hint tells how many were sent before. What the mempool has already
    is no error, so that a sending that broke off can be repeated.
    """
    if rules.network != source.network.name:
        message = f"the rules are of {rules.network}, the chain is {source.network}"
        raise RulesMismatch(message)
    if len(signed) != len(plan.steps):
        raise UsageError(f"{len(signed)} of {len(plan.steps)} transactions are signed")
    plan.ready(signed)
    found = read_back(holdings, signed, plan.steps[-1].spent, rules)
    if found.reason is not None and not force:
        raise WouldBeInvalid(found.reason, "nothing was sent", hint="--force sends it all the same")
    for sent, tx in enumerate(signed):
        answer = source.test_accept(tx)
        if not answer.allowed and answer.reason not in _KNOWN:
            refusal = ChainRejected(answer.reason or "", script_error=answer.script_error)
            refusal.hint = f"{sent} of {len(signed)} transactions were sent before"
            raise refusal
        source.broadcast(tx)
    return found


def _parent(source: ChainSource, outpoint: OutPoint) -> Transaction | None:
    """Return the transaction that made a coin; without it only witness inputs can be signed."""
    coin = source.utxo(outpoint)
    try:
        return source.transaction(outpoint.txid, near=None if coin is None else coin.coin.height)
    except ChainNotFound:
        return None
