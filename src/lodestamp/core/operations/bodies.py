"""The bodies of operations, as closed schemas: no field too many, none too few.

======== ==============================================================================
evidence `source`, `kind`, `content` (object), `captured_at`, `external_id` (optional)
claim    `subject`, `predicate`, `object` (any value), `confidence_bp` 0 to 10,000,
         `derived_from` (unique ids), `deriver`, `rationale`
======== ==============================================================================

Texts are not empty; times are Unix seconds, 0 to 2^53-1. A claim derived from nothing is a
person's own word and says so: `deriver` is ``user`` exactly when `derived_from` is empty.

>>> claim(
...     subject="user", predicate="prefers.tea", object=True, confidence_bp=10_000,
...     derived_from=(), deriver="user", rationale="I said so",
... )["deriver"]
'user'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from lodestamp.core.encoding import INT_MAX, JsonObject, JsonValue, is_content_address, json_pointer
from lodestamp.core.operations.limits import CONFIDENCE_BP_MAX, SOURCES_MAX
from lodestamp.errors import OpError

USER: Final = "user"
"""The deriver of a claim that rests on a person's own word."""
SOURCE_TYPES: Final = frozenset({"evidence", "claim"})
"""What a claim may be derived from (operations spec S18)."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An operation that a body names, the types it must have, and the pointer to where."""

    op_id: str
    types: frozenset[str]
    at: str


def evidence(
    *,
    source: str,
    kind: str,
    content: Mapping[str, JsonValue],
    captured_at: int,
    external_id: str | None = None,
) -> JsonObject:
    """Return the body of an evidence operation; OpError ``bad-body`` outside its schema."""
    body: JsonObject = {
        "source": source,
        "kind": kind,
        "content": dict(content),
        "captured_at": captured_at,
    }
    if external_id is not None:
        body["external_id"] = external_id
    check_body("evidence", body)
    return body


def claim(
    *,
    subject: str,
    predicate: str,
    object: JsonValue,  # noqa: A002  the field's name on the wire
    confidence_bp: int,
    derived_from: Iterable[str],
    deriver: str,
    rationale: str,
) -> JsonObject:
    """Return the body of a claim operation; OpError ``bad-body`` outside its schema."""
    body: JsonObject = {
        "subject": subject,
        "predicate": predicate,
        "object": object,
        "confidence_bp": confidence_bp,
        "derived_from": list(derived_from),
        "deriver": deriver,
        "rationale": rationale,
    }
    check_body("claim", body)
    return body


def check_body(kind: str, body: object) -> None:
    """Check `body` against the schema of operation type `kind`, which must be in `BODIES`.

    OpError ``bad-body`` with a JSON pointer into the envelope.
    """
    if type(body) is not dict:
        raise _bad_body("the body is not an object", "/body")
    schema = BODIES[kind]
    for name, (check, required) in schema.items():
        if name in body:
            check(body[name], name)
        elif required:
            raise _bad_body("a field is missing", f"/body/{name}")
    if not body.keys() <= schema.keys():
        name = min(body.keys() - schema.keys())
        raise _bad_body(f"a body of {kind} has no such field", json_pointer("body", name))
    if kind == "claim" and (body["deriver"] == USER) != (not body["derived_from"]):
        raise _bad_body("deriver is 'user' exactly when derived_from is empty", "/body/deriver")


def _bad_body(message: str, at: str) -> OpError:
    return OpError("bad-body", message, at=at)


def _text(value: object, name: str) -> None:
    if type(value) is not str or not value:
        raise _bad_body("not a text, or an empty one", f"/body/{name}")


def _object(value: object, name: str) -> None:
    if type(value) is not dict:
        raise _bad_body("not an object", f"/body/{name}")


def _any(_value: object, _name: str) -> None:
    """Accept every value: whatever parsed is inside the value space already."""


def _seconds(value: object, name: str) -> None:
    if type(value) is not int or not 0 <= value <= INT_MAX:
        raise _bad_body("not an integer from 0 to 2^53-1", f"/body/{name}")


def _confidence(value: object, name: str) -> None:
    if type(value) is not int or not 0 <= value <= CONFIDENCE_BP_MAX:
        raise _bad_body("not an integer from 0 to 10,000", f"/body/{name}")


def _sources(value: object, name: str) -> None:
    if type(value) is not list:
        raise _bad_body("not an array", f"/body/{name}")
    if len(value) > SOURCES_MAX:
        raise _bad_body(f"{len(value):,} sources, more than {SOURCES_MAX:,}", f"/body/{name}")
    seen: set[str] = set()
    for index, source in enumerate(value):
        if not is_content_address(source):
            raise _bad_body("not an operation id", f"/body/{name}/{index}")
        if source in seen:
            raise _bad_body("the same source twice", f"/body/{name}/{index}")
        seen.add(source)


_Schema = Mapping[str, tuple[Callable[[Any, str], None], bool]]

BODIES: Final[Mapping[str, _Schema]] = MappingProxyType(
    {
        "evidence": MappingProxyType(
            {
                "source": (_text, True),
                "kind": (_text, True),
                "content": (_object, True),
                "captured_at": (_seconds, True),
                "external_id": (_text, False),
            }
        ),
        "claim": MappingProxyType(
            {
                "subject": (_text, True),
                "predicate": (_text, True),
                "object": (_any, True),
                "confidence_bp": (_confidence, True),
                "derived_from": (_sources, True),
                "deriver": (_text, True),
                "rationale": (_text, True),
            }
        ),
    }
)
"""Each operation type's fields: how one is checked, and whether it must be there."""
