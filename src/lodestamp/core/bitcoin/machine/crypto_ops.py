"""Opcodes that hash, compare, and check signatures."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1 as _sha1
from typing import Final

from lodestamp.core.bitcoin.hashes import hash160, ripemd160, sha256, sha256d
from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.flow import bad_opcode
from lodestamp.core.bitcoin.machine.frame import (
    COUNTED_OPS_MAX,
    MULTISIG_KEYS_MAX,
    Frame,
    Operation,
)
from lodestamp.core.bitcoin.machine.signatures import (
    check_encodings,
    check_tapscript,
    ecdsa_holds,
)
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import num_encode, push_bytes, read_num
from lodestamp.core.bitcoin.sighash import find_and_delete

_UNDERFLOW: Final = ScriptError.INVALID_STACK_OPERATION
_TRUE: Final = b"\x01"
_FALSE: Final = b""
_NULLFAIL: Final = Flag.NULLFAIL.value
_NULLDUMMY: Final = Flag.NULLDUMMY.value
_CONST_SCRIPTCODE: Final = Flag.CONST_SCRIPTCODE.value


def sha1(message: bytes) -> bytes:
    """Return the 20 bytes of SHA-1, which OP_SHA1 still computes."""
    return _sha1(message, usedforsecurity=False).digest()


def _hashing(compute: Callable[[bytes], bytes]) -> Operation:
    def operation(frame: Frame) -> ScriptError | None:
        stack = frame.stack
        if not stack:
            return _UNDERFLOW
        stack[-1] = compute(stack[-1])
        return None

    return operation


def _equal(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    top = stack.pop()
    stack[-1] = _TRUE if stack[-1] == top else _FALSE
    return None


def _verifying(operation: Operation, failure: ScriptError) -> Operation:
    """Follow an operation by OP_VERIFY, with an error of its own."""

    def verifying(frame: Frame) -> ScriptError | None:
        error = operation(frame)
        if error is not None:
            return error
        if not frame.stack[-1]:
            return failure
        frame.stack.pop()
        return None

    return verifying


def code_separator_ban(frame: Frame) -> ScriptError | None:
    """Refuse OP_CODESEPARATOR in base scripts under CONST_SCRIPTCODE, executed or not."""
    if frame.version is SigVersion.BASE and frame.flags & _CONST_SCRIPTCODE:
        return ScriptError.OP_CODESEPARATOR
    return None


def _code_separator(frame: Frame) -> ScriptError | None:
    error = code_separator_ban(frame)
    if error is None:
        frame.code_start = frame.steps[frame.position][2]
        frame.codeseparator = frame.position
    return error


def _check_sig(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    sig, key = stack[-2], stack[-1]
    if frame.version is SigVersion.TAPSCRIPT:
        error = check_tapscript(frame, sig, key)
        holds = bool(sig)
    else:
        error, holds = _check_one(frame, sig, key)
    if error is not None:
        return error
    stack.pop()
    stack[-1] = _TRUE if holds else _FALSE
    return None


def _check_one(frame: Frame, sig: bytes, key: bytes) -> tuple[ScriptError | None, bool]:
    """Check one ECDSA signature; return an error that ends the script, and whether it holds."""
    code = frame.script[frame.code_start :]
    if frame.version is SigVersion.BASE:
        code, found = find_and_delete(code, push_bytes(sig))
        if found and frame.flags & _CONST_SCRIPTCODE:
            return ScriptError.SIG_FINDANDDELETE, False
    error = check_encodings(frame, sig, key)
    if error is not None:
        return error, False
    holds = ecdsa_holds(frame, sig, key, code)
    if not holds and sig and frame.flags & _NULLFAIL:
        return ScriptError.NULLFAIL, False
    return None, holds


def _check_sig_add(frame: Frame) -> ScriptError | None:
    """Add one to a number if a signature holds: sig n key → n+1 (BIP-342)."""
    stack = frame.stack
    if len(stack) < 3:
        return _UNDERFLOW
    sig, number, key = stack[-3:]
    n = read_num(number, 4, minimal=frame.is_minimal)
    if n is None:
        return ScriptError.UNKNOWN_ERROR
    error = check_tapscript(frame, sig, key)
    if error is not None:
        return error
    stack[-3:] = [num_encode(n + 1 if sig else n)]
    return None


def _no_multisig(_frame: Frame) -> ScriptError | None:
    return ScriptError.TAPSCRIPT_CHECKMULTISIG


def _check_multisig(frame: Frame) -> ScriptError | None:
    """Check m signatures against n keys, in order: dummy sigs… m keys… n → bool."""
    stack = frame.stack
    counted = _count_keys(frame)
    if isinstance(counted, ScriptError):
        return counted
    keys_count, sigs_count = counted
    taken = keys_count + sigs_count + 2
    if len(stack) < taken + 1:  # the dummy of below is missed before any signature is looked at
        return _UNDERFLOW
    # Both lists with the last item first, the order in which they are tried.
    keys = stack[-2 : -2 - keys_count : -1]
    sigs = stack[-3 - keys_count : -3 - keys_count - sigs_count : -1]
    code, error = _multisig_code(frame, sigs)
    if error is not None:
        return error
    error, holds = _match(frame, sigs, keys, code)
    if error is not None:
        return error
    if not holds and frame.flags & _NULLFAIL and any(sigs):
        return ScriptError.NULLFAIL
    del stack[-taken:]
    # The dummy: an item too much that the first implementation took, and so all have to.
    if frame.flags & _NULLDUMMY and stack[-1]:
        return ScriptError.SIG_NULLDUMMY
    stack[-1] = _TRUE if holds else _FALSE
    return None


def _count_keys(frame: Frame) -> tuple[int, int] | ScriptError:
    """Read how many keys and signatures there are, and count the keys as operations."""
    stack = frame.stack
    if not stack:
        return _UNDERFLOW
    keys_count = read_num(stack[-1], 4, minimal=frame.is_minimal)
    if keys_count is None:
        return ScriptError.UNKNOWN_ERROR
    if not 0 <= keys_count <= MULTISIG_KEYS_MAX:
        return ScriptError.PUBKEY_COUNT
    frame.ops_counted += keys_count
    if frame.ops_counted > COUNTED_OPS_MAX:
        return ScriptError.OP_COUNT
    if len(stack) < keys_count + 2:
        return _UNDERFLOW
    sigs_count = read_num(stack[-2 - keys_count], 4, minimal=frame.is_minimal)
    if sigs_count is None:
        return ScriptError.UNKNOWN_ERROR
    if not 0 <= sigs_count <= keys_count:
        return ScriptError.SIG_COUNT
    return keys_count, sigs_count


def _multisig_code(frame: Frame, sigs: list[bytes]) -> tuple[bytes, ScriptError | None]:
    """Return the code that the signatures sign: in base scripts, without themselves."""
    code = frame.script[frame.code_start :]
    if frame.version is SigVersion.BASE:
        for sig in sigs:
            code, found = find_and_delete(code, push_bytes(sig))
            if found and frame.flags & _CONST_SCRIPTCODE:
                return code, ScriptError.SIG_FINDANDDELETE
    return code, None


def _match(
    frame: Frame, sigs: list[bytes], keys: list[bytes], code: bytes
) -> tuple[ScriptError | None, bool]:
    """Try each signature on the keys left, in order; give up when they are too few."""
    matched = 0
    for tried, key in enumerate(keys):
        if matched == len(sigs):
            break
        sig = sigs[matched]
        error = check_encodings(frame, sig, key)
        if error is not None:
            return error, False
        matched += ecdsa_holds(frame, sig, key, code)
        if len(sigs) - matched > len(keys) - tried - 1:
            return None, False
    return None, True


_SIGNATURES: Final[dict[int, Operation]] = {
    Op.OP_CODESEPARATOR: _code_separator,
    Op.OP_CHECKSIG: _check_sig,
    Op.OP_CHECKSIGVERIFY: _verifying(_check_sig, ScriptError.CHECKSIGVERIFY),
}
HASHES_AND_EQUALITY: Final[dict[int, Operation]] = {
    Op.OP_EQUAL: _equal,
    Op.OP_EQUALVERIFY: _verifying(_equal, ScriptError.EQUALVERIFY),
    Op.OP_RIPEMD160: _hashing(ripemd160),
    Op.OP_SHA1: _hashing(sha1),
    Op.OP_SHA256: _hashing(sha256),
    Op.OP_HASH160: _hashing(hash160),
    Op.OP_HASH256: _hashing(sha256d),
}
ECDSA_SIGNATURES: Final[dict[int, Operation]] = _SIGNATURES | {
    Op.OP_CHECKMULTISIG: _check_multisig,
    Op.OP_CHECKMULTISIGVERIFY: _verifying(_check_multisig, ScriptError.CHECKMULTISIGVERIFY),
    Op.OP_CHECKSIGADD: bad_opcode,
}
SCHNORR_SIGNATURES: Final[dict[int, Operation]] = _SIGNATURES | {
    Op.OP_CHECKMULTISIG: _no_multisig,
    Op.OP_CHECKMULTISIGVERIFY: _no_multisig,
    Op.OP_CHECKSIGADD: _check_sig_add,
}
