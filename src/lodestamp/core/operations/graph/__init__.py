"""State: which operations of a log hold, and why (operations spec §7, §8)."""

from lodestamp.core.operations.graph.cascade import Sweep, sweep
from lodestamp.core.operations.graph.columns import (
    Chain,
    Columns,
    GraphSource,
    Placed,
    Position,
    Rows,
    subject_key,
)
from lodestamp.core.operations.graph.facts import Fact
from lodestamp.core.operations.graph.graph import ProvenanceGraph
from lodestamp.core.operations.graph.snapshot import decode_rows, encode_rows
from lodestamp.core.operations.graph.status import KINDS, Change, Effects, Lack, Status, Why
from lodestamp.core.operations.graph.view import MemorySource, View, in_order

__all__ = [
    "KINDS",
    "Chain",
    "Change",
    "Columns",
    "Effects",
    "Fact",
    "GraphSource",
    "Lack",
    "MemorySource",
    "Placed",
    "Position",
    "ProvenanceGraph",
    "Rows",
    "Status",
    "Sweep",
    "View",
    "Why",
    "decode_rows",
    "encode_rows",
    "in_order",
    "subject_key",
    "sweep",
]
