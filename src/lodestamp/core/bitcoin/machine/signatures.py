"""How signatures and keys must be written, and whether they hold."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.ecc import ecdsa_verify, has_low_s, schnorr_verify
from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.frame import Frame, SpendContext, Tally
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion
from lodestamp.core.bitcoin.sighash import (
    NO_CODESEPARATOR,
    SIGHASH_ALL,
    SIGHASH_ANYONECANPAY,
    SIGHASH_DEFAULT,
    SIGHASH_SINGLE,
)

SIGNATURE_COST: Final = 50
"""What one signature takes from a tapscript's budget (BIP-342)."""

_STRICTENC: Final = Flag.STRICTENC.value
_LOW_S: Final = Flag.LOW_S.value
_ANY_ENCODING: Final = (Flag.DERSIG | Flag.LOW_S | Flag.STRICTENC).value
_WITNESS_PUBKEYTYPE: Final = Flag.WITNESS_PUBKEYTYPE.value
_DISCOURAGE_PUBKEYTYPE: Final = Flag.DISCOURAGE_UPGRADABLE_PUBKEYTYPE.value
_KEY_SIZES: Final = {2: 33, 3: 33, 4: 65, 6: 65, 7: 65}


def check_encodings(frame: Frame, sig: bytes, key: bytes) -> ScriptError | None:
    """Return what is wrong with how a signature, then its key, is written under the flags."""
    flags = frame.flags
    if sig and flags & _ANY_ENCODING:
        if not is_strict_der(sig):
            return ScriptError.SIG_DER
        if flags & _LOW_S and not has_low_s(sig[:-1]):
            return ScriptError.SIG_HIGH_S
        if flags & _STRICTENC:
            kind = sig[-1] & ~SIGHASH_ANYONECANPAY
            if not SIGHASH_ALL <= kind <= SIGHASH_SINGLE:
                return ScriptError.SIG_HASHTYPE
    if flags & _STRICTENC and not _is_plain_key(key):
        return ScriptError.PUBKEYTYPE
    if flags & _WITNESS_PUBKEYTYPE and frame.version is SigVersion.WITNESS_V0:
        return None if _is_compressed(key) else ScriptError.WITNESS_PUBKEYTYPE
    return None


def _is_compressed(key: bytes) -> bool:
    return len(key) == 33 and key[0] in {2, 3}


def _is_plain_key(key: bytes) -> bool:
    return _is_compressed(key) or (len(key) == 65 and key[0] == 4)


def is_strict_der(sig: bytes) -> bool:
    """Whether a signature with its hash type is DER to the letter (BIP-66)."""
    size = len(sig)
    if not 9 <= size <= 73 or sig[0] != 0x30 or sig[1] != size - 3:
        return False
    r_size = sig[3]
    if 5 + r_size >= size:
        return False
    s_size = sig[5 + r_size]
    if r_size + s_size + 7 != size:
        return False
    return _is_strict_integer(sig, 2) and _is_strict_integer(sig, 4 + r_size)


def _is_strict_integer(sig: bytes, pos: int) -> bool:
    """Whether the integer at `pos` is there, not negative, and without a useless zero."""
    size = sig[pos + 1]
    if sig[pos] != 0x02 or size == 0 or sig[pos + 2] & 0x80:
        return False
    return not (size > 1 and sig[pos + 2] == 0 and not sig[pos + 3] & 0x80)


def ecdsa_holds(frame: Frame, sig: bytes, key: bytes, code: bytes) -> bool:
    """Whether an ECDSA signature, its hash type at the end, holds for `code` and the input."""
    context = frame.context
    if context is None or not sig or not key or _KEY_SIZES.get(key[0]) != len(key):
        return False
    hash_type = sig[-1]
    if frame.version is SigVersion.WITNESS_V0:
        digest = context.hashes.witness_v0(context.index, code, hash_type)
    else:
        digest = context.hashes.legacy(context.index, code, hash_type)
    frame.tally.sigops += 1
    return ecdsa_verify(sig[:-1], digest, key)


def check_schnorr(
    context: SpendContext | None,
    tally: Tally,
    sig: bytes,
    key: bytes,
    *,
    leaf_hash: bytes | None = None,
    codeseparator: int = NO_CODESEPARATOR,
) -> ScriptError | None:
    """Return why a taproot signature does not hold for a 32-byte key, or None if it does."""
    if len(sig) not in {64, 65}:
        return ScriptError.SCHNORR_SIG_SIZE
    hash_type = SIGHASH_DEFAULT
    if len(sig) == 65:
        hash_type = sig[64]
        if hash_type == SIGHASH_DEFAULT:
            return ScriptError.SCHNORR_SIG_HASHTYPE
    if context is None:
        return ScriptError.SCHNORR_SIG
    digest = context.hashes.taproot(
        context.index,
        hash_type,
        annex=context.annex,
        leaf_hash=leaf_hash,
        codeseparator=codeseparator,
    )
    if digest is None:
        return ScriptError.SCHNORR_SIG_HASHTYPE
    tally.sigops += 1
    return None if schnorr_verify(sig[:64], digest, key) else ScriptError.SCHNORR_SIG


def check_tapscript(frame: Frame, sig: bytes, key: bytes) -> ScriptError | None:
    """Return why a signature ends a tapscript (R11), or None; an empty one never holds.

    A key of unknown length passes every signature, which is room for a later version.
    """
    if sig:
        frame.budget -= SIGNATURE_COST
        if frame.budget < 0:
            return ScriptError.TAPSCRIPT_VALIDATION_WEIGHT
    if not key:
        return ScriptError.PUBKEYTYPE
    if len(key) != 32:
        if frame.flags & _DISCOURAGE_PUBKEYTYPE:
            return ScriptError.DISCOURAGE_UPGRADABLE_PUBKEYTYPE
        return None
    if not sig:
        return None
    return check_schnorr(
        frame.context,
        frame.tally,
        sig,
        key,
        leaf_hash=frame.leaf_hash,
        codeseparator=frame.codeseparator,
    )
