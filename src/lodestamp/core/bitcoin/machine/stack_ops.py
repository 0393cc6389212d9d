"""Opcodes that move items: stack, altstack, and OP_CAT."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.frame import ELEMENT_SIZE_MAX, Frame, Operation
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import as_bool, num_encode, read_num

_UNDERFLOW: Final = ScriptError.INVALID_STACK_OPERATION
_OP_CAT: Final = Flag.OP_CAT.value


def _to_altstack(frame: Frame) -> ScriptError | None:
    if not frame.stack:
        return _UNDERFLOW
    frame.altstack.append(frame.stack.pop())
    return None


def _from_altstack(frame: Frame) -> ScriptError | None:
    if not frame.altstack:
        return ScriptError.INVALID_ALTSTACK_OPERATION
    frame.stack.append(frame.altstack.pop())
    return None


def _drop(frame: Frame) -> ScriptError | None:
    if not frame.stack:
        return _UNDERFLOW
    frame.stack.pop()
    return None


def _drop_two(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 2:
        return _UNDERFLOW
    del frame.stack[-2:]
    return None


def _dup(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if not stack:
        return _UNDERFLOW
    stack.append(stack[-1])
    return None


def _dup_two(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 2:
        return _UNDERFLOW
    frame.stack += frame.stack[-2:]
    return None


def _dup_three(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 3:
        return _UNDERFLOW
    frame.stack += frame.stack[-3:]
    return None


def _over_two(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 4:
        return _UNDERFLOW
    frame.stack += frame.stack[-4:-2]
    return None


def _rot_two(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 6:
        return _UNDERFLOW
    stack[-6:] = stack[-4:] + stack[-6:-4]
    return None


def _swap_two(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 4:
        return _UNDERFLOW
    stack[-4:] = stack[-2:] + stack[-4:-2]
    return None


def _if_dup(frame: Frame) -> ScriptError | None:
    if not frame.stack:
        return _UNDERFLOW
    if as_bool(frame.stack[-1]):
        frame.stack.append(frame.stack[-1])
    return None


def _depth(frame: Frame) -> ScriptError | None:
    frame.stack.append(num_encode(len(frame.stack)))
    return None


def _nip(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 2:
        return _UNDERFLOW
    del frame.stack[-2]
    return None


def _over(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    stack.append(stack[-2])
    return None


def _pick(frame: Frame) -> ScriptError | None:
    return _dig(frame, keep=True)


def _roll(frame: Frame) -> ScriptError | None:
    return _dig(frame, keep=False)


def _dig(frame: Frame, *, keep: bool) -> ScriptError | None:
    """Bring the n-th item from the top up; n itself lies on top of them."""
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    n = read_num(stack[-1], 4, minimal=frame.is_minimal)
    if n is None:
        return ScriptError.UNKNOWN_ERROR
    stack.pop()
    if not 0 <= n < len(stack):
        return _UNDERFLOW
    item = stack[-n - 1]
    if not keep:
        del stack[-n - 1]
    stack.append(item)
    return None


def _rot(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 3:
        return _UNDERFLOW
    frame.stack.append(frame.stack.pop(-3))
    return None


def _swap(frame: Frame) -> ScriptError | None:
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    stack[-1], stack[-2] = stack[-2], stack[-1]
    return None


def _tuck(frame: Frame) -> ScriptError | None:
    if len(frame.stack) < 2:
        return _UNDERFLOW
    frame.stack.insert(-2, frame.stack[-1])
    return None


def _size(frame: Frame) -> ScriptError | None:
    if not frame.stack:
        return _UNDERFLOW
    frame.stack.append(num_encode(len(frame.stack[-1])))
    return None


def _cat(frame: Frame) -> ScriptError | None:
    """Join the two top items, in tapscript and with the flag (BIP-347, R8)."""
    if frame.version is not SigVersion.TAPSCRIPT or not frame.flags & _OP_CAT:
        return ScriptError.DISABLED_OPCODE
    stack = frame.stack
    if len(stack) < 2:
        return _UNDERFLOW
    joined = stack[-2] + stack[-1]
    if len(joined) > ELEMENT_SIZE_MAX:
        return ScriptError.PUSH_SIZE
    stack.pop()
    stack[-1] = joined
    return None


STACK_OPERATIONS: Final[dict[int, Operation]] = {
    Op.OP_TOALTSTACK: _to_altstack,
    Op.OP_FROMALTSTACK: _from_altstack,
    Op.OP_2DROP: _drop_two,
    Op.OP_2DUP: _dup_two,
    Op.OP_3DUP: _dup_three,
    Op.OP_2OVER: _over_two,
    Op.OP_2ROT: _rot_two,
    Op.OP_2SWAP: _swap_two,
    Op.OP_IFDUP: _if_dup,
    Op.OP_DEPTH: _depth,
    Op.OP_DROP: _drop,
    Op.OP_DUP: _dup,
    Op.OP_NIP: _nip,
    Op.OP_OVER: _over,
    Op.OP_PICK: _pick,
    Op.OP_ROLL: _roll,
    Op.OP_ROT: _rot,
    Op.OP_SWAP: _swap,
    Op.OP_TUCK: _tuck,
    Op.OP_SIZE: _size,
    Op.OP_CAT: _cat,
}
