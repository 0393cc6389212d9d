"""State: which operations of a log hold, and why (operations spec §7, §8)."""

from lodestamp.core.operations.graph.authority import GRANT_SKEW_S
from lodestamp.core.operations.graph.cascade import Sweep, sweep
from lodestamp.core.operations.graph.columns import (
    UNKNOWN,
    Chain,
    Columns,
    GraphSource,
    Placed,
    Position,
    Rows,
    subject_key_of,
)
from lodestamp.core.operations.graph.decided import (
    DecisionRecord,
    DecisionState,
    decision_records,
)
from lodestamp.core.operations.graph.facts import Fact
from lodestamp.core.operations.graph.graph import ProvenanceGraph
from lodestamp.core.operations.graph.note import StateNote, StatePath, state_note, state_path
from lodestamp.core.operations.graph.prov import to_prov_json
from lodestamp.core.operations.graph.report import (
    Acknowledgement,
    Purge,
    RevocationReport,
    purged_root_of,
    revocation_report,
)
from lodestamp.core.operations.graph.snapshot import decode_rows, encode_rows
from lodestamp.core.operations.graph.status import KINDS, Change, Effects, Lack, Status, Why
from lodestamp.core.operations.graph.view import MemorySource, View, in_order

__all__ = [
    "GRANT_SKEW_S",
    "KINDS",
    "UNKNOWN",
    "Acknowledgement",
    "Chain",
    "Change",
    "Columns",
    "DecisionRecord",
    "DecisionState",
    "Effects",
    "Fact",
    "GraphSource",
    "Lack",
    "MemorySource",
    "Placed",
    "Position",
    "ProvenanceGraph",
    "Purge",
    "RevocationReport",
    "Rows",
    "StateNote",
    "StatePath",
    "Status",
    "Sweep",
    "View",
    "Why",
    "decision_records",
    "decode_rows",
    "encode_rows",
    "in_order",
    "purged_root_of",
    "revocation_report",
    "state_note",
    "state_path",
    "subject_key_of",
    "sweep",
    "to_prov_json",
]
