"""Decisions: what was intended, what came of it, who looked (operations spec §9)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from lodestamp.core.encoding import JsonObject
from lodestamp.core.operations import (
    OUTCOME_PREDICATE,
    DecisionState,
    Intent,
    Outcome,
    Review,
    decision_records,
    derived_from,
)
from lodestamp.errors import LodestampError, OpError
from lodestamp.node.clock import now_s
from lodestamp.node.identities import Identities
from lodestamp.node.recorder import Recorded
from lodestamp.node.writing import Writing, widened

_NOTHING_NOTED = "nothing noted"
_REVIEWER = "review"


@dataclass(frozen=True, slots=True)
class Decided(Recorded):
    """A recorded part of a decision, and how far the decision is with it."""

    state: DecisionState = DecisionState.OPEN


class Decisions(Writing):
    """Verbs of deciding. What is outside the schema is refused: OpError ``malformed-decision``."""

    identities: Identities

    def decide(self, content: JsonObject, *, agent: str | None = None) -> Decided:
        """Record, before acting, what an agent is about to do and why.

        `content` has action, reasoning, alternatives, risk, model, inputs, period and
        requires_review, and may have what the spec lists beside. `agent` is a key id or DID,
        by default the identity that signs.
        """
        return self._decided(self.decide_future(content, agent=agent).result(), None)

    def decide_future(self, content: JsonObject, *, agent: str | None = None) -> Future[Recorded]:
        """Hand in an intent and return at once; the future resolves on disk."""
        intent = Intent.of(agent or self.identities.principal(self.key_id), content)
        return self._author("evidence", intent.body(captured_at=now_s()))

    def conclude(
        self,
        intent: str,
        content: JsonObject,
        *,
        derived_from: Sequence[str] = (),
        confidence_bp: int = 10_000,
    ) -> Decided:
        """Record what came of an intent, drawn from it and from whatever else it rests on.

        `content` has result, summary, outputs and period, and may have error. OpError
        ``malformed-decision`` also when `intent` is none (D-1).
        """
        recorded = self.conclude_future(
            intent, content, derived_from=derived_from, confidence_bp=confidence_bp
        ).result()
        return self._decided(recorded, intent)

    def conclude_future(
        self,
        intent: str,
        content: JsonObject,
        *,
        derived_from: Sequence[str] = (),
        confidence_bp: int = 10_000,
    ) -> Future[Recorded]:
        """Hand in an outcome and return at once; the future resolves on disk."""
        began = Intent.parse(self.op(intent))
        sources = tuple(dict.fromkeys((intent, *derived_from)))
        outcome = Outcome.of(began.agent, content, sources, confidence_bp)
        body = outcome.body(
            intents=[intent],
            deriver=f"{began.model['name']}/{began.model['version']}",
            rationale=outcome.summary,
        )
        return self._author("claim", body)

    def review(self, outcome: str, *, verdict: str, note: str | None = None) -> Decided:
        """Record what a person says of an outcome: approved, rejected or overridden.

        A rejection refutes nothing: that is `refute`.
        """
        intent = self._intent_of(outcome)
        recorded = self.review_future(outcome, verdict=verdict, note=note).result()
        return self._decided(recorded, intent)

    def review_future(
        self, outcome: str, *, verdict: str, note: str | None = None
    ) -> Future[Recorded]:
        """Hand in a review and return at once; the future resolves on disk."""
        intent = self._intent_of(outcome)
        review = Review(
            agent=Intent.parse(self.op(intent)).agent,
            outcome_op=outcome,
            verdict=verdict,
            reviewer=self.identities.principal(self.key_id),
            note=note or _NOTHING_NOTED,
        )
        return self._author("claim", review.body(deriver=_REVIEWER, rationale=review.note))

    def _intent_of(self, outcome: str) -> str:
        """Return the first intent that an outcome rests on."""
        op = self.op(outcome)
        sources = derived_from(op)
        for each in sources if op.body.get("predicate") == OUTCOME_PREDICATE else ():
            try:
                Intent.parse(self.op(each))
            except LodestampError:  # some other source, or one whose body is gone
                continue
            Outcome.parse(op, intents=[each])
            return each
        message = "it is no outcome that rests on an intent"
        raise OpError("malformed-decision", message, at="/body/derived_from")

    def _decided(self, recorded: Recorded, intent: str | None) -> Decided:
        with self._state() as graph:
            [record] = decision_records(graph, [intent or recorded.op_id], now_s())
        return widened(Decided, recorded, state=record.state)
