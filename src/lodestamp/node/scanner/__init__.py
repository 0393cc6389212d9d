"""The scanner: blocks in, the state of every work out, kept in a store of its own."""

from lodestamp.node.scanner.addresses import address_of, owner_of
from lodestamp.node.scanner.audit import audit_ownership
from lodestamp.node.scanner.comparing import ListedHashes, StateHash, StateHashes, first_difference
from lodestamp.node.scanner.engine import DIVIDEND_VIEWS, StateEngine
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
from lodestamp.node.scanner.views import View, effect_document
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
    "EngineStatus",
    "Evidence",
    "ListedHashes",
    "MemoryStore",
    "OperationsStore",
    "Reorg",
    "SqlStore",
    "StateEngine",
    "StateHash",
    "StateHashes",
    "VerifyMerkle",
    "View",
    "address_of",
    "audit_ownership",
    "effect_document",
    "fee_rate_of",
    "first_difference",
    "owner_of",
    "party_of",
    "psbts_of",
    "send_plan",
    "sign_plan",
]
