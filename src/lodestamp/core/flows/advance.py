"""The state machine of a packet: what may happen next, and what it asks for (R39, R40, R41).

`advance` is the only way a packet changes. It looks at no clock and does nothing: it returns the
new packet and the effects that whoever runs flows has to bring about.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.flows.limits import ATTEMPTS_MAX, BACKOFF_S_MAX
from lodestamp.core.flows.moments import format_moment
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.stages import (
    NEXT_STATES,
    STAGES,
    DataFlowStage,
    ProcessingState,
    stage_after,
)
from lodestamp.errors import StageOrderError

JITTER_PERCENT_MAX: Final = 20
"""Percent by which a pause is drawn out or cut, so that many flows do not return as one (R40)."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Begin:
    """A stage is begun: the first, the one after a completed one, or one that must be retried."""

    stage: DataFlowStage


@dataclass(frozen=True, slots=True)
class Noted:
    """The stage in progress has something to keep before it goes on."""

    findings: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Finished:
    """The stage in progress is done; `findings` go into `verification_data`."""

    findings: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stumbled:
    """The stage met something that passes; `jitter_percent` is drawn by the runner, -20 to 20."""

    kind: str
    message: str
    jitter_percent: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The stage waits for blocks; that is no attempt. It looks again at `at_us`."""

    at_us: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The stage cannot be done."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A reorg dropped what an earlier, completed or present, `stage` had on the chain (R41)."""

    stage: DataFlowStage


@dataclass(frozen=True, slots=True)
class Concluded:
    """The whole flow is done: verification is complete and refutes nothing."""

    processing_us: int


Event = Begin | Noted | Finished | Stumbled | Waiting | Failed | Unsettled | Concluded


@dataclass(frozen=True, slots=True)
class RunStage:
    """Effect: do the work of this stage."""

    stage: DataFlowStage


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Effect: take the packet up again at this time, Unix microseconds."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ReleaseCoins:
    """Effect: give back the funding coins that were kept for this packet."""


Effect = RunStage | WakeAt | ReleaseCoins


@dataclass(frozen=True, slots=True)
class Transition:
    """A packet after an event, and what has to be done now."""

    packet: DataFlowPacket
    effects: tuple[Effect, ...] = ()


def advance(packet: DataFlowPacket, event: Event, now: int) -> Transition:
    """Return what an event makes of a packet at `now`, Unix microseconds.

    StageOrderError for an event that this packet, as it stands, does not allow.
    """
    if packet.is_finished:
        raise StageOrderError(f"packet {packet.packet_id} is finished")
    match event:
        case Begin():
            return _begin(packet, event, now)
        case Noted():
            _require_progress(packet)
            kept = _with(packet.verification_data, event.findings)
            return Transition(_moved(packet, now, verification_data=kept))
        case Finished():
            return _finish(packet, event, now)
        case Stumbled():
            return _stumble(packet, event, now)
        case Waiting():
            waiting = _to(packet, ProcessingState.RETRY_REQUIRED, now)
            return Transition(waiting, (WakeAt(event.at_us),))
        case Failed():
            return _fail(packet, event.kind, event.message, now)
        case Unsettled():
            return _unsettle(packet, event.stage, now)
        case Concluded():
            return _conclude(packet, event, now)


def attempts_of(packet: DataFlowPacket) -> int:
    """Return how often the present stage was tried without success."""
    attempts = packet.metadata.get("attempts", 0)
    return attempts if type(attempts) is int else 0


def pause_us(attempt: int, jitter_percent: int) -> int:
    """Return how long to wait after an attempt that failed, the first being 1 (R40).

    min(300 s, 2^attempt s), more or less by at most 20 percent.
    """
    bounded = max(-JITTER_PERCENT_MAX, min(JITTER_PERCENT_MAX, jitter_percent))
    return min(BACKOFF_S_MAX, 1 << min(attempt, 30)) * _US * (100 + bounded) // 100


def _begin(packet: DataFlowPacket, event: Begin, now: int) -> Transition:
    at, state = packet.processing_stage, packet.processing_state
    if state is ProcessingState.COMPLETED:
        due = stage_after(at)
        before = "completed"
    else:
        due = at
        before = str(state)
    if due is not event.stage or state is ProcessingState.IN_PROGRESS:
        message = f"{event.stage} cannot begin: {at} is {before}"
        raise StageOrderError(message, hint=f"next is {due}" if due else None)
    times = {**packet.timestamps, f"{event.stage}_started": format_moment(now)}
    begun = _moved(
        packet,
        now,
        processing_stage=event.stage,
        processing_state=ProcessingState.IN_PROGRESS,
        timestamps=times,
    )
    return Transition(begun, (RunStage(event.stage),))


