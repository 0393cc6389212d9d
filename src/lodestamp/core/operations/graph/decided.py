"""What became of a decision: open, unreviewed or done (operations spec §9, D-2 and D-3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lodestamp.core.operations.decisions import (
    INTENT_KIND,
    OUTCOME_PREDICATE,
    REVIEW_PREDICATE,
    Intent,
    Outcome,
    Review,
)
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import Status
from lodestamp.errors import OpError

OUTCOME_DUE_S: Final = 3_600
"""How long an intent may stay without an outcome before that is remarked (D-2)."""
REVIEWED_RISKS: Final = frozenset({"high", "critical"})
"""The risks at which a person must look (D-3)."""


class DecisionState(StrEnum):
    """How far a decision went."""

    OPEN = "open"
    UNREVIEWED = "unreviewed"
    DONE = "done"
    MALFORMED = "malformed-decision"


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """An intent, what came of it and who looked. `overdue`: open for longer than is due (D-2)."""

    intent: str
    state: DecisionState
    overdue: bool
    outcomes: tuple[str, ...]
    reviews: tuple[str, ...]
    malformed: tuple[str, ...]


def decision_records(
    state: State, op_ids: Iterable[str], at: int, *, due_s: int = OUTCOME_DUE_S
) -> list[DecisionRecord]:
    """Return what became, by `at` (Unix seconds), of the intents among some operations.

    Only outcomes and reviews that are valid count. One outside its schema counts for nothing and is
    listed (D-4); so is an intent that is.
    """
    found = []
    for op_id in op_ids:
        op = state.operation(state.index_of(op_id))
        if op is not None and op.type == "evidence" and op.body["kind"] == INTENT_KIND:
            found.append(_record(state, op, at, due_s))
    return found


def _record(state: State, op: Operation, at: int, due_s: int) -> DecisionRecord:
    try:
        intent = Intent.parse(op)
    except OpError:
        return DecisionRecord(op.op_id, DecisionState.MALFORMED, False, (), (), (op.op_id,))
    outcomes: list[str] = []
    reviews: list[str] = []
    malformed: list[str] = []
    for child in _valid_claims(state, op.op_id, OUTCOME_PREDICATE):
        try:
            Outcome.parse(child, intents=[op.op_id])
        except OpError:
            malformed.append(child.op_id)
        else:
            outcomes.append(child.op_id)
    for outcome in outcomes:
        for child in _valid_claims(state, outcome, REVIEW_PREDICATE):
            try:
                Review.parse(child)
            except OpError:
                malformed.append(child.op_id)
            else:
                reviews.append(child.op_id)
    reached = DecisionState.DONE if outcomes else DecisionState.OPEN
    if outcomes and not reviews and intent.requires_review and intent.risk in REVIEWED_RISKS:
        reached = DecisionState.UNREVIEWED
    overdue = reached is DecisionState.OPEN and at > op.ts + due_s
    return DecisionRecord(
        op.op_id, reached, overdue, tuple(outcomes), tuple(reviews), tuple(malformed)
    )


def _valid_claims(state: State, op_id: str, predicate: str) -> list[Operation]:
    """Return the valid claims of a predicate that are derived from an operation."""
    children = state.children.of(state.index_of(op_id))
    valid = [n for n in sorted(children) if state.counters.statuses[n] == Status.VALID]
    ops = [state.operation(index) for index in valid]
    return [op for op in ops if op and op.type == "claim" and op.body["predicate"] == predicate]
