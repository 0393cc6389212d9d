"""What a caller gets back for an operation that is on disk, in the tree, under a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lodestamp.core.encoding import Cid


class RecordStatus(StrEnum):
    """Whether this call put the operation into the log or found it there."""

    NEW = "new"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An acknowledged operation: its id, its leaf, and the size of a tree that holds it (D11)."""

    op_id: str
    log_index: int
    tree_size: int
    status: RecordStatus

    @property
    def cid(self) -> Cid:
        """The CID of the operation block; it has the digest of the op id."""
        return Cid.from_op_id(self.op_id)

    def as_json(self) -> dict[str, object]:
        """Return the object of ``--json``."""
        return {
            "op_id": self.op_id,
            "cid": str(self.cid),
            "log_index": self.log_index,
            "tree_size": self.tree_size,
            "status": str(self.status),
        }


@dataclass(frozen=True, slots=True)
class FlushLimits:
    """When the writer stops collecting and commits (operations spec N3)."""

    operations_max: int = 1_000
    wait_s_max: float = 0.250
    idle_s_max: float = 0.010


QUEUE_MAX: Final = 10_000
"""Submissions waiting for the writer; beyond that callers wait, so memory stays bounded."""
SUBMIT_MAX: Final = 10_000
"""Operations handed in at once: ten full groups, and all of them are written in one transaction."""
CLOCK_SKEW_S_MAX: Final = 120
"""Seconds an operation may be ahead of our clock: laptops without NTP (operations spec §13)."""
