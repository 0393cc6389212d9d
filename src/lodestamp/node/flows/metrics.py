"""What all flows of a store add up to, read from what happened to them (R47)."""

from __future__ import annotations

from collections.abc import Sequence

from lodestamp.core.flows import STAGES, ProcessingState
from lodestamp.node.flows.store import FlowStore, StoredFlow

_US = 1_000_000


def measure(store: FlowStore) -> dict[str, object]:
    """Return the counts and times of `flow_metrics`; seconds are floats."""
    flows = store.flows()
    finished = [each for each in flows if each.packet.is_finished]
    failed = [each for each in finished if _state(each) is ProcessingState.FAILED]
    done = [each for each in finished if _state(each) is not ProcessingState.FAILED]
    taken = [_taken(each) for each in done]
    transitions = store.transitions()
    retried = sum(1 for _, _, state, _ in transitions if state == ProcessingState.RETRY_REQUIRED)
    return {
        "total_processed": len(finished),
        "successful_flows": len(done),
        "failed_flows": len(failed),
        "average_processing_time": sum(taken) / len(taken) / _US if taken else 0.0,
        "retried": retried,
        "in_progress": len(flows) - len(finished),
        "stages": _stages(transitions),
    }


def _state(flow: StoredFlow) -> ProcessingState:
    return flow.packet.processing_state


def _taken(flow: StoredFlow) -> int:
    taken = flow.packet.verification_data.get("processing_us", 0)
    return taken if type(taken) is int else 0


def _stages(transitions: Sequence[tuple[str, str, str, int]]) -> dict[str, object]:
    """Return per stage how often it was completed, and the seconds it was in progress."""
    counts = dict.fromkeys(map(str, STAGES), 0)
    spent = dict.fromkeys(map(str, STAGES), 0)
    started: dict[str, tuple[str, int]] = {}
    for packet_id, stage, state, at in transitions:
        if packet_id in started and state != ProcessingState.IN_PROGRESS:
            was, since = started.pop(packet_id)
            spent[was] += max(0, at - since)
            counts[stage] += state == ProcessingState.COMPLETED
        elif state == ProcessingState.IN_PROGRESS and packet_id not in started:
            started[packet_id] = (stage, at)
    return {stage: {"count": counts[stage], "seconds": spent[stage] / _US} for stage in counts}
