"""The scanner: blocks in, the state of every work out, kept in a store of its own."""

from lodestamp.node.scanner.audit import audit_ownership
from lodestamp.node.scanner.stores import (
    BlockRow,
    Counts,
    Evidence,
    MemoryStore,
    OperationsStore,
    Reorg,
    SqlStore,
)

__all__ = [
    "BlockRow",
    "Counts",
    "Evidence",
    "MemoryStore",
    "OperationsStore",
    "Reorg",
    "SqlStore",
    "audit_ownership",
]
