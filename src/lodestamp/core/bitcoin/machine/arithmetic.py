"""Opcodes over script numbers: operands of at most four bytes, results may be longer (R7)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from lodestamp.core.bitcoin.machine.frame import Frame, Operation
from lodestamp.core.bitcoin.machine.verdict import ScriptError
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import num_encode, read_num

OPERAND_SIZE_MAX: Final = 4
"""Bytes of a number that is computed with: 32 bits and a sign (R7)."""

_UNDERFLOW: Final = ScriptError.INVALID_STACK_OPERATION


def _unary(compute: Callable[[int], int]) -> Operation:
    def operation(frame: Frame) -> ScriptError | None:
        stack = frame.stack
        if not stack:
            return _UNDERFLOW
        n = read_num(stack[-1], OPERAND_SIZE_MAX, minimal=frame.is_minimal)
        if n is None:
            return ScriptError.UNKNOWN_ERROR
        stack[-1] = num_encode(compute(n))
        return None

    return operation


def _binary(compute: Callable[[int, int], int]) -> Operation:
    def operation(frame: Frame) -> ScriptError | None:
        stack = frame.stack
        if len(stack) < 2:
            return _UNDERFLOW
        a = read_num(stack[-2], OPERAND_SIZE_MAX, minimal=frame.is_minimal)
        b = read_num(stack[-1], OPERAND_SIZE_MAX, minimal=frame.is_minimal)
        if a is None or b is None:
            return ScriptError.UNKNOWN_ERROR
        stack.pop()
        stack[-1] = num_encode(compute(a, b))
        return None

    return operation


_equal_numbers: Final = _binary(operator.eq)


def _equal_numbers_verify(frame: Frame) -> ScriptError | None:
    error = _equal_numbers(frame)
    if error is not None:
        return error
    if not frame.stack[-1]:
        return ScriptError.NUMEQUALVERIFY
    frame.stack.pop()
    return None


def _within(frame: Frame) -> ScriptError | None:
    """Whether x lies in [least, beyond)."""
    stack = frame.stack
    if len(stack) < 3:
        return _UNDERFLOW
    x, least, beyond = (
        read_num(item, OPERAND_SIZE_MAX, minimal=frame.is_minimal) for item in stack[-3:]
    )
    if x is None or least is None or beyond is None:
        return ScriptError.UNKNOWN_ERROR
    stack[-3:] = [num_encode(least <= x < beyond)]
    return None


ARITHMETIC: Final[dict[int, Operation]] = {
    Op.OP_1ADD: _unary(lambda a: a + 1),
    Op.OP_1SUB: _unary(lambda a: a - 1),
    Op.OP_NEGATE: _unary(operator.neg),
    Op.OP_ABS: _unary(abs),
    Op.OP_NOT: _unary(operator.not_),
    Op.OP_0NOTEQUAL: _unary(bool),
    Op.OP_ADD: _binary(operator.add),
    Op.OP_SUB: _binary(operator.sub),
    Op.OP_BOOLAND: _binary(lambda a, b: a != 0 and b != 0),
    Op.OP_BOOLOR: _binary(lambda a, b: a != 0 or b != 0),
    Op.OP_NUMEQUAL: _equal_numbers,
    Op.OP_NUMEQUALVERIFY: _equal_numbers_verify,
    Op.OP_NUMNOTEQUAL: _binary(operator.ne),
    Op.OP_LESSTHAN: _binary(operator.lt),
    Op.OP_GREATERTHAN: _binary(operator.gt),
    Op.OP_LESSTHANOREQUAL: _binary(operator.le),
    Op.OP_GREATERTHANOREQUAL: _binary(operator.ge),
    Op.OP_MIN: _binary(min),
    Op.OP_MAX: _binary(max),
    Op.OP_WITHIN: _within,
}
