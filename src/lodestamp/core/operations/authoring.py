"""Builders of bodies: one function per operation type, each returning a checked JSON object.

What they return is for `build_op`. Each raises OpError ``bad-body`` outside the type's schema.

>>> claim(
...     subject="user", predicate="prefers.tea", object=True, confidence_bp=10_000,
...     derived_from=(), deriver="user", rationale="I said so",
... )["deriver"]
'user'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.keys import KeyEvent
from lodestamp.core.operations.bodies import BODIES_1, BODIES_2, check_body
from lodestamp.core.operations.caps import Cap


def evidence(
    *,
    source: str,
    kind: str,
    content: Mapping[str, JsonValue],
    captured_at: int,
    external_id: str | None = None,
) -> JsonObject:
    """Return the body of an evidence operation: something as it was found."""
    body: JsonObject = {
        "source": source,
        "kind": kind,
        "content": dict(content),
        "captured_at": captured_at,
    }
    if external_id is not None:
        body["external_id"] = external_id
    return _checked("evidence", body)


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
    """Return the body of a claim operation: a statement, and what it rests on."""
    body: JsonObject = {
        "subject": subject,
        "predicate": predicate,
        "object": object,
        "confidence_bp": confidence_bp,
        "derived_from": list(derived_from),
        "deriver": deriver,
        "rationale": rationale,
    }
    return _checked("claim", body)


def refutation(*, target: str, reason: str) -> JsonObject:
    """Return the body of a refutation of evidence, a claim, or another refutation."""
    return _checked("refutation", {"target": target, "reason": reason})


def grant(cap: Cap) -> JsonObject:
    """Return the body of a grant; the operation must be of the capability's own version."""
    bodies = BODIES_1 if cap.v == 1 else BODIES_2
    body: JsonObject = {"cap": dict(cap.document)}
    check_body(bodies, "grant", body)
    return body


def revocation(*, cap_id: str, reason: str) -> JsonObject:
    """Return the body of a revocation, which nothing takes back."""
    return _checked("revocation", {"cap_id": cap_id, "reason": reason})


def attestation(
    *,
    cap_id: str,
    claim_op: str,
    subject: str,
    predicate: str,
    object: JsonValue,  # noqa: A002  the field's name on the wire
    confidence_bp: int,
    provenance_commitment: str,
    attested_at: int,
) -> JsonObject:
    """Return the body of an attestation: a claim as it is shown to the holder of a capability."""
    body: JsonObject = {
        "cap_id": cap_id,
        "claim_op": claim_op,
        "subject": subject,
        "predicate": predicate,
        "object": object,
        "confidence_bp": confidence_bp,
        "provenance_commitment": provenance_commitment,
        "attested_at": attested_at,
    }
    return _checked("attestation", body)


def receipt(
    *,
    cap_id: str,
    revocation_op: str,
    purged_attestations: int,
    statement: str,
    purged_root: str | None = None,
) -> JsonObject:
    """Return the body of a receipt: the audience's word that it purged what it was shown.

    `purged_root`, in version 2 only, is the root over the digests of what was purged, ascending.
    """
    body: JsonObject = {
        "cap_id": cap_id,
        "revocation_op": revocation_op,
        "purged_attestations": purged_attestations,
        "statement": statement,
    }
    if purged_root is not None:
        body["purged_root"] = purged_root
    return _checked("receipt", body)


def key(event: KeyEvent) -> JsonObject:
    """Return the body of a key operation, which the event's own key must sign."""
    return _checked("key", {"event": event.document})


def notice(*, attestation_op: str, state: str, audience: str) -> JsonObject:
    """Return the body of a notice that an attestation became ``stale`` or was ``restored``."""
    body: JsonObject = {"attestation_op": attestation_op, "state": state, "audience": audience}
    return _checked("notice", body)


def confirm(*, author: str, node: str, keep: str, reason: str) -> JsonObject:
    """Return the body that says which branch of an author's forked chain goes on."""
    return _checked("confirm", {"author": author, "node": node, "keep": keep, "reason": reason})


def _checked(kind: str, body: JsonObject) -> JsonObject:
    check_body(BODIES_2, kind, body)
    return body
