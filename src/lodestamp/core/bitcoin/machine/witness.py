"""Witness programs: version 0, taproot's key path and script path, and room for later ones."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.hashes import sha256
from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.frame import (
    ELEMENT_SIZE_MAX,
    STACK_ITEMS_MAX,
    Frame,
    SpendContext,
    Tally,
)
from lodestamp.core.bitcoin.machine.interpreter import run
from lodestamp.core.bitcoin.machine.signatures import check_schnorr
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion
from lodestamp.core.bitcoin.opcodes import OP_SUCCESSES, Op
from lodestamp.core.bitcoin.script import as_bool, read_steps
from lodestamp.core.bitcoin.taproot import ANNEX_TAG, LEAF_TAPSCRIPT, leaf_hash, parse_control_block
from lodestamp.core.bitcoin.wire import var_list
from lodestamp.errors import MalformedScript

BUDGET_BASE: Final = 50
"""A tapscript's budget is this and the size of its input's witness (BIP-342)."""
ANCHOR_PROGRAM: Final = b"\x4e\x73"
"""The program of version 1 that anyone may spend, for fees (pay to anchor)."""

_TAPROOT: Final = Flag.TAPROOT.value
_OP_CAT: Final = Flag.OP_CAT.value
_DISCOURAGE_OP_CAT: Final = Flag.DISCOURAGE_OP_CAT.value
_DISCOURAGE_OP_SUCCESS: Final = Flag.DISCOURAGE_OP_SUCCESS.value
_DISCOURAGE_LEAF_VERSION: Final = Flag.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION.value
_DISCOURAGE_PROGRAM: Final = Flag.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM.value


def check_program(
    program: tuple[int, bytes],
    context: SpendContext,
    flags: int,
    tally: Tally,
    *,
    is_nested: bool,
) -> ScriptError | None:
    """Return why a witness does not satisfy a program, or None. `is_nested`: it is inside P2SH."""
    version, digest = program
    if version == 0:
        return _check_v0(digest, context, flags, tally)
    if version == 1 and len(digest) == 32 and not is_nested:
        return _check_taproot(digest, context, flags, tally) if flags & _TAPROOT else None
    if version == 1 and digest == ANCHOR_PROGRAM and not is_nested:
        return None
    if flags & _DISCOURAGE_PROGRAM:
        return ScriptError.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM
    return None


def _check_v0(digest: bytes, context: SpendContext, flags: int, tally: Tally) -> ScriptError | None:
    stack = list(context.input.witness)
    if len(digest) == 32:
        if not stack:
            return ScriptError.WITNESS_PROGRAM_WITNESS_EMPTY
        script = stack.pop()
        if sha256(script) != digest:
            return ScriptError.WITNESS_PROGRAM_MISMATCH
    elif len(digest) == 20:
        if len(stack) != 2:
            return ScriptError.WITNESS_PROGRAM_MISMATCH
        script = b"\x76\xa9\x14" + digest + b"\x88\xac"
    else:
        return ScriptError.WITNESS_PROGRAM_WRONG_LENGTH
    if any(len(item) > ELEMENT_SIZE_MAX for item in stack):
        return ScriptError.PUSH_SIZE
    frame = Frame(script, stack, SigVersion.WITNESS_V0, context=context, flags=flags, tally=tally)
    return _run_to_true(frame)


def split_annex(witness: tuple[bytes, ...]) -> tuple[list[bytes], bytes | None]:
    """Take the annex off a taproot witness: the last of two or more items, if it starts with 50."""
    if len(witness) >= 2 and witness[-1][:1] == bytes((ANNEX_TAG,)):
        return list(witness[:-1]), witness[-1]
    return list(witness), None


def _check_taproot(
    output: bytes, context: SpendContext, flags: int, tally: Tally
) -> ScriptError | None:
    stack, context.annex = split_annex(context.input.witness)
    if not stack:
        return ScriptError.WITNESS_PROGRAM_WITNESS_EMPTY
    if len(stack) == 1:
        return check_schnorr(context, tally, stack[0], output)
    try:
        control = parse_control_block(stack.pop())
    except MalformedScript:
        return ScriptError.TAPROOT_WRONG_CONTROL_SIZE
    script = stack.pop()
    if not control.commits_to(output, script):
        return ScriptError.WITNESS_PROGRAM_MISMATCH
    if control.version != LEAF_TAPSCRIPT:
        if flags & _DISCOURAGE_LEAF_VERSION:
            return ScriptError.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION
        return None
    return _check_tapscript(tapscript_frame(script, stack, context, flags, tally))


def tapscript_frame(
    script: bytes,
    stack: list[bytes],
    context: SpendContext | None,
    flags: int,
    tally: Tally,
) -> Frame:
    """Return a frame for a leaf, with the budget its input's witness gives it."""
    frame = Frame(script, stack, SigVersion.TAPSCRIPT, context=context, flags=flags, tally=tally)
    frame.leaf_hash = leaf_hash(script)
    witness = tuple(stack) if context is None else context.input.witness
    frame.budget = BUDGET_BASE + len(var_list(witness))
    return frame


def _check_tapscript(frame: Frame) -> ScriptError | None:
    verdict = scan_for_success(frame.script, frame.flags)
    if verdict is not None:
        return None if verdict is ScriptError.OK else verdict
    error = check_stack(frame.stack) or _run_to_true(frame)
    frame.tally.budget = frame.budget
    return error


def scan_for_success(script: bytes, flags: int) -> ScriptError | None:
    """Look for what decides a tapscript before it runs (R9): an error, OK, or None to run it."""
    steps, is_whole = read_steps(script)
    for op, _, _ in steps:
        if op in OP_SUCCESSES:
            if op != Op.OP_CAT:
                discouraged = flags & _DISCOURAGE_OP_SUCCESS
                return ScriptError.DISCOURAGE_OP_SUCCESS if discouraged else ScriptError.OK
            if flags & _DISCOURAGE_OP_CAT:
                return ScriptError.DISCOURAGE_OP_CAT
            if not flags & _OP_CAT:
                return ScriptError.OK
    return None if is_whole else ScriptError.BAD_OPCODE


def check_stack(stack: list[bytes]) -> ScriptError | None:
    """Return what is wrong with the stack a tapscript begins with, or None."""
    if len(stack) > STACK_ITEMS_MAX:
        return ScriptError.STACK_SIZE
    if any(len(item) > ELEMENT_SIZE_MAX for item in stack):
        return ScriptError.PUSH_SIZE
    return None


def _run_to_true(frame: Frame) -> ScriptError | None:
    """Run a witness script, which must leave exactly one item, a true one."""
    error = run(frame)
    if error is not None:
        frame.tally.position = frame.position
        return error
    if len(frame.stack) != 1:
        return ScriptError.CLEANSTACK
    return None if as_bool(frame.stack[0]) else ScriptError.EVAL_FALSE
