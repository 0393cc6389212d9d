"""Signed operations: evidence and claims in version 1 envelopes (profile FP/1)."""

from lodestamp.core.operations.bodies import Reference, claim, evidence
from lodestamp.core.operations.envelope import (
    Operation,
    build_op,
    derived_from,
    is_node_label,
    parse_op,
    references,
    verify_op,
    verify_ops,
)
from lodestamp.core.operations.limits import (
    CONFIDENCE_BP_MAX,
    DEPTH_MAX,
    NODE_LABEL_MAX,
    OP_SIZE_MAX,
    PREV_MAX,
    SOURCES_MAX,
)

__all__ = [
    "CONFIDENCE_BP_MAX",
    "DEPTH_MAX",
    "NODE_LABEL_MAX",
    "OP_SIZE_MAX",
    "PREV_MAX",
    "SOURCES_MAX",
    "Operation",
    "Reference",
    "build_op",
    "claim",
    "derived_from",
    "evidence",
    "is_node_label",
    "parse_op",
    "references",
    "verify_op",
    "verify_ops",
]
