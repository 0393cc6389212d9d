"""The transaction that carries a tip into Bitcoin: one input, change, and 32 bytes (R56).

It is the smallest there is for its purpose: 137 bytes without witness, 154 virtual bytes. Its id is
a hash over the tip, so that a path of operations leads from the tip into the block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.bitcoin import (
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    output_script,
)
from lodestamp.errors import FundsError, MalformedTransaction
from lodestamp.node.chains import BitcoinSigner

ANCHOR_SIZE: Final = 137
"""Bytes of an anchoring transaction without its witness."""
ANCHOR_WEIGHT: Final = 616
"""Its weight: three times 137, and 205 bytes with the signature."""
ANCHOR_VSIZE: Final = 154
"""Its virtual bytes, which the fee is paid for."""
PREFIX_SIZE: Final = 101
"""Bytes before the tip; the 4 of the lock time follow it."""
SEQUENCE: Final = 0xFFFFFFFD
"""The sequence of the input: replaceable (BIP125), and the lock time counts."""
DUST: Final = 330
"""Satoshis below which nodes pass no P2TR output on."""

_INNER_NODE_SIZE: Final = 64
_RETURN_32: Final = b"\x6a\x20"


@dataclass(frozen=True, slots=True)
class PaidBy:
    """A coin of the anchor's key: where it is, and its satoshis."""

    outpoint: OutPoint
    value: int


def anchor_script(tip: bytes) -> bytes:
    """Return the script that publishes a tip: OP_RETURN and its 32 bytes."""
    if len(tip) != 32:
        raise MalformedTransaction("tip", f"a tip has 32 bytes, not {len(tip)}")
    return _RETURN_32 + tip


def anchor_transaction(
    coin: PaidBy, tip: bytes, *, fee: int, height: int, signer: BitcoinSigner
) -> Transaction:
    """Return the signed transaction that publishes `tip` and gives the rest back to the key.

    `height` is that of the chain's tip: no earlier block can hold the transaction. FundsError
    ``funds`` when less than `DUST` satoshis would be left.
    """
    change = coin.value - fee
    if change < DUST:
        raise FundsError(f"a coin of {coin.value:,} satoshis does not pay a fee of {fee:,}")
    own = bytes(output_script(signer.xonly()))
    made = Transaction(
        2,
        (TxIn(coin.outpoint, sequence=SEQUENCE),),
        (TxOut(change, own), TxOut(0, anchor_script(tip))),
        height,
    )
    message = SignatureHashes(made, [TxOut(coin.value, own)]).taproot(0, SIGHASH_DEFAULT)
    signature = signer.sign_schnorr(message or b"", tweaked=True)  # None: a bad hash type only
    signed = replace(made, inputs=(replace(made.inputs[0], witness=(signature,)),))
    stripped = signed.encode(witness=False)
    assert len(stripped) != _INNER_NODE_SIZE  # noqa: S101  CVE-2017-12842
    assert len(stripped) == ANCHOR_SIZE  # noqa: S101
    assert stripped[PREFIX_SIZE:-4] == tip  # noqa: S101  what the path begins with
    return signed


def split(stripped: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and after the 32 published bytes of a transaction.

    MalformedTransaction ``tip`` unless they stand there once: the path would be ambiguous.
    """
    if stripped.count(value) != 1:
        raise MalformedTransaction("tip", "the transaction does not publish these bytes once")
    before, _, after = stripped.partition(value)
    return before, after
