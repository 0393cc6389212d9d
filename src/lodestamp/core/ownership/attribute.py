"""Attribution: an input belongs to an owner iff a signature proves it (R4 to R9, Q1).

The shape of a scriptSig proves nothing: anyone can spend an output that asks for nothing with a
scriptSig that *names* a stranger's key. And only SIGHASH_ALL binds every output and every input, so
that who signs with it signs the operation. What is not proved has no owner; that is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lodestamp.core.bitcoin import (
    SIGHASH_ALL,
    SIGHASH_DEFAULT,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    ecdsa_verify,
    hash160,
    is_p2sh,
    is_strict_der,
    schnorr_verify,
)
from lodestamp.core.ownership.chunks import two_chunks
from lodestamp.core.ownership.effects import Owner, Owners
from lodestamp.core.ownership.found import Prevouts
from lodestamp.core.ownership.rules import Rules
from lodestamp.errors import SourceIncomplete

_P2PKH_HEAD: Final = b"\x76\xa9\x14"
_P2PKH_TAIL: Final = b"\x88\xac"
_P2WPKH_HEAD: Final = b"\x00\x14"
_P2SH_HEAD: Final = b"\xa9\x14"
_P2SH_TAIL: Final = b"\x87"
_P2TR_HEAD: Final = b"\x51\x20"
_ALL: Final = bytes((SIGHASH_ALL,))
_UNSEEN: Final = TxOut(0, b"")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an input would prove if its signature held.

    `owner` is the script it would own, and `code` the script its key signs; a key path has neither,
    for there the spent output says both.
    """

    kind: Literal["legacy", "witness_v0", "taproot"]
    signature: bytes
    key: bytes = b""
    code: bytes = b""
    owner: bytes = b""


def attribute(tx: Transaction, prevouts: Prevouts, height: int, rules: Rules) -> Owners:
    """Return the owner of each input of a transaction in a block of this height, in order.

    `prevouts` is called at most once, and only when an input has the shape of one whose signature
    commits to what it spends (E1). Under `peer_compat` it never is, for no signature is checked.
    SourceIncomplete when it gives another number of outputs than there are inputs; else what it
    raises itself.
    """
    if tx.is_coinbase:
        return (None,)
    if not rules.is_strict:
        return tuple([_named(each.script_sig) for each in tx.inputs])
    claims = [_claim(each, height, rules) for each in tx.inputs]
    spent: Sequence[TxOut] = (_UNSEEN,) * len(claims)
    if any(claim and claim.kind != "legacy" for claim in claims):
        spent = prevouts()
        if len(spent) != len(claims):
            message = f"the source gives {len(spent)} spent outputs for {len(claims)} inputs"
            raise SourceIncomplete(tx.txid, message)
    hashes = SignatureHashes(tx, spent)
    return tuple([None if c is None else _proved(c, i, hashes) for i, c in enumerate(claims)])


def output_owner(script: bytes, height: int, rules: Rules) -> Owner | None:
    """Return who an output of a block of this height pays, or None for a script without an owner.

    P2PKH; with extension E1 also P2SH and P2WPKH, and P2TR from its own height on (R9).
    """
    if len(script) == 25 and script[:3] == _P2PKH_HEAD and script[23:] == _P2PKH_TAIL:
        return Owner(script)
    if rules.has_segwit(height) and (is_p2sh(script) or _is_p2wpkh(script)):
        return Owner(script)
    if rules.has_taproot(height) and _is_p2tr(script):
        return Owner(script)
    return None


def _named(script_sig: bytes) -> Owner | None:
    """Return whom the second of exactly two chunks names, if it is a push (Q1)."""
    chunks = two_chunks(script_sig)
    if chunks is None or not chunks[1]:
        return None
    return Owner(_p2pkh(hash160(chunks[1])))


def _claim(spend: TxIn, height: int, rules: Rules) -> _Claim | None:
    """Return what the shape of an input would prove."""
    if not spend.witness:
        return _legacy_claim(spend.script_sig)
    if len(spend.witness) == 2 and rules.has_segwit(height):
        found = _witness_claim(spend)
    elif len(spend.witness) == 1 and rules.has_taproot(height):
        found = _taproot_claim(spend)
    else:
        found = None
    return found or _legacy_claim(spend.script_sig)


def _legacy_claim(script_sig: bytes) -> _Claim | None:
    """Read two data pushes, signature and key (R4)."""
    chunks = two_chunks(script_sig)
    if chunks is None:
        return None
    signature, key = chunks
    if not signature or not key or not _is_key(key) or not _is_signature(signature):
        return None
    code = _p2pkh(hash160(key))
    return _Claim("legacy", signature[:-1], key, code, code)


def _witness_claim(spend: TxIn) -> _Claim | None:
    """Read signature and compressed key, and the program if it is nested in P2SH (R6)."""
    signature, key = spend.witness
    if len(key) != 33 or not _is_key(key) or not _is_signature(signature):
        return None
    key_hash = hash160(key)
    owner = program = _P2WPKH_HEAD + key_hash
    if spend.script_sig:
        if spend.script_sig != bytes((len(program),)) + program:
            return None
        owner = _P2SH_HEAD + hash160(program) + _P2SH_TAIL
    return _Claim("witness_v0", signature[:-1], key, _p2pkh(key_hash), owner)


def _taproot_claim(spend: TxIn) -> _Claim | None:
    """Read the one signature of a key path; an annex would be a second element (R6)."""
    (signature,) = spend.witness
    is_sized = len(signature) == 64 or (len(signature) == 65 and signature[64:] == _ALL)
    return None if spend.script_sig or not is_sized else _Claim("taproot", signature)


def _proved(claim: _Claim, index: int, hashes: SignatureHashes) -> Owner | None:
    """Return the owner that a claim names, if what is spent is theirs and the signature holds."""
    if claim.kind == "taproot":
        return _proved_by_taproot(claim, index, hashes)
    if claim.kind == "legacy":
        digest = hashes.legacy(index, claim.code, SIGHASH_ALL)
    elif hashes.spent[index].script == claim.owner:
        digest = hashes.witness_v0(index, claim.code, SIGHASH_ALL)
    else:
        return None
    return Owner(claim.owner) if ecdsa_verify(claim.signature, digest, claim.key) else None


def _proved_by_taproot(claim: _Claim, index: int, hashes: SignatureHashes) -> Owner | None:
    script = hashes.spent[index].script
    if not _is_p2tr(script):
        return None
    hash_type = SIGHASH_DEFAULT if len(claim.signature) == 64 else SIGHASH_ALL
    digest = hashes.taproot(index, hash_type)
    holds = digest is not None and schnorr_verify(claim.signature[:64], digest, script[2:])
    return Owner(bytes(script)) if holds else None


def _is_signature(signature: bytes) -> bool:
    """Whether it is DER to the letter (BIP-66) and ends in SIGHASH_ALL; a high S is fine."""
    return signature[-1:] == _ALL and is_strict_der(signature)


def _is_key(key: bytes) -> bool:
    """Whether a key is written compressed (02, 03) or uncompressed (04), not hybrid."""
    return (len(key) == 33 and key[0] in {2, 3}) or (len(key) == 65 and key[0] == 4)


def _p2pkh(key_hash: bytes) -> bytes:
    return _P2PKH_HEAD + key_hash + _P2PKH_TAIL


def _is_p2wpkh(script: bytes) -> bool:
    return len(script) == 22 and script[:2] == _P2WPKH_HEAD


def _is_p2tr(script: bytes) -> bool:
    return len(script) == 34 and script[:2] == _P2TR_HEAD
