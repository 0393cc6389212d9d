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
from lodestamp.node.scanner.writing import fee_rate_of, party_of, psbts_of, send_plan, sign_plan

__all__ = [
    "BlockRow",
    "Counts",
    "Evidence",
    "MemoryStore",
    "OperationsStore",
    "Reorg",
    "SqlStore",
    "audit_ownership",
    "fee_rate_of",
    "party_of",
    "psbts_of",
    "send_plan",
    "sign_plan",
]
