"""What a caller gets back for an operation that is on disk, in the tree, under a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
