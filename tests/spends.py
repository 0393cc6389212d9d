"""Spends as the public vectors write them: script text, and the two transactions around it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from lodestamp.core.bitcoin import (
    NUMS,
    Flag,
    Leaf,
    Op,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    num_encode,
    output_key,
    push,
    push_bytes,
)

_NAMES = {op.name.removeprefix("OP_"): op for op in map(Op, range(0x61, 0xBB))} | {
    "NOP2": Op.OP_CHECKLOCKTIMEVERIFY, "NOP3": Op.OP_CHECKSEQUENCEVERIFY,
    "NOP4": Op.OP_CHECKTEMPLATEVERIFY, "RESERVED": Op.OP_RESERVED,
}  # fmt: skip


def compiled(text: str) -> bytes:
    """Compile the text of script_tests.json: numbers, 'text', 0x raw bytes, and names."""
    return b"".join(map(_word, text.split()))


def _word(word: str) -> bytes:
    if re.fullmatch(r"-?\d+", word):
        return push(num_encode(int(word)))
    if word.startswith("0x"):
        return bytes.fromhex(word[2:])
    if word.startswith("'"):
        return push_bytes(word[1:-1].encode())
    return bytes((_NAMES[word.removeprefix("OP_")],))


def flags_of(text: str) -> Flag:
    """Read flags as the vectors list them; NONE is none."""
    flags = Flag(0)
    for name in text.split(","):
        if name not in {"", "NONE"}:
            flags |= Flag[name]
    return flags


def credit(script: bytes, amount: int = 0) -> Transaction:
    """Return the transaction that makes the output to be spent."""
    coinbase = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\x00\x00")
    return Transaction(1, (coinbase,), (TxOut(amount, script),))


def spend_of(
    script: bytes, script_sig: bytes = b"", witness: tuple[bytes, ...] = (), amount: int = 0
) -> tuple[Transaction, tuple[TxOut, ...]]:
    """Return the transaction that spends such an output, and what it spends."""
    credited = credit(script, amount)
    spending = TxIn(OutPoint(credited.txid, 0), script_sig, witness=witness)
    return Transaction(1, (spending,), (TxOut(amount, b""),)), credited.outputs


def script_test(row: list) -> tuple[Transaction, tuple[TxOut, ...], Flag, str]:
    """Return spend, spent outputs, flags and expected error of one row of script_tests.json."""
    items = list(row.pop(0)) if isinstance(row[0], list) else []
    amount = int(Decimal(str(items.pop())) * 100_000_000) if items else 0
    script_sig, script, flags, expected = row[:4]
    leaf = next((each for each in items if each.startswith("#SCRIPT#")), None)
    witness = tuple([_item(each, leaf) for each in items])
    if leaf is not None:
        key = output_key(NUMS, _leaf(leaf))[0]
        script = script.replace("#TAPROOTOUTPUT#", f"0x{key.hex()}")
    spend, spent = spend_of(compiled(script), compiled(script_sig), witness, amount)
    return spend, spent, flags_of(flags), expected


def _item(text: str, leaf: str | None) -> bytes:
    if text.startswith("#SCRIPT#"):
        return _leaf(text).script
    if text == "#CONTROLBLOCK#":
        return control_block(NUMS, _leaf(leaf), _leaf(leaf))
    return bytes.fromhex(text)


def _leaf(text: str) -> Leaf:
    return Leaf(compiled(text.removeprefix("#SCRIPT#")))


def with_witness(
    tx: Transaction, index: int, script_sig: bytes, witness: tuple[bytes, ...]
) -> Transaction:
    """Return the transaction with these in input `index`."""
    inputs = list(tx.inputs)
    inputs[index] = replace(inputs[index], script_sig=script_sig, witness=witness)
    return replace(tx, inputs=tuple(inputs))
