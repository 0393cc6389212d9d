"""Replaying the operations of a proof in order, each as if its block held nothing else (R48)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Final

from lodestamp.core.bitcoin import TxOut
from lodestamp.core.ownership.apply import apply_block
from lodestamp.core.ownership.attribute import attribute
from lodestamp.core.ownership.carrier import read_carrier
from lodestamp.core.ownership.effects import (
    BlockEffect,
    BlockInput,
    CarrierInput,
    HeartInput,
    Owner,
    Owners,
    Registration,
)
from lodestamp.core.ownership.hashes import balances_bytes
from lodestamp.core.ownership.heart import heart_of
from lodestamp.core.ownership.proof_form import ProofOp
from lodestamp.core.ownership.read_back import Kind
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import State
from lodestamp.errors import SourceIncomplete

PROOF_TEXTS_SIZE_MAX: Final = 64 << 20
"""Inflated bytes of all carriers of a proof: a hostile file could ask for gigabytes."""

_ORDER: Final[dict[Kind, int]] = {"tip": 0, "payment": 0, "register": 1, "transfer": 1}
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the operations lead to; `fault` says which of them does not hold, and why."""

    registrant: Owner | None
    cap_table: dict[Owner, int]
    fault: str | None = None


def replay(
    rules: Rules, sha1: str, ops: Sequence[ProofOp], block_hashes: Mapping[int, bytes]
) -> Replayed:
    """Judge operations of one work block after block, hearts before carriers (R1).

    They stand in the order of height and index; `block_hashes` are by height. SourceIncomplete
    where a signature cannot be checked because what its input spends is not told.
    """
    places = [(op.primary.height, op.primary.index, _ORDER[op.kind]) for op in ops]
    if any(before >= after for before, after in pairwise(places)):
        return Replayed(None, {}, "the operations are not in order, or one stands twice")
    if places and places[0][0] < rules.start_height:
        return Replayed(None, {}, "an operation lies below the height where the rules begin")
    state, size = State(rules.start_height - 1), 0
    for height, group in groupby(ops, key=lambda op: op.primary.height):
        listed = list(group)
        state.height = height - 1  # blocks between hold nothing that is listed
        block = _block(listed, height, block_hashes.get(height, _NO_HASH), rules, size)
        if isinstance(block, str):
            return Replayed(None, {}, block)
        size += sum(len(carrier.text) for carrier in block.carriers)
        effect = apply_block(state, block, rules)
        done = _done(effect)
        for op in listed:
            if (op.kind, bytes(op.primary.tx.txid), sha1) not in done:
                why = _refusal(effect, op)
                said = f"{op.kind} {op.primary.tx.txid_display} has no effect on the work{why}"
                return Replayed(None, {}, said)
    return Replayed(state.registrant(sha1), state.holders(sha1))


def rests_on_witnesses(op: ProofOp, rules: Rules) -> bool:
    """Whether an owner that decides may rest on a witness, which no branch leads to a header.

    A txid commits to scriptSigs alone: who signed an input can sign it anew with another hash type,
    or leave the witness out, and has a proof of what the chain never held. P2PKH inputs are safe.
    """
    if not rules.has_segwit(op.primary.height):
        return False
    inputs = op.primary.tx.inputs
    deciding = inputs[:1] if op.kind == "register" else inputs
    return any(not each.script_sig or _is_nested(each.script_sig) for each in deciding)


def _is_nested(script_sig: bytes) -> bool:
    return len(script_sig) == 23 and script_sig[:3] == b"\x16\x00\x14"


def balances_hash_of(sha1: str, cap_table: Mapping[Owner, int]) -> bytes:
    """Return R26's hash over the table of one work, 32 bytes."""
    return sha256(balances_bytes([(sha1, cap_table)])).digest()


def _block(
    ops: Sequence[ProofOp], height: int, block_hash: bytes, rules: Rules, size: int
) -> BlockInput | str:
    hearts: list[HeartInput] = []
    carriers: list[CarrierInput] = []
    for op in ops:
        tx, index = op.primary.tx, op.primary.index
        owners = _owners(op, height, rules)
        if op.kind in {"tip", "payment"}:
            if len(op.parts) != 1:
                return f"{op.kind} {tx.txid_display} has parts that it does not need"
            hearts.append(HeartInput(tx, tx.txid, index, heart_of(tx) or "", owners))
            continue
        text = _text(op)
        if text is None:
            return f"the parts of {tx.txid_display} are not those that carry an operation"
        size += len(text)
        if size > PROOF_TEXTS_SIZE_MAX:
            return f"the operations inflate to more than {PROOF_TEXTS_SIZE_MAX:,} bytes"
        carriers.append(CarrierInput(tx, tx.txid, index, text, owners))
    return BlockInput(height, block_hash, tuple(hearts), tuple(carriers))


def _owners(op: ProofOp, height: int, rules: Rules) -> Owners:
    tx = op.primary.tx

    def prevouts() -> tuple[TxOut, ...]:
        if op.prevouts is None:
            raise SourceIncomplete(tx.txid, "the proof does not tell what it spends")
        return op.prevouts

    return attribute(tx, prevouts, height, rules)


def _text(op: ProofOp) -> bytes | None:
    """Return what the parts carry; None unless they are its parents, nearest first, and all."""
    later = {bytes(part.tx.txid): part.tx for part in op.parts[1:]}
    try:
        carrier = read_carrier(op.primary.tx, later.get)
    except SourceIncomplete:
        return None
    if carrier is None or carrier.parents != tuple(part.tx for part in op.parts[1:]):
        return None
    heights = [(part.height, part.index) for part in op.parts]
    return carrier.text if heights == sorted(heights, reverse=True) else None


def _done(effect: BlockEffect) -> set[tuple[str, bytes, str]]:
    """Return kind, txid and work of everything that had an effect."""
    done = {("tip", bytes(tip.txid), tip.sha1) for tip in effect.tips}
    done |= {("payment", bytes(each.txid), each.sha1) for each in effect.payments}
    for op in effect.ops:
        kind = "register" if isinstance(op, Registration) else "transfer"
        done.add((kind, bytes(op.txid), op.sha1))
    return done


def _refusal(effect: BlockEffect, op: ProofOp) -> str:
    reasons = [why for txid, _, why in effect.rejected if txid == op.primary.tx.txid]
    return f": {reasons[0]}" if reasons else ""
