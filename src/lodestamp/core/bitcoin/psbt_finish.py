"""Finishing a PSBT: from collected signatures to a transaction that is checked (BIP-174, BIP-371).

Single-key inputs are finished: P2PKH, P2WPKH, P2WPKH inside P2SH, and the key path of P2TR. Others
must have come finished. What leaves here has run through the script machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lodestamp.core.bitcoin.hashes import hash160
from lodestamp.core.bitcoin.machine import STANDARD, verify_transaction
from lodestamp.core.bitcoin.psbt import Psbt, PsbtField, PsbtMap, witness_in
from lodestamp.core.bitcoin.script import is_p2sh, push_bytes, witness_program
from lodestamp.core.bitcoin.sighash import SIGHASH_ALL
from lodestamp.core.bitcoin.tx import Transaction, TxIn, TxOut
from lodestamp.errors import PsbtError

_P2PKH: Final = (25, b"\x76\xa9\x14", b"\x88\xac")


def finish_psbt(psbts: Sequence[Psbt]) -> Transaction:
    """Join PSBTs of one transaction and return it signed.

    PsbtError: ``other-transaction``, ``spent`` (what an input spends is not told), ``incomplete``
    (an input lacks its signature), ``sighash`` (a signature that is not over everything),
    ``signature`` (the script machine refuses an input).
    """
    if not psbts:
        raise PsbtError("incomplete", "there is nothing to finish")
    whole = psbts[0]
    for other in psbts[1:]:
        whole = whole.joined(other)
    spent = whole.spent
    inputs = tuple(
        _finished(index, item, whole.inputs[index], spent[index])
        for index, item in enumerate(whole.tx.inputs)
    )
    tx = replace(whole.tx, inputs=inputs)
    for index, verdict in enumerate(verify_transaction(tx, spent, STANDARD)):
        if not verdict.ok:
            raise PsbtError("signature", f"input {index} may not be spent so: {verdict.error.text}")
    return tx


def _finished(index: int, item: TxIn, of: PsbtMap, output: TxOut) -> TxIn:
    script_sig, stack = of.value(PsbtField.FINAL_SCRIPTSIG), of.value(PsbtField.FINAL_SCRIPTWITNESS)
    if script_sig is not None or stack is not None:
        witness = () if stack is None else witness_in(stack)
        return replace(item, script_sig=script_sig or b"", witness=witness)
    script = output.script
    if _is_p2pkh(script):
        signature, key = _key_signature(index, of, script[3:23])
        return replace(item, script_sig=push_bytes(signature) + push_bytes(key))
    redeem = of.value(PsbtField.REDEEM_SCRIPT) if is_p2sh(script) else None
    if redeem is not None:
        item = replace(item, script_sig=push_bytes(redeem))
    version, program = witness_program(redeem or script) or (None, b"")
    if version == 0 and len(program) == 20:
        return replace(item, witness=_key_signature(index, of, program))
    if version == 1 and len(program) == 32:
        return replace(item, witness=(_tap_signature(index, of),))
    raise PsbtError("incomplete", f"input {index} has a script that only its own wallet finishes")


def _key_signature(index: int, of: PsbtMap, key_hash: bytes) -> tuple[bytes, bytes]:
    for key, signature in of.values(PsbtField.PARTIAL_SIG).items():
        if hash160(key) == key_hash:
            if signature[-1:] != bytes((SIGHASH_ALL,)):
                raise PsbtError("sighash", f"the signature of input {index} is not over everything")
            return signature, key
    raise PsbtError("incomplete", f"input {index} lacks its signature")


def _tap_signature(index: int, of: PsbtMap) -> bytes:
    signature = of.value(PsbtField.TAP_KEY_SIG)
    if signature is None:
        raise PsbtError("incomplete", f"input {index} lacks its signature")
    if len(signature) == 65 and signature[64] != SIGHASH_ALL:
        raise PsbtError("sighash", f"the signature of input {index} is not over everything")
    return signature


def _is_p2pkh(script: bytes) -> bool:
    size, head, tail = _P2PKH
    return len(script) == size and script.startswith(head) and script.endswith(tail)
