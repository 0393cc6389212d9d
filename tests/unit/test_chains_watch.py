"""Following the best chain: what leaves, what joins, and how far back it is known (R32)."""

from __future__ import annotations

import threading

import pytest

from chains import OTHER, SCRIPT, grown
from lodestamp.errors import ReorgTooDeep
from lodestamp.node.chains import BlockRef, Connected, Disconnected, SimulatedChain, watch


@pytest.fixture
def source():
    chain = SimulatedChain(grown(105))
    yield chain
    chain.close()


def told(events, count):
    """What the next events say: minus a height that left, plus one that joined."""
    found = []
    for _ in range(count):
        event = next(events)
        if isinstance(event, Disconnected):
            found.append(-event.ref.height)
        else:
            assert isinstance(event, Connected)
            found.append(event.record.height)
    return found


def test_r32_a_consumer_that_was_away_hears_what_left_and_what_joined(source):
    since = source.tip()
    source.simulator.reorg(4)
    assert told(source.watch(since, threading.Event()), 9) == [
        -105, -104, -103, -102, 102, 103, 104, 105, 106,
    ]  # fmt: skip


def test_r32_a_chain_that_grew_shorter_tells_what_left(source):
    stop = threading.Event()
    events = source.watch(source.tip(), stop)
    source.simulator.invalidate(source.block_hash(104))
    assert told(events, 2) == [-105, -104]
    source.mine(1, OTHER)
    assert told(events, 1) == [104]
    stop.set()
    assert list(events) == []


def test_r32_it_starts_from_the_genesis_with_what_each_block_spends(source):
    events = source.watch(BlockRef(0, source.block_hash(0)), threading.Event())
    first = next(events).record
    assert (first.height, first.spent) == (1, ((),))
    assert told(events, 104) == list(range(2, 106))


def test_r32_a_change_deeper_than_288_blocks_is_too_deep(source):
    source.mine(190, SCRIPT)
    stop = threading.Event()
    events = watch(source, source.tip(), stop, poll_s=0)
    source.simulator.reorg(289)
    with pytest.raises(ReorgTooDeep):
        for _ in range(289):
            assert isinstance(next(events), Disconnected)
    again = watch(source, source.tip(), stop, poll_s=0)
    source.simulator.reorg(287)
    assert told(again, 288)[-1] == source.tip().height - 287


def test_it_ends_when_it_is_told_to_while_it_waits(source):
    stop = threading.Event()
    events = watch(source, source.tip(), stop, poll_s=60)
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    assert list(events) == []
    timer.join()
