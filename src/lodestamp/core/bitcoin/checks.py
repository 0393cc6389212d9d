"""What a transaction must be by itself, whatever it spends (bitcoin spec R3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lodestamp.core.bitcoin.tx import MAX_MONEY, Transaction

STRIPPED_SIZE_MAX: Final = 1_000_000
"""Bytes without witness: each weighs four, and a block weighs at most 4,000,000."""
COINBASE_SCRIPT_SIZE_MIN: Final = 2
COINBASE_SCRIPT_SIZE_MAX: Final = 100
"""Bytes of a coinbase's scriptSig, which since 2009 may hold anything."""


class TxFault(StrEnum):
    """Why a transaction is invalid by itself, in Bitcoin Core's words."""

    VIN_EMPTY = "bad-txns-vin-empty"
    VOUT_EMPTY = "bad-txns-vout-empty"
    OVERSIZE = "bad-txns-oversize"
    VOUT_NEGATIVE = "bad-txns-vout-negative"
    VOUT_TOOLARGE = "bad-txns-vout-toolarge"
    TXOUTTOTAL_TOOLARGE = "bad-txns-txouttotal-toolarge"
    INPUTS_DUPLICATE = "bad-txns-inputs-duplicate"
    CB_LENGTH = "bad-cb-length"
    PREVOUT_NULL = "bad-txns-prevout-null"


def check_transaction(tx: Transaction) -> TxFault | None:
    """Return the first fault in Bitcoin Core's order, or None.

    MalformedTransaction only for a value whose fields fit no transaction, which `decode` never
    returns.
    """
    if not tx.inputs:
        return TxFault.VIN_EMPTY
    if not tx.outputs:
        return TxFault.VOUT_EMPTY
    if len(tx.encode(witness=False)) > STRIPPED_SIZE_MAX:
        return TxFault.OVERSIZE
    return _check_amounts(tx) or _check_inputs(tx)


def _check_amounts(tx: Transaction) -> TxFault | None:
    total = 0
    for each in tx.outputs:
        if each.amount < 0:
            return TxFault.VOUT_NEGATIVE
        if each.amount > MAX_MONEY:
            return TxFault.VOUT_TOOLARGE
        total += each.amount
        if total > MAX_MONEY:
            return TxFault.TXOUTTOTAL_TOOLARGE
    return None


def _check_inputs(tx: Transaction) -> TxFault | None:
    if len({each.prevout for each in tx.inputs}) != len(tx.inputs):
        return TxFault.INPUTS_DUPLICATE
    if tx.is_coinbase:
        size = len(tx.inputs[0].script_sig)
        is_fit = COINBASE_SCRIPT_SIZE_MIN <= size <= COINBASE_SCRIPT_SIZE_MAX
        return None if is_fit else TxFault.CB_LENGTH
    if any(each.prevout.is_null for each in tx.inputs):
        return TxFault.PREVOUT_NULL
    return None
