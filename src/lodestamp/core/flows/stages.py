"""The seven stages of a data flow and the states each passes through (flows spec R39, R40)."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class DataFlowStage(StrEnum):
    """What is done to a packet, in this order."""

    CONTENT_INGESTION = "content_ingestion"
    OP_CAT_PROCESSING = "op_cat_processing"
    HASH_GENERATION = "hash_generation"
    IPFS_ADDRESSING = "ipfs_addressing"
    BITCOIN_BINDING = "bitcoin_binding"
    VALIDATION = "validation"
    VERIFICATION = "verification"


class ProcessingState(StrEnum):
    """Where the current stage stands."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    RETRY_REQUIRED = "retry_required"


STAGES: Final = tuple(DataFlowStage)
"""Every stage, the first one first."""

NEXT_STATES: Final = MappingProxyType(
    {
        ProcessingState.PENDING: frozenset({ProcessingState.IN_PROGRESS}),
        ProcessingState.IN_PROGRESS: frozenset(
            {ProcessingState.COMPLETED, ProcessingState.FAILED, ProcessingState.RETRY_REQUIRED}
        ),
        ProcessingState.COMPLETED: frozenset({ProcessingState.RETRY_REQUIRED}),
        ProcessingState.FAILED: frozenset[ProcessingState](),
        ProcessingState.RETRY_REQUIRED: frozenset({ProcessingState.IN_PROGRESS}),
    }
)
"""Which state of a stage may follow which (R40); from COMPLETED back only by a reorg (R41)."""


def stage_after(stage: DataFlowStage) -> DataFlowStage | None:
    """Return the stage that follows, None after the last."""
    place = STAGES.index(stage) + 1
    return STAGES[place] if place < len(STAGES) else None
