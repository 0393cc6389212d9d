"""What the documents alone say of an operation: scope, window, and what an attestation repeats.

A capability's id is the address of its document, so these answers never change once every document
of the chain is known. Who speaks for whom, and what was revoked, is for `authority`.
"""

from __future__ import annotations

from typing import Any, Final

from lodestamp.core.encoding import canonical_json
from lodestamp.core.operations.attenuation import asked_of, check, needed_commands
from lodestamp.core.operations.caps import Cap
from lodestamp.core.operations.commands import READ_CLAIMS
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.columns import Columns, Read
from lodestamp.core.operations.graph.grants import Grants
from lodestamp.core.operations.graph.status import REFUTATION
from lodestamp.core.operations.reference import derived_from

FAULTS: Final = (
    "", "bad-cap", "chain-broken", "chain-too-long", "bad-issuer", "not-attenuated",
    "not-yet-valid", "expired", "out-of-scope", "bad-attestation", "source-invalid",
)  # fmt: skip
"""What may be found, in the order of their numbers in columns and tables: only ever added to."""

Asked = tuple[str | None, int | None, str | None]
"""What a command concerns: predicate, confidence in basis points, resource."""


def scope_fault(index: int, columns: Columns, grants: Grants, read: Read) -> tuple[str, bool]:
    """Return what the capability acted under lacks for an operation, and whether that is final."""
    op = read(index)
    if op is None:
        return "purged", False
    assert op.cap is not None  # noqa: S101  asked for what acts under a capability only
    chain, fault = _chain(op.cap, grants)
    if fault:
        return fault, False
    asked = _asked(index, op, columns, read)
    if asked is None:
        return "purged", False
    codes = [_allows(chain, command, asked, op.ts) for command in needed_commands(op)]
    return ("" if "" in codes else (codes or ["out-of-scope"])[0]), True


def attested_fault(index: int, columns: Columns, grants: Grants, read: Read) -> tuple[str, bool]:
    """Return what is wrong with an attestation beside its claim and its grant (S25)."""
    op, claim = read(index), read(columns.sources_of(index)[0])
    if op is None or claim is None:
        return "purged", False
    body: Any = op.body
    chain, fault = _chain(body["cap_id"], grants)
    if fault:
        return fault, False
    same = all(body[name] == claim.body[name] for name in ("subject", "predicate"))
    same &= canonical_json(body["object"]) == canonical_json(claim.body["object"])
    claimed: Any = claim.body["confidence_bp"]
    text = canonical_json(body)
    told = any(source.encode("ascii") in text for source in derived_from(claim))
    if not same or body["confidence_bp"] > claimed or told or op.author != chain[-1].issuer:
        return "bad-attestation", True
    asked = (body["predicate"], body["confidence_bp"], body["subject"])
    return _allows(chain, READ_CLAIMS, asked, body["attested_at"]), True


def _chain(cap_id: str, grants: Grants) -> tuple[list[Cap], str]:
    """Return the documents of a chain, root first, or what is missing of it."""
    links = [link.cap for link in grants.chain(cap_id) if link.cap is not None]
    if not links or links[-1].parent is not None:
        return [], "chain-broken"
    return links[::-1], ""


def _asked(index: int, op: Operation, columns: Columns, read: Read) -> Asked | None:
    """Return what an operation concerns: for a refutation, what its target concerns (S14)."""
    subject: Operation | None = op
    while subject is not None and subject.type == "refutation":
        index = columns.sources_of(index)[0]
        if columns.kinds[index] != REFUTATION:
            subject = read(index)
            break
    return None if subject is None else asked_of(subject)


def _allows(chain: list[Cap], command: str, asked: Asked, at: int) -> str:
    decision = check(chain, command, *asked, at, speaks_for=lambda _key, _who: True)
    return decision.code
