"""What became of a capability: revoked, acknowledged, overdue (operations spec S29, S30).

A receipt is a signed statement of the audience. It says that something was deleted; it proves that
the audience said so, and nothing about what it still has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lodestamp.core.encoding import address_of_digest, is_content_address
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.operations.graph.graph import ProvenanceGraph
from lodestamp.core.operations.graph.status import Status
from lodestamp.core.operations.graph.view import View
from lodestamp.errors import UsageError

RECEIPT_DUE_S: Final = 86_400
"""How long an audience has for its receipt, unless the revocation was given another deadline."""
CAVEAT: Final = "a receipt is a signed statement, not proof of deletion"


class Purge(StrEnum):
    """How far the audience of a capability went with deleting what it was shown."""

    NOT_REVOKED = "not-revoked"
    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    OVERDUE = "overdue"
    INCOMPLETE = "incomplete"
    UNKNOWN_ATTESTATIONS = "unknown-attestations"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A valid receipt: how many attestations it says were purged, and what that comes to."""

    op_id: str
    purged: int
    status: Purge


@dataclass(frozen=True, slots=True)
class RevocationReport:
    """The state of a capability at a time. `due` is None while it is not revoked.

    `attestations` are the ids of what was shown under it, and `purged_root` the root that a receipt
    of all of them bears.
    """

    cap_id: str
    status: Purge
    revocations: tuple[str, ...]
    attestations: tuple[str, ...]
    purged_root: str
    receipts: tuple[Acknowledgement, ...]
    due: int | None
    caveat: str = CAVEAT


def revocation_report(
    view: View | ProvenanceGraph, cap_id: str, at: int, *, due_s: int = RECEIPT_DUE_S
) -> RevocationReport:
    """Report what became of a capability by `at` (Unix seconds).

    The receipt that says most decides: one that acknowledges all, else one that is incomplete, else
    one that counts what was never shown. UsageError ``bad-address`` when `cap_id` is none.
    """
    if not is_content_address(cap_id):
        raise UsageError(f"{cap_id!r:.80} is not a cap id", code="bad-address")
    graph = view.graph if isinstance(view, View) else view
    links = graph.authority.grants.chain(cap_id)
    every = {by for link in links for by in link.revocations}
    revocations = sorted(by for by in every if not graph.counters.statuses[by])
    shown = _shown(graph, cap_id, revocations)
    purged_root = purged_root_of([graph.columns.op_id(index) for index in shown])
    receipts = _receipts(graph, cap_id, len(shown), purged_root)
    asked = min((graph.columns.times[by] for by in revocations), default=None)
    due = None if asked is None else asked + due_s
    return RevocationReport(
        cap_id=cap_id,
        status=_status(due, at, [receipt.status for receipt in receipts]),
        revocations=tuple(map(graph.columns.op_id, revocations)),
        attestations=tuple(map(graph.columns.op_id, shown)),
        purged_root=purged_root,
        receipts=tuple(receipts),
        due=due,
    )


def purged_root_of(op_ids: Sequence[str]) -> str:
    """Return the root that a receipt bears: over the attestations' digests, ascending."""
    digests = sorted(bytes.fromhex(op_id.removeprefix("sha256:")) for op_id in op_ids)
    return address_of_digest(root(leaf_hashes(digests)))


def _shown(graph: ProvenanceGraph, cap_id: str, revocations: list[int]) -> list[int]:
    """Return what the issuer attested before it knew of a revocation."""
    granted = graph.authority.grants.of(cap_id)
    issuer = granted.cap.issuer if granted.cap else None
    return [
        index
        for index in granted.attestations
        if graph.columns.chain_of(index).author == issuer
        if not any(graph.ancestry.precedes(by, index) for by in revocations)
    ]


def _receipts(
    graph: ProvenanceGraph, cap_id: str, shown: int, purged_root: str
) -> list[Acknowledgement]:
    found = []
    for index in graph.authority.grants.of(cap_id).receipts:
        op = graph.operation(index)
        if graph.counters.statuses[index] == Status.VALID and op is not None:
            body: Any = op.body
            purged, bears = body["purged_attestations"], body.get("purged_root", purged_root)
            status = Purge.INCOMPLETE if purged < shown else Purge.UNKNOWN_ATTESTATIONS
            if purged == shown and bears == purged_root:
                status = Purge.ACKNOWLEDGED
            found.append(Acknowledgement(op.op_id, purged, status))
    return sorted(found, key=lambda each: each.op_id)


def _status(due: int | None, at: int, receipts: list[Purge]) -> Purge:
    if due is None:
        return Purge.NOT_REVOKED
    for status in (Purge.ACKNOWLEDGED, Purge.INCOMPLETE, Purge.UNKNOWN_ATTESTATIONS):
        if status in receipts:
            return status
    return Purge.OVERDUE if at > due else Purge.REQUESTED
