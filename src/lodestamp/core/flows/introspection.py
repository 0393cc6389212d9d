"""Introspection: an output that a leaf forces its spend to have (flows spec R42).

The output publishes ``PRV1`` and the digest of what was to be shown. A T3 leaf forces it by BIP-119
where that is active, else a T4 leaf by OP_CAT; a spend with any other outputs is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    OutPoint,
    Script,
    Transaction,
    TxOut,
    verify_input,
)
from lodestamp.core.covenants import ANCHOR_TAG, Covenant, Kind, build
from lodestamp.core.covenants import complete as complete_spend
from lodestamp.core.covenants import plan_spend as plan_covenant_spend
