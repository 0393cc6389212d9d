"""Paying from plain key coins: choosing coins, change and fee, and signing (bitcoin spec R38)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.bitcoin import (
    COINBASE_MATURITY,
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
)
from lodestamp.errors import FeeTooHigh, FundsError
from lodestamp.node.chains.signer import BitcoinSigner
from lodestamp.node.chains.source import ChainSource
from lodestamp.node.chains.values import Unspent

DUST_P2TR: Final = 330
"""Satoshis below which nodes pass no P2TR output on; smaller change goes to the fee."""
FEE_MAX: Final = 1_000_000
"""Satoshis of fee that one spend may pay: 0.01 BTC is always a mistake."""
FEE_SHARE_MAX: Final = 10
"""A fee may be one in so many satoshis of what is paid."""
FUNDING_INPUTS_MAX: Final = 500
"""Coins of one spend: some 29,000 vB, well below what nodes pass on."""

_SIGNATURE_SIZE: Final = 64
_P2TR: Final = b"\x51\x20"
_REPLACEABLE: Final = 0xFFFFFFFD


@dataclass(frozen=True, slots=True)
class FundingPlan:
    """A signed transaction, the coins it spends, and what it pays: fee and change in satoshis."""

    tx: Transaction
    spent: tuple[Unspent, ...]
    fee: int
    change: int


def plan(
    source: ChainSource,
    signer: BitcoinSigner,
    outputs: Sequence[TxOut],
    fee_rate: int,
    *,
    reserved: Collection[OutPoint] = (),
) -> FundingPlan:
    """Pay outputs from the signer's confirmed, mature coins, largest first.

    `fee_rate` in satoshis per 1,000 vB. Coins that are `reserved` are left alone. Change of at
    least 330 goes back to the signer, less to the fee. FundsError ``funds`` when the coins do not
    reach; FeeTooHigh above a tenth of the outputs' sum or 0.01 BTC.
    """
    own = _P2TR + signer.output_key()
    height = source.tip().height + 1
    coins = [
        each
        for each in source.utxos_of(own)
        if _is_mature(each, height) and each.outpoint not in reserved
    ]
    coins.sort(key=lambda each: (-each.coin.output.amount, each.outpoint))
    value = sum(output.amount for output in outputs)
    chosen: list[Unspent] = []
    total = 0
    for coin in coins[:FUNDING_INPUTS_MAX]:
        chosen.append(coin)
        total += coin.coin.output.amount
        plain_fee = _fee(chosen, outputs, fee_rate)
        if total < value + plain_fee:
            continue
        change = total - value - _fee(chosen, [*outputs, TxOut(0, own)], fee_rate)
        if change < DUST_P2TR:
            change = 0
        fee = total - value - change
        _require_fee(fee, value)
        paid = [*outputs, TxOut(change, own)] if change else list(outputs)
        return FundingPlan(_signed(chosen, paid, signer), tuple(chosen), fee, change)
    raise FundsError(f"the coins hold {total:,} satoshis, less than {value:,} and the fee")


def _is_mature(each: Unspent, height: int) -> bool:
    return not each.coin.is_coinbase or height - each.coin.height >= COINBASE_MATURITY


def _fee(chosen: Sequence[Unspent], outputs: Sequence[TxOut], fee_rate: int) -> int:
    vsize = _unsigned(chosen, outputs, bytes(_SIGNATURE_SIZE)).vsize
    return -(-fee_rate * vsize // 1000)


def _unsigned(chosen: Sequence[Unspent], outputs: Sequence[TxOut], signature: bytes) -> Transaction:
    inputs = tuple(
        TxIn(each.outpoint, sequence=_REPLACEABLE, witness=(signature,)) for each in chosen
    )
    return Transaction(2, inputs, tuple(outputs))


def _signed(
    chosen: Sequence[Unspent], outputs: Sequence[TxOut], signer: BitcoinSigner
) -> Transaction:
    tx = _unsigned(chosen, outputs, bytes(_SIGNATURE_SIZE))
    hashes = SignatureHashes(tx, [each.coin.output for each in chosen])
    inputs = []
    for index, item in enumerate(tx.inputs):
        message = hashes.taproot(index, SIGHASH_DEFAULT) or b""  # None only for a bad hash type
        inputs.append(replace(item, witness=(signer.sign_schnorr(message, tweaked=True),)))
    return replace(tx, inputs=tuple(inputs))


def _require_fee(fee: int, value: int) -> None:
    if fee > FEE_MAX:
        raise FeeTooHigh(f"a fee of {fee:,} satoshis is more than 0.01 BTC")
    if fee * FEE_SHARE_MAX > value:
        raise FeeTooHigh(f"a fee of {fee:,} satoshis is more than a tenth of {value:,}")
