"""Opcodes that decide which others run, lock times, and those that do nothing or always fail."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.frame import Frame, Operation, SpendContext
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import as_bool, read_num
from lodestamp.core.bitcoin.tx import SEQUENCE_FINAL

LOCKTIME_SIZE_MAX: Final = 5
"""Bytes of a lock time or sequence on the stack, so that 32 unsigned bits fit (R7)."""
LOCKTIME_THRESHOLD: Final = 500_000_000
"""Below it a lock time is a height, from it on Unix seconds."""
SEQUENCE_DISABLED: Final = 1 << 31
SEQUENCE_IS_TIME: Final = 1 << 22
SEQUENCE_MASK: Final = 0xFFFF

_UNDERFLOW: Final = ScriptError.INVALID_STACK_OPERATION
_MINIMALIF: Final = Flag.MINIMALIF.value
_DISCOURAGE_NOPS: Final = Flag.DISCOURAGE_UPGRADABLE_NOPS.value
_CLTV: Final = Flag.CHECKLOCKTIMEVERIFY.value
_CSV: Final = Flag.CHECKSEQUENCEVERIFY.value
_CTV: Final = Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH.value
_DISCOURAGE_CTV: Final = Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH.value
_DISCOURAGE_CTV_UPGRADES: Final = Flag.DISCOURAGE_UPGRADABLE_CHECK_TEMPLATE_VERIFY_HASH.value


def _nothing(_frame: Frame) -> ScriptError | None:
    return None


def _upgradable(frame: Frame) -> ScriptError | None:
    if frame.flags & _DISCOURAGE_NOPS:
        return ScriptError.DISCOURAGE_UPGRADABLE_NOPS
    return None


def bad_opcode(_frame: Frame) -> ScriptError | None:
    """Fail: the opcode is reserved or undefined."""
    return ScriptError.BAD_OPCODE


def disabled(_frame: Frame) -> ScriptError | None:
    """Fail: the opcode was taken out of Bitcoin in 2010."""
    return ScriptError.DISABLED_OPCODE


def _if(frame: Frame) -> ScriptError | None:
    return _branch(frame, wanted=True)


def _not_if(frame: Frame) -> ScriptError | None:
    return _branch(frame, wanted=False)


def _branch(frame: Frame, *, wanted: bool) -> ScriptError | None:
    taken = False
    if not frame.skipping:
        if not frame.stack:
            return ScriptError.UNBALANCED_CONDITIONAL
        item = frame.stack[-1]
        if item not in {b"", b"\x01"}:
            if frame.version is SigVersion.TAPSCRIPT:
                return ScriptError.TAPSCRIPT_MINIMALIF
            if frame.version is SigVersion.WITNESS_V0 and frame.flags & _MINIMALIF:
                return ScriptError.MINIMALIF
        frame.stack.pop()
        taken = as_bool(item) is wanted
    frame.conditions.append(taken)
    frame.skipping += not taken
    return None


def _else(frame: Frame) -> ScriptError | None:
    if not frame.conditions:
        return ScriptError.UNBALANCED_CONDITIONAL
    taken = not frame.conditions[-1]
    frame.conditions[-1] = taken
    frame.skipping += -1 if taken else 1
    return None


def _end_if(frame: Frame) -> ScriptError | None:
    if not frame.conditions:
        return ScriptError.UNBALANCED_CONDITIONAL
    frame.skipping -= not frame.conditions.pop()
    return None


def _verify(frame: Frame) -> ScriptError | None:
    if not frame.stack:
        return _UNDERFLOW
    if not as_bool(frame.stack[-1]):
        return ScriptError.VERIFY
    frame.stack.pop()
    return None


def _return(_frame: Frame) -> ScriptError | None:
    return ScriptError.OP_RETURN


def _check_locktime(frame: Frame) -> ScriptError | None:
    """Demand that the transaction cannot be mined before a height or time (BIP-65)."""
    if not frame.flags & _CLTV:
        return None
    if not frame.stack:
        return _UNDERFLOW
    wanted = read_num(frame.stack[-1], LOCKTIME_SIZE_MAX, minimal=frame.is_minimal)
    if wanted is None:
        return ScriptError.UNKNOWN_ERROR
    if wanted < 0:
        return ScriptError.NEGATIVE_LOCKTIME
    if frame.context is None:
        return ScriptError.UNSATISFIED_LOCKTIME
    actual = frame.context.tx.locktime
    same_kind = (wanted < LOCKTIME_THRESHOLD) == (actual < LOCKTIME_THRESHOLD)
    if not same_kind or wanted > actual or frame.context.input.sequence == SEQUENCE_FINAL:
        return ScriptError.UNSATISFIED_LOCKTIME
    return None


def _check_sequence(frame: Frame) -> ScriptError | None:
    """Demand that the spent output has aged so many blocks or seconds (BIP-112)."""
    if not frame.flags & _CSV:
        return None
    if not frame.stack:
        return _UNDERFLOW
    wanted = read_num(frame.stack[-1], LOCKTIME_SIZE_MAX, minimal=frame.is_minimal)
    if wanted is None:
        return ScriptError.UNKNOWN_ERROR
    if wanted < 0:
        return ScriptError.NEGATIVE_LOCKTIME
    if wanted & SEQUENCE_DISABLED:
        return None
    if frame.context is None or not _has_aged(frame.context, wanted):
        return ScriptError.UNSATISFIED_LOCKTIME
    return None


def _has_aged(context: SpendContext, wanted: int) -> bool:
    actual = context.input.sequence
    # The version counts as unsigned, so a negative one is past 2 (BIP-68).
    if context.tx.version & 0xFFFFFFFF < 2 or actual & SEQUENCE_DISABLED:
        return False
    if (wanted ^ actual) & SEQUENCE_IS_TIME:
        return False
    return wanted & SEQUENCE_MASK <= actual & SEQUENCE_MASK


def _check_template(frame: Frame) -> ScriptError | None:
    """Demand that the transaction has the template hash on top of the stack (BIP-119, R10)."""
    if frame.flags & _DISCOURAGE_CTV:
        return ScriptError.DISCOURAGE_UPGRADABLE_NOPS
    if not frame.flags & _CTV:
        return None
    if not frame.stack:
        return _UNDERFLOW
    wanted = frame.stack[-1]
    if len(wanted) != 32:
        if frame.flags & _DISCOURAGE_CTV_UPGRADES:
            return ScriptError.DISCOURAGE_UPGRADABLE_NOPS
        return None
    if frame.context is None or frame.context.hashes.template(frame.context.index) != wanted:
        return ScriptError.TEMPLATE_MISMATCH
    return None


FLOW: Final[dict[int, Operation]] = {
    Op.OP_NOP: _nothing,
    Op.OP_IF: _if,
    Op.OP_NOTIF: _not_if,
    Op.OP_ELSE: _else,
    Op.OP_ENDIF: _end_if,
    Op.OP_VERIFY: _verify,
    Op.OP_RETURN: _return,
    Op.OP_NOP1: _upgradable,
    Op.OP_CHECKLOCKTIMEVERIFY: _check_locktime,
    Op.OP_CHECKSEQUENCEVERIFY: _check_sequence,
    Op.OP_CHECKTEMPLATEVERIFY: _check_template,
    Op.OP_NOP5: _upgradable,
    Op.OP_NOP6: _upgradable,
    Op.OP_NOP7: _upgradable,
    Op.OP_NOP8: _upgradable,
    Op.OP_NOP9: _upgradable,
    Op.OP_NOP10: _upgradable,
}
