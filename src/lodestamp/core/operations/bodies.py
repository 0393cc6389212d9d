"""The bodies of operations, as closed schemas: no field too many, none too few.

=========== ==================================================================================
evidence    `source`, `kind`, `content` (object), `captured_at`, `external_id` (optional)
claim       `subject`, `predicate`, `object` (any value), `confidence_bp` 0 to 10,000,
            `derived_from` (unique ids), `deriver`, `rationale`
refutation  `target`, `reason`
grant       `cap`: a capability of the envelope's own version (`caps`)
revocation  `cap_id`, `reason`
attestation `cap_id`, `claim_op`, `subject`, `predicate`, `object`, `confidence_bp`,
            `provenance_commitment`, `attested_at`
receipt     `cap_id`, `revocation_op`, `purged_attestations`, `statement`; in version 2 also
            `purged_root` (optional)
key         `event`: a key event; version 2
notice      `attestation_op`, `state` (``stale`` or ``restored``), `audience`; version 2
confirm     `author`, `node`, `keep`, `reason`; version 2
=========== ==================================================================================

Texts are not empty; times are Unix seconds, 0 to 2^53-1. A claim derived from nothing is a
person's own word and says so: `deriver` is ``user`` exactly when `derived_from` is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from lodestamp.core.keys import KeyEvent
from lodestamp.core.operations.caps import check_cap_1, check_cap_2
from lodestamp.core.operations.fields import (
    Schema,
    a_confidence,
    a_count,
    a_key_id,
    a_principal,
    a_text,
    an_address,
    an_object,
    any_value,
    check_object,
    one_of,
    refuse,
    sources,
)
from lodestamp.errors import KeyEventError

USER: Final = "user"
"""The deriver of a claim that rests on a person's own word."""


def _event(value: object, _name: str) -> None:
    try:
        KeyEvent.parse(value)
    except KeyEventError as error:
        refuse(error.reason, f"event{error.at}")


_RECEIPT: Final[Schema] = MappingProxyType(
    {
        "cap_id": (an_address, True),
        "revocation_op": (an_address, True),
        "purged_attestations": (a_count, True),
        "statement": (a_text, True),
    }
)
_COMMON: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "evidence": MappingProxyType(
            {
                "source": (a_text, True),
                "kind": (a_text, True),
                "content": (an_object, True),
                "captured_at": (a_count, True),
                "external_id": (a_text, False),
            }
        ),
        "claim": MappingProxyType(
            {
                "subject": (a_text, True),
                "predicate": (a_text, True),
                "object": (any_value, True),
                "confidence_bp": (a_confidence, True),
                "derived_from": (sources, True),
                "deriver": (a_text, True),
                "rationale": (a_text, True),
            }
        ),
        "refutation": MappingProxyType({"target": (an_address, True), "reason": (a_text, True)}),
        "revocation": MappingProxyType({"cap_id": (an_address, True), "reason": (a_text, True)}),
        "attestation": MappingProxyType(
            {
                "cap_id": (an_address, True),
                "claim_op": (an_address, True),
                "subject": (a_text, True),
                "predicate": (a_text, True),
                "object": (any_value, True),
                "confidence_bp": (a_confidence, True),
                "provenance_commitment": (an_address, True),
                "attested_at": (a_count, True),
            }
        ),
    }
)

BODIES_1: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        **_COMMON,
        "grant": MappingProxyType({"cap": (check_cap_1, True)}),
        "receipt": _RECEIPT,
    }
)
"""The seven types of version 1 (profile FP/1), and the fields of each."""

BODIES_2: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        **_COMMON,
        "grant": MappingProxyType({"cap": (check_cap_2, True)}),
        "receipt": MappingProxyType({**_RECEIPT, "purged_root": (an_address, False)}),
        "key": MappingProxyType({"event": (_event, True)}),
        "notice": MappingProxyType(
            {
                "attestation_op": (an_address, True),
                "state": (one_of("stale", "restored"), True),
                "audience": (a_principal, True),
            }
        ),
        "confirm": MappingProxyType(
            {
                "author": (a_key_id, True),
                "node": (a_text, True),
                "keep": (an_address, True),
                "reason": (a_text, True),
            }
        ),
    }
)
"""The ten types of version 2, and the fields of each."""

_OF_KIND: Final = MappingProxyType({kind: f"a body of {kind}" for kind in BODIES_2})


def check_body(bodies: Mapping[str, Schema], kind: str, body: Any) -> None:
    """Check `body` against the schema of operation type `kind`, which must be in `bodies`.

    OpError ``bad-body`` with a JSON pointer into the envelope.
    """
    check_object(bodies[kind], body, "", _OF_KIND[kind])
    if kind == "claim" and (body["deriver"] == USER) != (not body["derived_from"]):
        refuse("deriver is 'user' exactly when derived_from is empty", "deriver")
