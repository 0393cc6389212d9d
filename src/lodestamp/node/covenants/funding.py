"""Paying a coin into a covenant, on a chain that enforces it (R21, R28)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.bitcoin import (
    COINBASE_MATURITY,
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxOut,
    decode_address,
)
from lodestamp.core.covenants import Covenant, FundedCoin, Kind, funding_amount, plan_genesis
from lodestamp.errors import CovenantError, FundsError, UsageError
from lodestamp.node.chains import (
    COVENANT_DEPLOYMENTS,
    BitcoinSigner,
    ChainSource,
    require_active,
)
from lodestamp.node.chains import plan as plan_payment
from lodestamp.node.covenants.coins import require_fresh

DUST_P2TR: Final = 330
"""Satoshis below which nodes pass no P2TR output on."""
FEE_TARGET_BLOCKS: Final = 6
"""Blocks within which a payment should be mined, where the caller names no rate."""

_P2TR: Final = b"\x51\x20"
_SIGNATURE: Final = bytes(64)


@dataclass(frozen=True, slots=True)
class Funded:
    """The transaction that was sent, the covenant's coin it makes, and its fee in satoshis."""

    tx: Transaction
    coin: FundedCoin
    fee: int


def fund(
    source: ChainSource,
    signer: BitcoinSigner,
    cov: Covenant,
    amount: int,
    *,
    fee_rate: int | None = None,
    outputs: Sequence[TxOut] = (),
    origin: str | None = None,
) -> Funded:
    """Pay `amount` satoshis into a covenant and send the transaction.

    `outputs` are those that T3 and T4 fix; their coin must hold them and a fee. T6 begins with a
    genesis of an `origin`, out of two coins. CovenantsNotActive where the chain does not enforce
    the covenant; CovenantError ``address-reuse``, ``reserve``; FundsError, FeeTooHigh and
    ChainRejected as the payment goes.
    """
    require_active(source, cov.deployments)
    require_fresh(source, cov)
    rate = source.fee_rate(FEE_TARGET_BLOCKS) if fee_rate is None else fee_rate
    if cov.kind in {Kind.T3, Kind.T4}:
        needed = funding_amount(cov, outputs, rate)
        if not outputs or amount < needed:
            message = f"the fixed outputs and their fee need {needed:,} satoshis, not {amount:,}"
            raise CovenantError(message, code="reserve")
    if cov.kind is Kind.T6:
        if origin is None:
            raise UsageError("a chain of states needs the name of its origin")
        tx, fee = _genesis(source, signer, cov, amount, rate=rate, origin=origin)
    else:
        paid = plan_payment(source, signer, [TxOut(amount, cov.script_pubkey)], rate)
        tx, fee = paid.tx, paid.fee
    source.broadcast(tx)
    return Funded(tx, FundedCoin(OutPoint(tx.txid, 0), tx.outputs[0]), fee)


def pay_address(
    source: ChainSource,
    signer: BitcoinSigner,
    text: str,
    amount: int,
    *,
    fee_rate: int | None = None,
) -> Transaction:
    """Pay a covenant of which only the address is known.

    Its kind cannot be seen, so every soft fork that covenants stand on must be active (R21).
    """
    require_active(source, COVENANT_DEPLOYMENTS)
    script = decode_address(text, source.network)
    rate = source.fee_rate(FEE_TARGET_BLOCKS) if fee_rate is None else fee_rate
    tx = plan_payment(source, signer, [TxOut(amount, script)], rate).tx
    source.broadcast(tx)
    return tx


def key_coins(source: ChainSource, signer: BitcoinSigner) -> list[FundedCoin]:
    """Return the signer's confirmed, mature coins, largest first."""
    height = source.tip().height + 1
    found = [
        FundedCoin(each.outpoint, each.coin.output)
        for each in source.utxos_of(_P2TR + signer.output_key())
        if not each.coin.is_coinbase or height - each.coin.height >= COINBASE_MATURITY
    ]
    return sorted(found, key=lambda each: (-each.output.amount, each.outpoint))


def _genesis(
    source: ChainSource,
    signer: BitcoinSigner,
    cov: Covenant,
    amount: int,
    *,
    rate: int,
    origin: str,
) -> tuple[Transaction, int]:
    coins = key_coins(source, signer)[:2]
    if len(coins) < 2:
        hint = "split a coin in two first"
        raise FundsError("a chain of states begins with two coins of the key", hint=hint)
    own = _P2TR + signer.output_key()
    total = sum(each.output.amount for each in coins)
    draft = plan_genesis(cov, coins, origin=origin, amount=amount, change=[TxOut(0, own)])
    unsigned = [replace(each, witness=(_SIGNATURE,)) for each in draft.inputs]
    fee = -(-rate * replace(draft, inputs=tuple(unsigned)).vsize // 1000)
    change = total - amount - fee
    if change < DUST_P2TR:
        raise FundsError(f"the two coins hold {total:,} satoshis, too few for change and fee")
    tx = plan_genesis(cov, coins, origin=origin, amount=amount, change=[TxOut(change, own)])
    hashes = SignatureHashes(tx, [each.output for each in coins])
    inputs = [
        replace(
            each,
            witness=(signer.sign_schnorr(hashes.taproot(n, SIGHASH_DEFAULT) or b"", tweaked=True),),
        )
        for n, each in enumerate(tx.inputs)
    ]
    return replace(tx, inputs=tuple(inputs)), fee
