"""What a body refers to: each operation it names, and the types it must have (S6, S15, S18)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from lodestamp.core.operations.bodies import BODIES_2
from lodestamp.core.operations.envelope import Operation

SOURCE_TYPES: Final = frozenset({"evidence", "claim"})
"""What a claim may be derived from (operations spec S18)."""
REFUTABLE_TYPES: Final = frozenset({"evidence", "claim", "refutation"})
"""What may be refuted (operations spec S15)."""
WRONG_TYPE: Final = "wrong-reference-type"
NOT_REFUTABLE: Final = "not-refutable"


@dataclass(frozen=True, slots=True)
class Reference:
    """An operation that a body names, the types it must have, and the pointer to where.

    `code` is what a log rejects with when it has another type.
    """

    op_id: str
    types: frozenset[str]
    at: str
    code: str = WRONG_TYPE


_SINGLE: Final = MappingProxyType(
    {
        "refutation": ("target", REFUTABLE_TYPES, NOT_REFUTABLE),
        "attestation": ("claim_op", frozenset({"claim"}), WRONG_TYPE),
        "receipt": ("revocation_op", frozenset({"revocation"}), WRONG_TYPE),
        "notice": ("attestation_op", frozenset({"attestation"}), WRONG_TYPE),
        "confirm": ("keep", frozenset(BODIES_2), WRONG_TYPE),
    }
)
"""The types whose body names one operation: the field, the types it must have, the refusal."""


def derived_from(op: Operation) -> tuple[str, ...]:
    """Return the ids of the operations a claim rests on; none for any other type."""
    sources: Any = op.body.get("derived_from", ()) if op.type == "claim" else ()
    return tuple(sources)


def references(op: Operation) -> tuple[Reference, ...]:
    """Return every operation the body names; each must be an ancestor of one of its types (S6).

    Capabilities are named by cap_id, not by the operation that grants them: `cap_references`.
    """
    if op.type in _SINGLE:
        field, types, code = _SINGLE[op.type]
        return (Reference(str(op.body[field]), types, f"/body/{field}", code),)
    return tuple(
        Reference(op_id, SOURCE_TYPES, f"/body/derived_from/{index}")
        for index, op_id in enumerate(derived_from(op))
    )


def cap_references(op: Operation) -> tuple[str, ...]:
    """Return the ids of the capabilities whose grants must be ancestors (S6).

    That under which the author acts, and that under which an attestation is given. A revocation is
    not among them: it counts once its capability is known (S24).
    """
    attested = (str(op.body["cap_id"]),) if op.type == "attestation" else ()
    acting = (op.cap,) if op.cap is not None else ()
    return tuple(dict.fromkeys(acting + attested))
