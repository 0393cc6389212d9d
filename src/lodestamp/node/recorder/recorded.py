"""What a caller gets back for an operation it handed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lodestamp.core.encoding import Cid


class RecordStatus(StrEnum):
    """What became of an operation.

    ``new`` and ``known`` ones are in the log. A ``pending`` one waits for operations the log does
    not hold, a ``held`` one for the clock (S9); both are kept and survive a restart. ``rejected``
    is said of one that waited and was then refused.
    """

    NEW = "new"
    KNOWN = "known"
    PENDING = "pending"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An operation that is on disk: in the tree under a checkpoint (D11), or waiting to be.

    `log_index` is its leaf, None while it waits; `tree_size` is the size of a tree that holds it,
    or of the newest tree while it waits. `missing` are the ids a pending one waits for. `flags` may
    hold ``clock-behind``: it is dated more than 120 seconds before one of its parents (S9).
    """

    op_id: str
    log_index: int | None
    tree_size: int
    status: RecordStatus
    missing: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def cid(self) -> Cid:
        """The CID of the operation block; it has the digest of the op id."""
        return Cid.from_op_id(self.op_id)


@dataclass(frozen=True, slots=True)
class Equivocated:
    """An event: an author contradicted itself; the two envelopes are the proof (S7, N7)."""

    author: str
    node: str
    op_a: str
    op_b: str


@dataclass(frozen=True, slots=True)
class Released:
    """An event: an operation that waited is in the log, or was refused with `code`."""

    op_id: str
    status: RecordStatus
    log_index: int | None = None
    code: str | None = None


Event = Equivocated | Released
"""What the recorder says on its own accord, once the transaction has committed."""
