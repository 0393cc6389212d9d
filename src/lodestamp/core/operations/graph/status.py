"""What the graph says of an operation: a status, a change of it, the reason for it.

======= ================ ======================================================================
byte    name             meaning
======= ================ ======================================================================
0       `VALID`          nothing speaks against it
1       `REFUTED`        an effective refutation targets it (S12)
2       `SOURCE_INVALID` something it rests on is invalid (S11); an attestation: was, at birth (S25)
3       `UNAUTHORISED`   its author had no right to it
4       `INEFFECTIVE`    a refutation that is refuted, or that its author had no right to (S13, S14)
5       `REVOKED`        a grant, one of whose links an effective revocation names
6       `STALE`          an attestation whose claim became invalid later (S26)
======= ================ ======================================================================

Where several hold, the lowest layer is told: 3, 1, 2, 5, 4, 6 (operations spec §7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """The status byte of an operation, as the state digest holds it."""

    VALID = 0
    REFUTED = 1
    SOURCE_INVALID = 2
    UNAUTHORISED = 3
    INEFFECTIVE = 4
    REVOKED = 5
    STALE = 6

    @property
    def word(self) -> str:
        """The status as people and JSON read it: ``source-invalid`` for `SOURCE_INVALID`."""
        return self.name.lower().replace("_", "-")


KINDS: Final = (
    "evidence", "claim", "refutation", "grant", "revocation", "attestation", "receipt", "key",
    "notice", "confirm",
)  # fmt: skip
"""The types of operations; the graph keeps each as its place in this row."""

EVIDENCE: Final = 0
CLAIM: Final = 1
REFUTATION: Final = 2
GRANT: Final = 3
REVOCATION: Final = 4
ATTESTATION: Final = 5
RECEIPT: Final = 6
KEY: Final = 7
NOTICE: Final = 8
CONFIRM: Final = 9


@dataclass(frozen=True, slots=True)
class Change:
    """One operation whose status changed; `before` is None for the operation that was added."""

    op_id: str
    before: Status | None
    after: Status


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Everything that one step changed, column by column: a million changes are no objects.

    `indices` are leaf indices, ascending; the status bytes stand in the same order. `added` is the
    leaf that the step added, or None; it stands among the indices, with `before` 0.
    """

    indices: memoryview
    before: bytes
    after: bytes
    added: int | None
    name: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Change]:
        for index, before, after in zip(self.indices, self.before, self.after, strict=True):
            old = None if index == self.added else Status(before)
            yield Change(self.name(index), old, Status(after))


@dataclass(frozen=True, slots=True)
class Lack:
    """An operation without authority, and why, as a code of `CapError` or one of these.

    ``no-authority`` neither a root nor under a capability · ``equivocation`` (S7) ·
    ``may-not-refute`` (S14) · ``may-not-revoke`` (S24) · ``key-event`` (K8) ·
    ``bad-receipt`` (S29) · ``bad-attestation`` (S25)
    """

    op_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why an operation has its status (S19).

    `causes` are the ids of every effective refutation (for a grant: revocation) that must fall for
    it to be valid, ascending in the log; `missing_authority` the same for what lacks authority.
    `path` holds, for each cause and then for each lack, the ids from the operation down to the one
    that is refuted or unauthorised. A healthy operation has none of these but its authority chain
    (the grants it rests on, the root's first) and its sources.
    """

    status: Status
    causes: tuple[str, ...]
    path: tuple[tuple[str, ...], ...]
    missing_authority: tuple[Lack, ...]
    authority: tuple[str, ...]
    sources: tuple[str, ...]
