"""The state machine of flows: any order of events leaves a legal packet (R39, R40, R46)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.flows import (
    NEXT_STATES,
    STAGES,
    Begin,
    Concluded,
    DataFlowPacket,
    Failed,
    Finished,
    Noted,
    ProcessingState,
    Stumbled,
    Unsettled,
    Waiting,
    advance,
    pause_us,
    stage_after,
)
from lodestamp.errors import StageOrderError

STAGE = st.sampled_from(STAGES)
REPORTS = st.sampled_from(
    [{}, {"report": {"verdict": "established"}}, {"report": {"verdict": "refuted"}}]
)
EVENTS = st.one_of(
    st.builds(Begin, STAGE),
    st.builds(Noted, st.just({"noted": 1})),
    st.builds(Finished, REPORTS),
    st.builds(Stumbled, st.just("ChainUnavailable"), st.just("away"), st.integers(-20, 20)),
    st.builds(Waiting, st.integers(0, 10**15)),
    st.builds(Failed, st.just("FlowError"), st.just("no")),
    st.builds(Unsettled, STAGE),
    st.builds(Concluded, st.integers(0, 10**9)),
)


def is_due(packet):
    """The one event that carries a flow on, so that walks reach deep stages."""
    if packet.processing_state is ProcessingState.IN_PROGRESS:
        return Finished({"report": {"verdict": "established"}})
    if packet.processing_state is ProcessingState.COMPLETED:
        after = stage_after(packet.processing_stage)
        return Concluded(1) if after is None else Begin(after)
    return Begin(packet.processing_stage)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.none(), EVENTS), max_size=40))
def test_any_order_of_events_leaves_a_legal_packet(events):
    packet = DataFlowPacket(
        "0" * 32, b"x", {}, timestamps={"created": "1970-01-01T00:00:00.000000Z"}
    )
    for now, drawn in enumerate(events, start=1):
        before = packet
        event = drawn or (Begin(STAGES[0]) if packet.is_finished else is_due(packet))
        try:
            packet = advance(packet, event, now).packet
        except StageOrderError:
            assert packet is before
            continue
        assert not before.is_finished
        assert packet.timestamps["last_updated"].endswith(f"{now:06}Z")
        assert DataFlowPacket.from_dict(packet.to_dict()) == packet
        at = STAGES.index(packet.processing_stage)
        done = [f"{stage}_completed" in packet.timestamps for stage in STAGES]
        assert all(done[:at])
        assert not any(done[at + 1 :])
        assert done[at] is (packet.processing_state is ProcessingState.COMPLETED)
        if packet.processing_stage is before.processing_stage and not isinstance(event, Unsettled):
            same = packet.processing_state is before.processing_state
            assert same or packet.processing_state in NEXT_STATES[before.processing_state]
        if "completed" in packet.timestamps:
            assert packet.verification_data["report"]["verdict"] != "refuted"
            assert all(done)
        if packet.processing_state is ProcessingState.FAILED:
            assert set(packet.metadata["error"]) == {"type", "message", "stage"}


@given(st.integers(1, 60), st.integers(-100, 100))
def test_r40_pauses_double_up_to_five_minutes_give_or_take_a_fifth(attempt, jitter):
    pause = pause_us(attempt, jitter)
    plain = min(300, 2**attempt) * 1_000_000
    assert 0.8 * plain <= pause <= 1.2 * plain
