"""Counting signature operations, which blocks and policy bound (BIP16, BIP141)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import is_p2sh, is_push_only, read_steps, witness_program
from lodestamp.core.bitcoin.tx import Transaction, TxOut

BLOCK_SIGOP_COST_MAX: Final = 80_000
"""Signature operations of a block, each outside a witness counted four times (BIP141)."""
TX_SIGOP_COST_MAX: Final = 16_000
"""A fifth of it: what one transaction may cost to be passed on (Bitcoin Core's policy)."""

_WITNESS_SCALE: Final = 4
_KEYS_MAX: Final = 20


def count_sigops(script: bytes, *, accurate: bool) -> int:
    """Count the operations of one script up to where it is cut off.

    Unless `accurate`, a multisignature counts as twenty; else as many as the number before it.
    """
    total, before = 0, 0xFF
    for op, _, _ in read_steps(script)[0]:
        if op in (Op.OP_CHECKSIG, Op.OP_CHECKSIGVERIFY):
            total += 1
        elif op in (Op.OP_CHECKMULTISIG, Op.OP_CHECKMULTISIGVERIFY):
            named = accurate and Op.OP_1 <= before <= Op.OP_16
            total += before - Op.OP_1 + 1 if named else _KEYS_MAX
        before = op
    return total


def sigop_cost(tx: Transaction, spent: Sequence[TxOut]) -> int:
    """Return the cost of a transaction that spends these outputs, in input order.

    A coinbase spends none and is counted by its scripts alone.
    """
    scripts = [item.script_sig for item in tx.inputs] + [each.script for each in tx.outputs]
    cost = _WITNESS_SCALE * sum(count_sigops(script, accurate=False) for script in scripts)
    if tx.is_coinbase:
        return cost
    for item, output in zip(tx.inputs, spent, strict=True):
        script = output.script
        if is_p2sh(script) and is_push_only(item.script_sig):
            script = _last_push(item.script_sig)
            cost += _WITNESS_SCALE * count_sigops(script, accurate=True)
        program = witness_program(script)
        if program and program[0] == 0:
            cost += _witness_sigops(program[1], item.witness)
    return cost


def _witness_sigops(program: bytes, witness: Sequence[bytes]) -> int:
    if len(program) == 20:
        return 1
    return count_sigops(witness[-1], accurate=True) if len(program) == 32 and witness else 0


def _last_push(script: bytes) -> bytes:
    steps, _ = read_steps(script)
    return steps[-1][1] or b"" if steps else b""
