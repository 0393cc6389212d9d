"""Spending a covenant's coin on a chain: planned, signed, judged, asked, sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin import Transaction, TxOut
from lodestamp.core.covenants import (
    Covenant,
    CovenantVerdict,
    FundedCoin,
    Kind,
    NextRoot,
    Reveal,
    SpendPlan,
    complete,
    plan_spend,
    verify_spend,
)
from lodestamp.core.verdict import Status
from lodestamp.errors import ChainRejected, CovenantError, FundsError, UsageError
from lodestamp.node.chains import BitcoinSigner, ChainSource, require_active
from lodestamp.node.covenants.coins import reused_coins, rules_of
from lodestamp.node.covenants.funding import DUST_P2TR, FEE_TARGET_BLOCKS, key_coins

_P2TR: Final = b"\x51\x20"
_ANCHORS: Final = frozenset({Kind.T5, Kind.T6})
_FIXED: Final = frozenset({Kind.T3, Kind.T4})


@dataclass(frozen=True, slots=True)
class Spent:
    """A spend, the outputs it spends, how it was judged, and coins of the same fixed address."""

    tx: Transaction
    spent: tuple[TxOut, ...]
    fee: int
    verdict: CovenantVerdict
    reused: tuple[FundedCoin, ...] = ()


def plan(
    source: ChainSource,
    signer: BitcoinSigner,
    cov: Covenant,
    coin: FundedCoin,
    *,
    reveal: Reveal = None,
    outputs: Sequence[TxOut] = (),
    fee_rate: int | None = None,
    relay: bool = True,
) -> SpendPlan:
    """Plan a spend that pays its fee at `fee_rate`, in satoshis per 1,000 vB.

    T1, T2 and T2B pay the whole coin to the signer's key unless `outputs` are given; T3 and T4
    need the outputs they fix; T5 and T6 take the fee from the signer's largest coin and give its
    change back. For T6 the transaction before is read from the chain where `reveal` lacks it.
    """
    rate = source.fee_rate(FEE_TARGET_BLOCKS) if fee_rate is None else fee_rate
    own = _P2TR + signer.output_key()
    if cov.kind in _FIXED or (outputs and cov.kind not in _ANCHORS):
        return plan_spend(cov, coin, outputs, reveal=reveal, relay=relay)
    if outputs:
        raise UsageError(f"covenant {cov.kind} fixes its outputs but for the fee coin's change")
    if cov.kind in _ANCHORS:
        return _plan_anchor(source, signer, cov, coin, reveal=reveal, rate=rate, relay=relay)
    draft = plan_spend(cov, coin, [TxOut(0, own)], reveal=reveal, relay=relay)
    left = coin.output.amount + _fee(draft, rate)
    if left < DUST_P2TR:
        raise FundsError("the covenant's coin does not reach for its own fee")
    return plan_spend(cov, coin, [TxOut(left, own)], reveal=reveal, relay=relay)


def spend(
    source: ChainSource,
    signer: BitcoinSigner,
    cov: Covenant,
    coin: FundedCoin,
    *,
    reveal: Reveal = None,
    outputs: Sequence[TxOut] = (),
    fee_rate: int | None = None,
    relay: bool = True,
    send: bool = True,
) -> Spent:
    """Spend a covenant's coin; arguments as `plan`.

    Without `send` nothing leaves. With `relay=False` it is not sent either: a miner must take it.
    CovenantsNotActive; CovenantError ``not-bound`` where our verdict does not establish every leg,
    ``owner`` for another signer than the leaf's owner; ChainRejected with the node's reason.
    """
    require_active(source, cov.deployments)
    if cov.owner is not None and cov.owner != signer.xonly():
        raise CovenantError("the leaf asks for another key's signature", code="owner")
    made = plan(
        source, signer, cov, coin, reveal=reveal, outputs=outputs, fee_rate=fee_rate, relay=relay
    )
    signatures = [
        signer.sign_schnorr(each.message, tweaked=each.input_index != 0) for each in made.to_sign
    ]
    tx = complete(made, signatures)
    verdict = verify_spend(tx, 0, made.spent, rules_of(source), r=cov.r, tree=cov.tree)
    if verdict.status is not Status.ESTABLISHED:
        raise CovenantError("the spend does not bind what it should", code="not-bound")
    reused = reused_coins(source, cov)
    if send and relay:
        answer = source.test_accept(tx)
        if not answer.allowed:
            raise ChainRejected(answer.reason or "refused", script_error=answer.script_error)
        source.broadcast(tx)
    return Spent(tx, made.spent, made.fee, verdict, reused)


def _plan_anchor(
    source: ChainSource,
    signer: BitcoinSigner,
    cov: Covenant,
    coin: FundedCoin,
    *,
    reveal: Reveal,
    rate: int,
    relay: bool,
) -> SpendPlan:
    if not isinstance(reveal, NextRoot):
        raise UsageError(f"covenant {cov.kind} needs the next root")
    if cov.kind is Kind.T6 and reveal.previous is None:
        if coin.outpoint.vout:
            message = "a chained anchor's coin at another output than 0 can never be spent"
            raise CovenantError(message, code="previous")
        reveal = NextRoot(reveal.root, source.transaction(coin.outpoint.txid))
    own = _P2TR + signer.output_key()
    coins = key_coins(source, signer)
    if not coins:
        raise FundsError("the key has no confirmed coin to pay the fee from")
    fee_coin = coins[0]

    def planned(change: int) -> SpendPlan:
        outputs = [TxOut(change, own)]
        return plan_spend(cov, coin, outputs, reveal=reveal, fee_coin=fee_coin, relay=relay)

    change = fee_coin.output.amount + _fee(planned(0), rate)
    if change < DUST_P2TR:
        raise FundsError("the key's largest coin does not reach for the fee")
    return planned(change)


def _fee(draft: SpendPlan, rate: int) -> int:
    """Return what a spend costs, rounded up, below zero so that it is added."""
    return -rate * draft.vsize // 1000
