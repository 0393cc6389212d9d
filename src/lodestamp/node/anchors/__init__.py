"""What makes a log more than its owner's word: witnesses, calendars, and anchors in Bitcoin."""

from lodestamp.node.anchors.witness import (
    TRAIL_SIZE_MAX,
    Answered,
    Followed,
    LogForked,
    Monitor,
    RemoteLog,
    Submitted,
    Trail,
    WitnessAhead,
    WitnessClient,
    WitnessEvent,
    WitnessService,
    audit_witnesses,
    cosigned_note,
    origin_of,
    seen_by,
)

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
    "origin_of",
    "seen_by",
]