def _finish(packet: DataFlowPacket, event: Finished, now: int) -> Transition:
    done = _to(packet, ProcessingState.COMPLETED, now)
    times = {**done.timestamps, f"{packet.processing_stage}_completed": format_moment(now)}
    metadata = {name: each for name, each in done.metadata.items() if name != "attempts"}
    return Transition(
        replace(
            done,
            timestamps=times,
            metadata=metadata,
            verification_data=_with(packet.verification_data, event.findings),
        )
    )


def _stumble(packet: DataFlowPacket, event: Stumbled, now: int) -> Transition:
    attempts = attempts_of(packet) + 1
    if attempts >= ATTEMPTS_MAX:
        message = f"given up after {attempts} attempts: {event.kind}: {event.message}"
        return _fail(packet, "retries-exhausted", message, now)
    waiting = _to(packet, ProcessingState.RETRY_REQUIRED, now)
    metadata = {**waiting.metadata, "attempts": attempts}
    wake = now + pause_us(attempts, event.jitter_percent)
    return Transition(replace(waiting, metadata=metadata), (WakeAt(wake),))


def _fail(packet: DataFlowPacket, kind: str, message: str, now: int) -> Transition:
    failed = _to(packet, ProcessingState.FAILED, now)
    error: JsonObject = {"type": kind, "message": message, "stage": str(packet.processing_stage)}
    metadata = {**failed.metadata, "error": error}
    return Transition(replace(failed, metadata=metadata), (ReleaseCoins(),))


def _unsettle(packet: DataFlowPacket, stage: DataFlowStage, now: int) -> Transition:
    here = packet.processing_stage
    if STAGES.index(stage) > STAGES.index(here):
        raise StageOrderError(f"{stage} has not been reached")
    if f"{stage}_started" not in packet.timestamps:
        raise StageOrderError(f"{stage} has not begun")
    dropped = {f"{each}_completed" for each in STAGES[STAGES.index(stage) :]}
    times = {name: each for name, each in packet.timestamps.items() if name not in dropped}
    back = _moved(
        packet,
        now,
        processing_stage=stage,
        processing_state=ProcessingState.RETRY_REQUIRED,
        timestamps=times,
    )
    return Transition(back, (WakeAt(now),))


def _conclude(packet: DataFlowPacket, event: Concluded, now: int) -> Transition:
    last = packet.processing_stage is DataFlowStage.VERIFICATION
    if not last or packet.processing_state is not ProcessingState.COMPLETED:
        at = f"{packet.processing_stage} is {packet.processing_state}"
        raise StageOrderError(f"a flow ends with verification completed; {at}")
    report = packet.verification_data.get("report")
    if not isinstance(report, dict) or report.get("verdict") == "refuted":
        raise StageOrderError("a flow does not end with a leg refuted")
    data = {**packet.verification_data, "processing_us": event.processing_us}
    times = {**packet.timestamps, "completed": format_moment(now)}
    ended = _moved(packet, now, timestamps=times, verification_data=data)
    return Transition(ended, (ReleaseCoins(),))


def _require_progress(packet: DataFlowPacket) -> None:
    if packet.processing_state is not ProcessingState.IN_PROGRESS:
        at = f"{packet.processing_stage} is {packet.processing_state}"
        raise StageOrderError(f"no stage is in progress: {at}")


def _to(packet: DataFlowPacket, state: ProcessingState, now: int) -> DataFlowPacket:
    """Move the stage in progress to a state that may follow."""
    _require_progress(packet)
    assert state in NEXT_STATES[packet.processing_state]  # noqa: S101  the table is our own
    return _moved(packet, now, processing_state=state)


def _moved(packet: DataFlowPacket, now: int, **changes: object) -> DataFlowPacket:
    """Return the packet changed; `last_updated` is set at every transition."""
    times = changes.pop("timestamps", packet.timestamps)
    assert isinstance(times, Mapping)  # noqa: S101  each caller gives a mapping
    changes["timestamps"] = {**times, "last_updated": format_moment(now)}
    return replace(packet, **changes)  # type: ignore[arg-type]  # field names of the packet


def _with(kept: JsonObject, findings: Mapping[str, JsonValue]) -> JsonObject:
    return {**kept, **deepcopy(dict(findings))}
