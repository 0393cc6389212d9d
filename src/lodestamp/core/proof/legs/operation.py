"""The ``operation`` leg: the subject and everything it discloses are signed operations.

Each is parsed from its canonical bytes, its id recomputed, its signature verified under its
author's key. Disclosed operations ascend by op id, each once, and each is reached from the subject
by ``derived_from`` through disclosed operations: nobody can attach a stranger's operation.

Only the subject's author is held against the trust file: by key id, by a DID for which the carried
key operations say that this key is in force, or by a capability whose chain begins at a pinned root
(`vouched_for`). The subject names its sources by their digest, so whoever signed it vouches for
exactly these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import orjson

from lodestamp.core.operations import Operation, derived_from, parse_op, verify_op
from lodestamp.core.proof.key_history import KeyHistory
from lodestamp.core.proof.model import Subject
from lodestamp.core.proof.trust import Trust, Unpinned
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import LodestampError

NAME: Final = "operation"
SELF_ASSERTED: Final = "self-asserted key"
PINNED: Final = "pinned key"
PINNED_DID: Final = "key of a pinned identity, by the events carried"
GRANTED: Final = "key granted by a pinned root"
_REASONS: Final = MappingProxyType(
    {"op-id-mismatch": "id_mismatch", "bad-signature": "bad_signature"}
)
KEY_UNKNOWN: Final = "authority.key_unknown"
"""An author whose id only names its key, which the proof does not carry (operations spec K11)."""


@dataclass(frozen=True, slots=True)
class OperationFinding:
    """The leg, and the operations that later legs rest on; `operation` is None if unreadable."""

    leg: Leg
    operation: Operation | None = None
    disclosed: tuple[Operation, ...] = ()


def check_operation(
    section: Subject, trust: Trust | None, history: KeyHistory | None = None
) -> OperationFinding:
    """Check the subject, then the disclosed operations in their order.

    `history` has the keys that ids only name. An operation whose author's key is not at hand leaves
    the leg unknown, unless another defect refutes it.
    """
    operation: Operation | None = None
    disclosed: list[Operation] = []
    keys = history.keys if history else None
    unknown: Leg | None = None
    wires = (section.operation, *section.disclosed)
    for at, wire in zip(_places(len(section.disclosed)), wires, strict=True):
        try:
            # The file was canonical and its members keep their order, so plain dumping gives back
            # the very bytes that stood in it; parse_op sees to the rest.
            checked = parse_op(orjson.dumps(wire))
            if operation is None:
                operation = checked
            else:
                disclosed.append(checked)
            verify_op(checked, keys)
        except LodestampError as error:
            if error.code != "key-unknown":
                return OperationFinding(_refuted(error, at), operation)
            unknown = unknown or Leg(
                NAME, Status.UNKNOWN, KEY_UNKNOWN, detail=f"{error.message}, in {at}"
            )
    if operation is None:
        raise AssertionError("the first wire object is the subject")
    if refused := _disorder(operation, disclosed):
        return OperationFinding(Leg.refuted(NAME, "schema", refused), operation)
    leg = unknown or _weigh(operation, trust, history)
    return OperationFinding(leg, operation, tuple(disclosed))


def vouched_for(leg: Leg) -> Leg:
    """Return the leg of an author whom nothing pins but a chain from a pinned root."""
    if leg.code != f"{NAME}.key_not_pinned":
        return leg
    return Leg(NAME, Status.ESTABLISHED, basis=GRANTED, facts=leg.facts)


def _places(count: int) -> Iterable[str]:
    return ("/subject/operation", *(f"/subject/disclosed/{index}" for index in range(count)))


def _refuted(error: LodestampError, at: str) -> Leg:
    reason = _REASONS.get(error.code, "schema")
    return Leg.refuted(NAME, reason, f"{error.message}, in {at}")


def _disorder(operation: Operation, disclosed: list[Operation]) -> str | None:
    """Return what is wrong with the disclosed operations as a set, or None."""
    ids = [source.op_id for source in disclosed]
    if any(first >= second for first, second in pairwise(ids)):
        return "disclosed operations ascend by op id, each once"
    unreached = dict(zip(ids, disclosed, strict=True))
    stack = [operation]
    while stack:
        sources = derived_from(stack.pop())
        stack += [unreached.pop(op_id) for op_id in sources if op_id in unreached]
    if unreached:
        return f"{min(unreached)} is disclosed, but the subject does not derive from it"
    return None


def _weigh(operation: Operation, trust: Trust | None, history: KeyHistory | None) -> Leg:
    """Say what the leg rests on: the trust file's word for the author, or the author's own."""
    facts = _facts(operation)
    dids = history.dids_of(operation.author) if history else []
    for name in (operation.author, *dids):
        pin = trust.author(name) if trust else None
        if pin is None:
            continue
        if pin.label is not None:
            facts["label"] = pin.label
        if name != operation.author:
            facts["did"] = name
        basis = PINNED if name == operation.author else PINNED_DID
        return Leg(NAME, Status.ESTABLISHED, basis=basis, facts=facts)
    if trust and trust.unpinned is Unpinned.UNKNOWN:
        detail = f"the trust file does not list the author {operation.author}"
        return Leg(NAME, Status.UNKNOWN, f"{NAME}.key_not_pinned", detail=detail, facts=facts)
    return Leg(NAME, Status.ESTABLISHED, basis=SELF_ASSERTED, facts=facts)


def _facts(operation: Operation) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "op_id": operation.op_id,
        "cid": str(operation.cid),
        "type": operation.type,
        "author": operation.author,
        "ts": operation.ts,
        "node": operation.node,
    }
    body = operation.body
    stated = {
        "claim": (("subject", "subject"), ("predicate", "predicate"), ("statement", "object")),
        "evidence": (("kind", "kind"), ("source", "source")),
    }
    for fact, member in stated.get(operation.type, ()):
        if isinstance(text := body[member], str):
            facts[fact] = text
    return facts
