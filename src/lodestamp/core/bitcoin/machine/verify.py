"""Whether an input may spend its output: BIP-16, BIP-141 and BIP-341 over the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin.machine.flags import Flag, checked_bits
from lodestamp.core.bitcoin.machine.frame import Frame, SpendContext, Tally, Trace
from lodestamp.core.bitcoin.machine.interpreter import run
from lodestamp.core.bitcoin.machine.verdict import (
    Execution,
    ScriptError,
    ScriptVerdict,
    SigVersion,
)
from lodestamp.core.bitcoin.machine.witness import (
    check_program,
    check_stack,
    scan_for_success,
    split_annex,
    tapscript_frame,
)
from lodestamp.core.bitcoin.script import (
    as_bool,
    is_p2sh,
    is_push_only,
    push_bytes,
    witness_program,
)
from lodestamp.core.bitcoin.sighash import SignatureHashes
from lodestamp.core.bitcoin.tx import Transaction, TxOut
from lodestamp.errors import UsageError

_P2SH: Final = Flag.P2SH.value
_WITNESS: Final = Flag.WITNESS.value
_CLEANSTACK: Final = Flag.CLEANSTACK.value
_SIGPUSHONLY: Final = Flag.SIGPUSHONLY.value


def verify_input(
    tx: Transaction,
    index: int,
    spent: Sequence[TxOut],
    flags: Flag | int,
    *,
    trace: Trace | None = None,
    hashes: SignatureHashes | None = None,
) -> ScriptVerdict:
    """Judge one input against the outputs that the transaction spends, in input order.

    Nothing in scripts or witnesses raises; `error` names what failed, in Bitcoin Core's order of
    checks. `trace` is called before each opcode. `hashes` is shared between the inputs of one
    transaction (`verify_transaction` does). UsageError for an index or a number of outputs that
    does not fit the transaction, and for flags that are not supported.
    """
    bits = checked_bits(flags)
    context = SpendContext(tx, index, spent, hashes=hashes)
    tally = Tally(trace)
    error = _check_input(context, bits, tally)
    return ScriptVerdict(
        error or ScriptError.OK, tally.sigops, tally.budget, tally.steps, tally.position
    )


def verify_transaction(
    tx: Transaction, spent: Sequence[TxOut], flags: Flag | int
) -> tuple[ScriptVerdict, ...]:
    """Judge every input, in order; what they share is hashed once. UsageError as `verify_input`."""
    hashes = SignatureHashes(tx, spent)
    return tuple([verify_input(tx, n, spent, flags, hashes=hashes) for n in range(len(tx.inputs))])


def execute(
    script: bytes,
    stack: Sequence[bytes],
    version: SigVersion,
    context: SpendContext | None,
    flags: Flag | int,
    *,
    trace: Trace | None = None,
) -> Execution:
    """Run one script on a stack, bottom item first, and tell how it ended.

    In tapscript the scan for OP_SUCCESS and the limits of the first stack come before (R9). Without
    a context no signature, lock time or template holds. What the stack must be at the end is the
    caller's question. UsageError for the key path, which has no script, and for bad flags.
    """
    bits = checked_bits(flags)
    items = list(stack)
    tally = Tally(trace)
    if version is SigVersion.TAPROOT:
        raise UsageError("the key path has no script to execute")
    if version is not SigVersion.TAPSCRIPT:
        frame = Frame(script, items, version, context=context, flags=bits, tally=tally)
        return _ended(frame, run(frame))
    if context is not None:
        context.annex = split_annex(context.input.witness)[1]
    frame = tapscript_frame(script, items, context, bits, tally)
    verdict = scan_for_success(script, bits) or check_stack(items)
    return _ended(frame, run(frame) if verdict is None else verdict)


def _ended(frame: Frame, error: ScriptError | None) -> Execution:
    return Execution(
        tuple(frame.stack), tuple(frame.altstack), error or ScriptError.OK, frame.position
    )


def _check_input(context: SpendContext, flags: int, tally: Tally) -> ScriptError | None:
    script_sig, script = context.input.script_sig, context.spent.script
    if flags & _SIGPUSHONLY and not is_push_only(script_sig):
        return ScriptError.SIG_PUSHONLY
    stack: list[bytes] = []
    error = _run_base(script_sig, stack, context, flags, tally)
    if error is not None:
        return error
    handed_on = list(stack)
    error = _run_base(script, stack, context, flags, tally) or _check_top(stack)
    if error is not None:
        return error
    is_witness = False
    if flags & _WITNESS and (program := witness_program(script)):
        is_witness = True
        if script_sig:
            return ScriptError.WITNESS_MALLEATED
        error = check_program(program, context, flags, tally, is_nested=False)
        del stack[1:]
    elif flags & _P2SH and is_p2sh(script):
        stack = handed_on
        error, is_witness = _check_p2sh(stack, context, flags, tally)
    if error is not None:
        return error
    if flags & _CLEANSTACK and len(stack) != 1:
        return ScriptError.CLEANSTACK
    if flags & _WITNESS and not is_witness and context.input.witness:
        return ScriptError.WITNESS_UNEXPECTED
    return None


def _check_p2sh(
    stack: list[bytes], context: SpendContext, flags: int, tally: Tally
) -> tuple[ScriptError | None, bool]:
    """Run the script that was handed over (BIP-16); tell also whether it is a witness program."""
    script_sig = context.input.script_sig
    if not is_push_only(script_sig):
        return ScriptError.SIG_PUSHONLY, False
    script = stack.pop()
    error = _run_base(script, stack, context, flags, tally) or _check_top(stack)
    if error is not None:
        return error, False
    program = witness_program(script) if flags & _WITNESS else None
    if program is None:
        return None, False
    if script_sig != push_bytes(script):
        return ScriptError.WITNESS_MALLEATED_P2SH, True
    error = check_program(program, context, flags, tally, is_nested=True)
    del stack[1:]
    return error, True


def _run_base(
    script: bytes, stack: list[bytes], context: SpendContext, flags: int, tally: Tally
) -> ScriptError | None:
    frame = Frame(script, stack, SigVersion.BASE, context=context, flags=flags, tally=tally)
    error = run(frame)
    if error is not None:
        tally.position = frame.position
    return error


def _check_top(stack: list[bytes]) -> ScriptError | None:
    return None if stack and as_bool(stack[-1]) else ScriptError.EVAL_FALSE
