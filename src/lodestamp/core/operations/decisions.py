"""Decision records: what was to be done and why, what came of it, what a person said (spec §9).

A decision is evidence before and a claim after, so it needs no type of its own, and refuting what
it rested on reaches it. `Intent` is recorded before acting, `Outcome` after, derived from it;
`Review` is a person's claim about an outcome. Inputs and outputs are named by commitments, so that
what they commit to can be erased. Alternatives keep their order (D-5).

A log accepts any body of the right type. Each ``parse`` reads a record from an operation that says
to be one, and refuses it as ``malformed-decision`` when its fields are not those below (D-4) or an
outcome derives from nothing that could be its intent (D-1). Authoring makes the same checks.

>>> from lodestamp.core.keys import SigningKey
>>> from lodestamp.core.operations import Intent, build_op
>>> intent = Intent("agent/7", "reply", "asked to", alternatives=("wait", "escalate"), risk="low",
...     model={"name": "m", "version": "1"}, start=5)
>>> signer = SigningKey.from_seed("ed25519", bytes(32))
>>> op = build_op(signer, "n", "evidence", intent.body(captured_at=6), (), 6)
>>> Intent.parse(op) == intent
True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NoReturn

from lodestamp.core.encoding import JsonObject, JsonValue, base64_encode, content_address
from lodestamp.core.operations.authoring import claim, evidence
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.fields import (
    Schema,
    a_count,
    a_flag,
    a_list_of,
    a_principal,
    a_text,
    an_address,
    check_object,
    closed,
    hex_of,
    one_of,
)
from lodestamp.errors import OpError

INTENT_KIND: Final = "lodestamp.decision.intent/1"
OUTCOME_PREDICATE: Final = "lodestamp.decision.outcome/1"
REVIEW_PREDICATE: Final = "lodestamp.decision.review/1"
RISKS: Final = ("minimal", "low", "medium", "high", "critical")
RESULTS: Final = ("done", "failed", "blocked", "abandoned")
REVIEW_VERDICTS: Final = ("approved", "rejected", "overridden")
MALFORMED: Final = "malformed-decision"

_COMMITTED: Final = a_list_of(
    closed({"name": (a_text, True), "commitment": (an_address, True)}, "a named commitment")
)
_INTENT: Final[Schema] = MappingProxyType(
    {
        "action": (a_text, True),
        "reasoning": (a_text, True),
        "alternatives": (a_list_of(a_text), True),
        "risk": (one_of(*RISKS), True),
        "model": (
            closed(
                {"name": (a_text, True), "version": (a_text, True), "digest": (a_text, False)},
                "a model",
            ),
            True,
        ),
        "policy": (closed({"cid": (a_text, True), "version": (a_text, False)}, "a policy"), False),
        "inputs": (_COMMITTED, True),
        "on_behalf_of": (an_address, False),
        "session": (a_text, False),
        "trace_id": (hex_of(32), False),
        "span_id": (hex_of(16), False),
        "period": (closed({"start": (a_count, True)}, "a period"), True),
        "reference_database": (a_text, False),
        "requires_review": (a_flag, True),
    }
)
_OUTCOME: Final[Schema] = MappingProxyType(
    {
        "result": (one_of(*RESULTS), True),
        "summary": (a_text, True),
        "outputs": (_COMMITTED, True),
        "period": (closed({"start": (a_count, True), "end": (a_count, True)}, "a period"), True),
        "error": (a_text, False),
    }
)
_REVIEW: Final[Schema] = MappingProxyType(
    {
        "verdict": (one_of(*REVIEW_VERDICTS), True),
        "reviewer": (a_principal, True),
        "note": (a_text, True),
    }
)


@dataclass(frozen=True, slots=True)
class Committed:
    """An input or output by name, and the commitment to its digest."""

    name: str
    commitment: str

    @classmethod
    def to(cls, name: str, digest: str, *, salt: bytes) -> Committed:
        """Commit to a digest with a fresh random salt, without which it could be guessed."""
        return cls(name, content_address({"salt": base64_encode(salt), "digest": digest}))


@dataclass(frozen=True, slots=True)
class Intent:
    """What an agent was about to do: recorded as evidence before it acts.

    `agent` is the source of the evidence; `start` is Unix seconds; `model` has name, version and
    perhaps digest; `policy` cid and perhaps version; `on_behalf_of` is a cap_id.
    """

    agent: str
    action: str
    reasoning: str
    alternatives: tuple[str, ...]
    risk: str
    model: Mapping[str, str]
    start: int
    inputs: tuple[Committed, ...] = ()
    requires_review: bool = False
    policy: Mapping[str, str] | None = None
    on_behalf_of: str | None = None
    session: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    reference_database: str | None = None

    def body(self, *, captured_at: int) -> JsonObject:
        """Return the body of the evidence; OpError ``malformed-decision`` outside the schema."""
        optional: dict[str, JsonValue] = {
            "policy": dict(self.policy) if self.policy is not None else None,
            "on_behalf_of": self.on_behalf_of,
            "session": self.session,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "reference_database": self.reference_database,
        }
        content: JsonObject = {
            "action": self.action,
            "reasoning": self.reasoning,
            "alternatives": list[JsonValue](self.alternatives),
            "risk": self.risk,
            "model": dict(self.model),
            "inputs": _as_list(self.inputs),
            "period": {"start": self.start},
            "requires_review": self.requires_review,
            **{name: value for name, value in optional.items() if value is not None},
        }
        _check(_INTENT, content, "content")
        return evidence(
            source=self.agent, kind=INTENT_KIND, content=content, captured_at=captured_at
        )

    @classmethod
    def parse(cls, op: Operation) -> Intent:
        """Read an intent from an evidence; OpError ``malformed-decision`` (D-4)."""
        body: Mapping[str, Any] = op.body
        if op.type != "evidence":
            _malformed("an intent is evidence", "/type")
        if body["kind"] != INTENT_KIND:
            _malformed(f"its kind is not {INTENT_KIND}", "/body/kind")
        return cls.of(body["source"], body["content"])

    @classmethod
    def of(cls, agent: str, content: Any) -> Intent:
        """Read an intent from the content of an evidence; OpError ``malformed-decision`` (D-4)."""
        _check(_INTENT, content, "content")
        return cls(
            agent=agent,
            action=content["action"],
            reasoning=content["reasoning"],
            alternatives=tuple(content["alternatives"]),
            risk=content["risk"],
            model=content["model"],
            start=content["period"]["start"],
            inputs=_committed(content["inputs"]),
            requires_review=content["requires_review"],
            policy=content.get("policy"),
            on_behalf_of=content.get("on_behalf_of"),
            session=content.get("session"),
            trace_id=content.get("trace_id"),
            span_id=content.get("span_id"),
            reference_database=content.get("reference_database"),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an intent: recorded as a claim derived from it. Times are Unix seconds."""

    agent: str
    result: str
    summary: str
    start: int
    end: int
    confidence_bp: int
    derived_from: tuple[str, ...]
    """The intent's id, and those of whatever else it rests on."""
    outputs: tuple[Committed, ...] = ()
    error: str | None = None

    def body(self, *, intents: Iterable[str], deriver: str, rationale: str) -> JsonObject:
        """Return the body of the claim; `intents` are ids known to be intents.

        OpError ``malformed-decision`` outside the schema, or when no source is one (D-1, D-4).
        """
        outcome: JsonObject = {
            "result": self.result,
            "summary": self.summary,
            "outputs": _as_list(self.outputs),
            "period": {"start": self.start, "end": self.end},
        }
        if self.error is not None:
            outcome["error"] = self.error
        _check(_OUTCOME, outcome, "object")
        check_outcome_sources(self.derived_from, intents)
        return claim(
            subject=self.agent,
            predicate=OUTCOME_PREDICATE,
            object=outcome,
            confidence_bp=self.confidence_bp,
            derived_from=self.derived_from,
            deriver=deriver,
            rationale=rationale,
        )

    @classmethod
    def parse(cls, op: Operation, *, intents: Iterable[str]) -> Outcome:
        """Read an outcome from a claim; `intents` are ids known to be intents.

        OpError ``malformed-decision`` (D-1, D-4).
        """
        body, outcome = _claimed(op, OUTCOME_PREDICATE, _OUTCOME)
        check_outcome_sources(body["derived_from"], intents)
        return cls.of(body["subject"], outcome, body["derived_from"], body["confidence_bp"])

    @classmethod
    def of(
        cls, agent: str, outcome: Any, derived_from: Iterable[str], confidence_bp: int
    ) -> Outcome:
        """Read an outcome from the object of a claim; OpError ``malformed-decision`` (D-4)."""
        _check(_OUTCOME, outcome, "object")
        return cls(
            agent=agent,
            result=outcome["result"],
            summary=outcome["summary"],
            start=outcome["period"]["start"],
            end=outcome["period"]["end"],
            confidence_bp=confidence_bp,
            derived_from=tuple(derived_from),
            outputs=_committed(outcome["outputs"]),
            error=outcome.get("error"),
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of an outcome. ``rejected`` refutes nothing by itself."""

    agent: str
    outcome_op: str
    verdict: str
    reviewer: str
    note: str
    confidence_bp: int = field(default=10_000)

    def body(self, *, deriver: str, rationale: str) -> JsonObject:
        """Return the body of the claim; OpError ``malformed-decision`` outside the schema."""
        review: JsonObject = {
            "verdict": self.verdict,
            "reviewer": self.reviewer,
            "note": self.note,
        }
        _check(_REVIEW, review, "object")
        return claim(
            subject=self.agent,
            predicate=REVIEW_PREDICATE,
            object=review,
            confidence_bp=self.confidence_bp,
            derived_from=(self.outcome_op,),
            deriver=deriver,
            rationale=rationale,
        )

    @classmethod
    def parse(cls, op: Operation) -> Review:
        """Read a review from a claim; OpError ``malformed-decision`` (D-4)."""
        body, review = _claimed(op, REVIEW_PREDICATE, _REVIEW)
        if len(body["derived_from"]) != 1:
            _malformed("a review is of one outcome", "/body/derived_from")
        return cls(
            agent=body["subject"],
            outcome_op=body["derived_from"][0],
            verdict=review["verdict"],
            reviewer=review["reviewer"],
            note=review["note"],
            confidence_bp=body["confidence_bp"],
        )


def check_outcome_sources(derived_from: Iterable[str], intents: Iterable[str]) -> None:
    """Check that an outcome has an intent among its sources; OpError ``malformed-decision``."""
    if not set(derived_from) & set(intents):
        _malformed("an outcome derives from its intent", "/body/derived_from")


def _claimed(
    op: Operation, predicate: str, schema: Schema
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the body of a claim and its object, once it is found to be such a record."""
    body: Mapping[str, Any] = op.body
    if op.type != "claim":
        _malformed("an outcome or review is a claim", "/type")
    if body["predicate"] != predicate:
        _malformed(f"its predicate is not {predicate}", "/body/predicate")
    stated: Mapping[str, Any] = body["object"]
    _check(schema, stated, "object")
    return body, stated


def _check(schema: Schema, value: object, name: str) -> None:
    try:
        check_object(schema, value, name, "a decision record")
    except OpError as error:
        _malformed(error.reason, error.at)


def _malformed(message: str, at: str) -> NoReturn:
    raise OpError(MALFORMED, message, at=at) from None


def _as_list(committed: Iterable[Committed]) -> list[JsonValue]:
    return [{"name": each.name, "commitment": each.commitment} for each in committed]


def _committed(rows: Iterable[Mapping[str, str]]) -> tuple[Committed, ...]:
    return tuple(Committed(row["name"], row["commitment"]) for row in rows)
