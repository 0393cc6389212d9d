"""The scanner: blocks in, the state of every work out, kept in a store of its own."""

from lodestamp.node.scanner.addresses import address_of, owner_of
from lodestamp.node.scanner.asking import DIVIDEND_VIEWS
from lodestamp.node.scanner.audit import audit_ownership
from lodestamp.node.scanner.comparing import ListedHashes, StateHash, StateHashes, first_difference
from lodestamp.node.scanner.engine import StateEngine
from lodestamp.node.scanner.filing import FileDigests, read_digests, registration_of
from lodestamp.node.scanner.proving import verify_with_scan
from lodestamp.node.scanner.reading import VerifyMerkle
from lodestamp.node.scanner.scanning import REORG_DEPTH_MAX
from lodestamp.node.scanner.stores import (
    BlockRow,
    Counts,
    Evidence,
    MemoryStore,
    OperationsStore,
    Reorg,
    SqlStore,
)
from lodestamp.node.scanner.values import Callbacks, Comparison, EngineStatus
from lodestamp.node.scanner.views import View, answered, effect_document, percent
from lodestamp.node.scanner.writer import Draft, OwnershipWriter, Payer
from lodestamp.node.scanner.writing import (
    fee_rate_of,
    party_of,
    psbts_of,
    send_plan,
    sign_plan,
)

__all__ = [
    "DIVIDEND_VIEWS",
    "REORG_DEPTH_MAX",
    "BlockRow",
    "Callbacks",
    "Comparison",
    "Counts",
    "Draft",
    "EngineStatus",
    "Evidence",
    "FileDigests",
    "ListedHashes",
    "MemoryStore",
    "OperationsStore",
    "OwnershipWriter",
    "Payer",
    "Reorg",
    "SqlStore",
    "StateEngine",
    "StateHash",
    "StateHashes",
    "VerifyMerkle",
    "View",
    "address_of",
    "answered",
    "audit_ownership",
    "effect_document",
    "fee_rate_of",
    "first_difference",
    "owner_of",
    "party_of",
    "percent",
    "psbts_of",
    "read_digests",
    "registration_of",
    "send_plan",
    "sign_plan",
    "verify_with_scan",
]
