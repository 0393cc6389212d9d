"""What a caller sees of the machine: verdicts, executions, traces, and refused calls."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    NUMS,
    Leaf,
    Op,
    OutPoint,
    SignatureHashes,
    SigVersion,
    SpendContext,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    execute,
    from_asm,
    output_script,
    public_key,
    push,
    schnorr_sign,
    verify_input,
    verify_transaction,
)
from lodestamp.errors import UsageError
from spends import spend_of, with_witness

SECRET = bytes(31) + b"\x09"
KEY = public_key(SECRET)[1:]


def signed_leaf(script):
    leaf = Leaf(script)
    tx, spent = spend_of(output_script(NUMS, leaf))
    digest = SignatureHashes(tx, spent).taproot(0, 0, leaf_hash=leaf.hash)
    sig = schnorr_sign(digest, SECRET, bytes(32))
    witness = (sig, script, control_block(NUMS, leaf, leaf))
    return with_witness(tx, 0, b"", witness), spent, witness


def test_a_verdict_counts_steps_signatures_and_what_is_left_of_the_budget():
    tx, spent, witness = signed_leaf(push(KEY) + b"\xac")
    verdict = verify_input(tx, 0, spent, CONSENSUS)
    assert (verdict.ok, verdict.sigops, verdict.position) == (True, 1, None)
    size = 1 + sum(1 + len(item) for item in witness)
    assert verdict.validation_budget_left == 50 + size - 50
    assert verdict.steps == 2 + 2


def test_a_verdict_tells_the_opcode_that_failed():
    tx, spent = spend_of(from_asm("1 1 EQUALVERIFY 0 VERIFY 1"))
    verdict = verify_input(tx, 0, spent, CONSENSUS)
    assert (verdict.error, verdict.position, verdict.steps) == ("VERIFY", 4, 5)
    assert verdict.validation_budget_left is None


def test_a_trace_is_told_each_opcode_before_it_runs():
    steps = []
    tx, spent = spend_of(from_asm("IF 2 ELSE 3 ENDIF"), b"\x00")
    assert verify_input(tx, 0, spent, CONSENSUS, trace=steps.append).ok
    assert [step.op for step in steps] == [
        Op.OP_0, Op.OP_IF, Op.OP_2, Op.OP_ELSE, Op.OP_3, Op.OP_ENDIF
    ]  # fmt: skip
    assert [step.is_executed for step in steps] == [True, True, False, True, True, True]
    assert [step.position for step in steps] == [0, 0, 1, 2, 3, 4]
    assert steps[1].stack == (b"",)
    assert steps[-1].stack == (b"\x03",)


def test_an_execution_tells_both_stacks_and_where_it_ended():
    ran = execute(from_asm("DUP TOALTSTACK CAT"), (b"a", b"b"), SigVersion.TAPSCRIPT, None,
                  CONSENSUS_CAT_CTV)  # fmt: skip
    assert (ran.ok, ran.stack, ran.altstack, ran.position) == (True, (b"ab",), (b"b",), 3)
    failed = execute(from_asm("1 VERIFY RETURN 2"), (), SigVersion.BASE, None, CONSENSUS)
    assert (failed.error, failed.position, failed.ok) == ("OP_RETURN", 2, False)


def test_an_execution_leaves_its_argument_as_it_was():
    stack = [b"a", b"b"]
    execute(from_asm("2DROP"), stack, SigVersion.BASE, None, CONSENSUS)
    assert stack == [b"a", b"b"]


def test_a_leaf_executes_with_its_transaction_as_the_spend_does():
    script = push(KEY) + b"\xac"
    tx, spent, witness = signed_leaf(script)
    context = SpendContext(tx, 0, spent)
    ran = execute(script, witness[:1], SigVersion.TAPSCRIPT, context, CONSENSUS)
    assert (ran.ok, ran.stack) == (True, (b"\x01",))
    spoiled = execute(script, (bytes(64),), SigVersion.TAPSCRIPT, context, CONSENSUS)
    assert spoiled.error == "SCHNORR_SIG"


def test_the_key_path_has_nothing_to_execute():
    with pytest.raises(UsageError):
        execute(b"", (), SigVersion.TAPROOT, None, CONSENSUS)


def test_what_does_not_fit_the_transaction_is_refused():
    tx, spent = spend_of(b"\x51")
    for index, given in ((1, spent), (-1, spent), (0, ()), (0, spent * 2)):
        with pytest.raises(UsageError):
            verify_input(tx, index, given, CONSENSUS)
    other, its_spent = spend_of(b"\x52")
    with pytest.raises(UsageError):
        verify_input(tx, 0, spent, CONSENSUS, hashes=SignatureHashes(other, its_spent))


def test_a_transaction_is_judged_input_by_input():
    inputs = tuple([TxIn(OutPoint(bytes((n,)) * 32, 0)) for n in range(2)])
    tx = Transaction(2, inputs, (TxOut(1, b"\x51"),))
    spent = [TxOut(1, b"\x51"), TxOut(1, b"\x00")]
    assert [v.error for v in verify_transaction(tx, spent, CONSENSUS)] == ["OK", "EVAL_FALSE"]


def test_a_multisignature_without_its_dummy_is_told_before_a_bad_signature():
    """Bitcoin Core counts the dummy among what must be there; then come the signatures."""
    script = push(b"\x30\x01") + from_asm("1") + push(b"\x02" + bytes(32)) + from_asm("1")
    ended = execute(script + b"\xae", (), SigVersion.BASE, None, CONSENSUS)
    assert ended.error == "INVALID_STACK_OPERATION"
    ended = execute(b"\x00" + script + b"\xae", (), SigVersion.BASE, None, CONSENSUS)
    assert ended.error == "SIG_DER"
