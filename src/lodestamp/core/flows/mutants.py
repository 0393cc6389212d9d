"""Mutants: a spend with one witness item altered, each of which the machine must refuse (R44)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lodestamp.core.bitcoin import Flag, Transaction, TxOut, verify_input


@dataclass(frozen=True, slots=True)
class MutantReport:
    """How many mutants were tried and refused, and the items whose mutants were accepted."""

    tried: int
    refused: int
    accepted: tuple[str, ...] = ()


def mutants(witness: Sequence[bytes]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Yield the witness with one item altered: a bit at each end, cut, lengthened, or left out."""
    for place, item in enumerate(witness):
        altered = {
            "longer": item + b"\x00",
            "first bit": bytes((item[0] ^ 0x80,)) + item[1:] if item else b"\x80",
            "last bit": item[:-1] + bytes((item[-1] ^ 1,)) if item else b"\x01",
            "shorter": item[:-1] if item else b"\x00",
        }
        for how, other in altered.items():
            yield f"item {place}: {how}", (*witness[:place], other, *witness[place + 1 :])
        yield f"item {place}: left out", (*witness[:place], *witness[place + 1 :])


def try_mutants(
    tx: Transaction, spent: Sequence[TxOut], flags: Flag | int, index: int = 0
) -> MutantReport:
    """Judge every mutant of one input's witness."""
    tried, accepted = 0, []
    own = tx.inputs[index]
    for name, witness in mutants(own.witness):
        changed = replace(own, witness=witness)
        other = replace(tx, inputs=(*tx.inputs[:index], changed, *tx.inputs[index + 1 :]))
        tried += 1
        if verify_input(other, index, spent, flags).ok:
            accepted.append(name)
    return MutantReport(tried, tried - len(accepted), tuple(accepted))
