"""Witnesses: being one for other logs, asking them for our own, and following logs from outside."""

from lodestamp.node.anchors.witness.audit import audit_witnesses
from lodestamp.node.anchors.witness.client import Submitted, WitnessClient
from lodestamp.node.anchors.witness.cosignatures import cosigned_note, cosigner_keys
from lodestamp.node.anchors.witness.events import LogForked, WitnessAhead, WitnessEvent
from lodestamp.node.anchors.witness.monitor import (
    TRAIL_SIZE_MAX,
    Followed,
    Monitor,
    Trail,
    origin_of,
)
from lodestamp.node.anchors.witness.remote_log import RemoteLog, seen_by
from lodestamp.node.anchors.witness.service import Answered, WitnessService

__all__ = [
    "TRAIL_SIZE_MAX",
    "Answered",
    "Followed",
    "LogForked",
    "Monitor",
    "RemoteLog",
    "Submitted",
    "Trail",
    "WitnessAhead",
    "WitnessClient",
    "WitnessEvent",
    "WitnessService",
    "audit_witnesses",
    "cosigned_note",
    "cosigner_keys",
    "origin_of",
    "seen_by",
]
