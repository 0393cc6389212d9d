"""Signing the inputs that a key may spend, each over all inputs and outputs (BIP-143, BIP-341)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from lodestamp.core.bitcoin import (
    SIGHASH_ALL,
    SIGHASH_DEFAULT,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    hash160,
    push_bytes,
)
from lodestamp.errors import FundsError
from lodestamp.node.chains.signer import KeySigner

_ALL: Final = bytes((SIGHASH_ALL,))
_COMPRESSED_SIZE: Final = 33


class KeyScript(StrEnum):
    """The forms of output that one key alone spends."""

    P2PKH = "p2pkh"
    P2WPKH = "p2wpkh"
    P2SH_P2WPKH = "p2sh-p2wpkh"
    P2TR = "p2tr"


def key_scripts(signer: KeySigner) -> dict[KeyScript, bytes]:
    """Return the output scripts that a key spends; of an uncompressed key only P2PKH and P2TR."""
    key_hash = hash160(signer.public_key())
    found = {
        KeyScript.P2PKH: b"\x76\xa9\x14" + key_hash + b"\x88\xac",
        KeyScript.P2TR: b"\x51\x20" + signer.output_key(),
    }
    if len(signer.public_key()) == _COMPRESSED_SIZE:
        program = b"\x00\x14" + key_hash
        found[KeyScript.P2WPKH] = program
        found[KeyScript.P2SH_P2WPKH] = b"\xa9\x14" + hash160(program) + b"\x87"
    return found


def sign_transaction(
    tx: Transaction, spent: Sequence[TxOut], signers: Sequence[KeySigner]
) -> Transaction:
    """Return a transaction with every input signed by whichever key may spend it.

    `spent` are the outputs it spends, in input order. FundsError ``key-foreign`` for an input that
    none of the keys may spend.
    """
    places = {
        script: (form, signer) for signer in signers for form, script in key_scripts(signer).items()
    }
    hashes = SignatureHashes(tx, spent)
    inputs = []
    for index, (item, output) in enumerate(zip(tx.inputs, spent, strict=True)):
        place = places.get(output.script)
        if place is None:
            raise FundsError(f"no key at hand may spend input {index}", code="key-foreign")
        inputs.append(_signed(index, item, hashes, *place))
    return replace(tx, inputs=tuple(inputs))


def _signed(
    index: int, item: TxIn, hashes: SignatureHashes, form: KeyScript, signer: KeySigner
) -> TxIn:
    if form is KeyScript.P2TR:
        message = hashes.taproot(index, SIGHASH_DEFAULT) or b""  # None only for a bad hash type
        return replace(item, witness=(signer.sign_schnorr(message, tweaked=True),))
    key = signer.public_key()
    key_hash = hash160(key)
    code = b"\x76\xa9\x14" + key_hash + b"\x88\xac"
    if form is KeyScript.P2PKH:
        signature = signer.sign_ecdsa(hashes.legacy(index, code, SIGHASH_ALL)) + _ALL
        return replace(item, script_sig=push_bytes(signature) + push_bytes(key))
    signature = signer.sign_ecdsa(hashes.witness_v0(index, code, SIGHASH_ALL)) + _ALL
    nested = push_bytes(b"\x00\x14" + key_hash) if form is KeyScript.P2SH_P2WPKH else b""
    return replace(item, script_sig=nested, witness=(signature, key))
