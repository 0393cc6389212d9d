"""What is held about a subject: the default view over valid claims (operations spec S20)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lodestamp.core.encoding import JsonValue
from lodestamp.core.operations.bodies import USER
from lodestamp.core.operations.graph.columns import SUBJECT_SIZE, half_key
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import CLAIM, Status


@dataclass(frozen=True, slots=True)
class Fact:
    """A valid claim as the default view shows it, and the ids of those it stands in front of."""

    op_id: str
    subject: str
    predicate: str
    object: JsonValue
    confidence_bp: int
    from_user: bool
    superseded: tuple[str, ...]


def facts(state: State, subject: str, predicate: str | None = None) -> list[Fact]:
    """Return the facts about a subject, by predicate and then in log order.

    Where a person's own word on a predicate is valid, the causally latest is shown, all of them if
    they are concurrent, and derived claims stand behind it. That leaves their status untouched.
    """
    by_predicate: dict[str, list[tuple[int, Any]]] = {}
    for index in _candidates(state, subject, predicate):
        op = state.operation(index)
        if op is None or op.body["subject"] != subject:
            continue
        said = str(op.body["predicate"])
        if predicate is None or said == predicate:
            by_predicate.setdefault(said, []).append((index, op.body))
    return [fact for said in sorted(by_predicate) for fact in _shown(state, by_predicate[said])]


def _candidates(state: State, subject: str, predicate: str | None) -> Iterator[int]:
    """Yield valid claims whose subject, and predicate if given, may be these."""
    wanted = half_key(subject) + (b"" if predicate is None else half_key(predicate))
    column, kinds, statuses = state.columns.subjects, state.columns.kinds, state.counters.statuses
    at = column.find(wanted)
    while at >= 0:
        index, rest = divmod(at, SUBJECT_SIZE)
        if not rest and kinds[index] == CLAIM and statuses[index] == Status.VALID:
            yield index
        at = column.find(wanted, at + 1)


def _shown(state: State, claims: list[tuple[int, Any]]) -> list[Fact]:
    own = [index for index, body in claims if body["deriver"] == USER]
    latest: list[int] = []
    for index in reversed(own):
        if not any(state.ancestry.precedes(index, later) for later in latest):
            latest.append(index)
    shown = set(latest) if own else {index for index, _ in claims}
    behind = tuple(state.columns.op_id(index) for index, _ in claims if index not in shown)
    return [
        Fact(
            op_id=state.columns.op_id(index),
            subject=body["subject"],
            predicate=body["predicate"],
            object=body["object"],
            confidence_bp=body["confidence_bp"],
            from_user=body["deriver"] == USER,
            superseded=behind,
        )
        for index, body in claims
        if index in shown
    ]
