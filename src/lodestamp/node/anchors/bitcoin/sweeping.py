"""Paying an anchor's coins out, all in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lodestamp.core.bitcoin import (
    SIGHASH_DEFAULT,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    dust_limit,
    output_script,
)
from lodestamp.errors import FundsError
from lodestamp.node.anchors.bitcoin.transaction import SEQUENCE, PaidBy
from lodestamp.node.chains import BitcoinSigner

SWEPT_MAX: Final = 500
"""Coins of one sweep: some 29,000 vB, well below what nodes pass on. The rest takes another."""
_SIGNATURE: Final = bytes(64)


def sweep(
    coins: Sequence[PaidBy], script: bytes, *, fee_rate: int, signer: BitcoinSigner
) -> Transaction:
    """Return the signed transaction that pays coins to a script, less the fee.

    `fee_rate` is in satoshis per 1,000 vB. At most `SWEPT_MAX` coins are taken, those given first.
    FundsError when there are none, or they hold no more than the fee and dust.
    """
    taken = coins[:SWEPT_MAX]
    if not taken:
        raise FundsError("there are no coins to sweep")
    own = bytes(output_script(signer.xonly()))
    value = sum(each.value for each in taken)
    inputs = tuple(TxIn(each.outpoint, b"", SEQUENCE, (_SIGNATURE,)) for each in taken)
    fee = -(-fee_rate * Transaction(2, inputs, (TxOut(value, script),)).vsize // 1000)
    if value - fee < dust_limit(script):
        raise FundsError(f"the coins hold {value:,} satoshis, and the fee alone is {fee:,}")
    made = Transaction(2, inputs, (TxOut(value - fee, script),))
    hashes = SignatureHashes(made, [TxOut(each.value, own) for each in taken])
    signed = []
    for index, each in enumerate(made.inputs):
        message = hashes.taproot(index, SIGHASH_DEFAULT) or b""  # None for a bad hash type only
        signed.append(replace(each, witness=(signer.sign_schnorr(message, tweaked=True),)))
    return replace(made, inputs=tuple(signed))
