"""The loop that runs a script, and the table of what each opcode does in it."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.machine.arithmetic import ARITHMETIC
from lodestamp.core.bitcoin.machine.crypto_ops import (
    ECDSA_SIGNATURES,
    HASHES_AND_EQUALITY,
    SCHNORR_SIGNATURES,
    code_separator_ban,
)
from lodestamp.core.bitcoin.machine.flow import FLOW, bad_opcode, disabled
from lodestamp.core.bitcoin.machine.frame import (
    COUNTED_OPS_MAX,
    ELEMENT_SIZE_MAX,
    SCRIPT_SIZE_MAX,
    STACK_ITEMS_MAX,
    Frame,
    Operation,
)
from lodestamp.core.bitcoin.machine.stack_ops import STACK_OPERATIONS
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion, Step
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import is_minimal_push, num_encode, read_steps

_DISABLED: Final = frozenset(
    {0x7F, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x8D, 0x8E, 0x95, 0x96, 0x97, 0x98, 0x99}
)
"""Opcodes of 2009 that were taken out in 2010: a script that only holds one fails."""


def _pushing(item: bytes) -> Operation:
    def operation(frame: Frame) -> ScriptError | None:
        frame.stack.append(item)
        return None

    return operation


def _table(signatures: dict[int, Operation]) -> tuple[Operation, ...]:
    known: dict[int, Operation] = dict.fromkeys(_DISABLED, disabled)
    known[Op.OP_1NEGATE] = _pushing(num_encode(-1))
    known |= {Op.OP_1 + n - 1: _pushing(num_encode(n)) for n in range(1, 17)}
    known |= STACK_OPERATIONS | ARITHMETIC | FLOW | HASHES_AND_EQUALITY | signatures
    return tuple(known.get(op, bad_opcode) for op in range(256))


_BASE_TABLE: Final = _table(ECDSA_SIGNATURES)
_TAPSCRIPT_TABLE: Final = _table(SCHNORR_SIGNATURES)


def run(frame: Frame) -> ScriptError | None:
    """Run a frame's script to its end; return why it failed, or None.

    `frame.position` is then the opcode that failed, or the number of opcodes.
    """
    is_counted = frame.version is not SigVersion.TAPSCRIPT
    if is_counted and len(frame.script) > SCRIPT_SIZE_MAX:
        return ScriptError.SCRIPT_SIZE
    frame.steps, is_whole = read_steps(frame.script)
    error = _run_steps(frame, is_counted=is_counted)
    frame.tally.steps += frame.position + (error is not None)
    if error is not None:
        return error
    if not is_whole:
        return ScriptError.BAD_OPCODE
    return ScriptError.UNBALANCED_CONDITIONAL if frame.conditions else None


def _run_steps(frame: Frame, *, is_counted: bool) -> ScriptError | None:
    stack, altstack, trace = frame.stack, frame.altstack, frame.tally.trace
    table = _BASE_TABLE if is_counted else _TAPSCRIPT_TABLE
    for position, (op, pushed, _) in enumerate(frame.steps):
        frame.position = position
        if trace is not None:
            trace(_traced(frame, op, pushed))
        if pushed is not None:
            if len(pushed) > ELEMENT_SIZE_MAX:
                return ScriptError.PUSH_SIZE
            if not frame.skipping:
                if frame.is_minimal and not is_minimal_push(op, pushed):
                    return ScriptError.MINIMALDATA
                stack.append(pushed)
        else:
            if is_counted and op > Op.OP_16:
                frame.ops_counted += 1
                if frame.ops_counted > COUNTED_OPS_MAX:
                    return ScriptError.OP_COUNT
            if not frame.skipping or Op.OP_IF <= op <= Op.OP_ENDIF:
                error = table[op](frame)
            else:
                error = _skip(frame, op)
            if error is not None:
                return error
        if len(stack) + len(altstack) > STACK_ITEMS_MAX:
            return ScriptError.STACK_SIZE
    frame.position = len(frame.steps)
    return None


def _skip(frame: Frame, op: int) -> ScriptError | None:
    """Pass over an opcode in a branch not taken; some may not even stand there."""
    if op in _DISABLED or (op == Op.OP_CAT and frame.version is not SigVersion.TAPSCRIPT):
        return ScriptError.DISABLED_OPCODE
    return code_separator_ban(frame) if op == Op.OP_CODESEPARATOR else None


def _traced(frame: Frame, op: int, pushed: bytes | None) -> Step:
    return Step(
        version=frame.version,
        position=frame.position,
        op=Op(op),
        pushed=pushed,
        is_executed=not frame.skipping or Op.OP_IF <= op <= Op.OP_ENDIF,
        stack=tuple(frame.stack),
        altstack=tuple(frame.altstack),
    )
