"""What a log must hold before it takes an operation: its past, and what its body names (S6).

References are to the past: every id in a body, and the grant of every capability acted under or
attested under, is an ancestor of the right type. A chain of version 2 has no gaps (V2).
"""

from __future__ import annotations

from typing import Protocol

from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.authority import Authority
from lodestamp.core.operations.graph.columns import Chain, Columns
from lodestamp.core.operations.graph.status import KINDS
from lodestamp.core.operations.reference import cap_references, references
from lodestamp.errors import CausalError, RecordError


class Held(Protocol):
    """What is held already, as far as admission asks."""

    columns: Columns
    ancestry: Ancestry
    authority: Authority

    def find(self, op_id: str) -> int | None:
        """Return the leaf index of an operation, or None."""


def check_admission(op: Operation, held: Held) -> tuple[list[int], list[int]]:
    """Return the leaves of an operation's parents, and of what its body names.

    CausalError when a parent is missing. RecordError ``missing-causal-reference`` when what the
    body names, or the grant of a capability, is not in the operation's past;
    ``wrong-reference-type``, or ``not-refutable`` for a refutation (S15), when it has another type;
    ``seq-gap`` when the sequence number before is not in the past.
    """
    parents = [held.find(op_id) for op_id in op.prev]
    missing = tuple(op_id for op_id, index in zip(op.prev, parents, strict=True) if index is None)
    if missing:
        raise CausalError(f"{len(missing)} parents are missing", missing=missing)
    above = [index for index in parents if index is not None]
    sources = []
    for reference in references(op):
        index = held.find(reference.op_id)
        if index is None or not _in_past(index, above, held):
            raise _not_in_past(f"{reference.op_id} (at {reference.at})")
        kind = KINDS[held.columns.kinds[index]]
        if kind not in reference.types:
            wrong = f"{reference.op_id} (at {reference.at}) is of type {kind}"
            raise RecordError(wrong, code=reference.code)
        sources.append(index)
    for cap_id in cap_references(op):
        grants = held.authority.grants.carrying(cap_id)
        if not any(_in_past(grant, above, held) for grant in grants):
            raise _not_in_past(f"a grant of {cap_id}")
    _check_seq(op, above, held)
    return above, sources


def _check_seq(op: Operation, above: list[int], held: Held) -> None:
    if not op.seq:
        return
    wanted = op.seq - 1
    before = held.authority.chains.with_seq(Chain(op.author, op.node, op.v), wanted)
    if any(_in_past(index, above, held) for index in before):
        return
    raise RecordError(f"{op.op_id} has no operation {wanted} in its past", code="seq-gap")


def _in_past(index: int, above: list[int], held: Held) -> bool:
    return any(index == parent or held.ancestry.precedes(index, parent) for parent in above)


def _not_in_past(what: str) -> RecordError:
    return RecordError(f"{what} is not in the operation's past", code="missing-causal-reference")
