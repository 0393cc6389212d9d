"""Whatever the chain does, every commitment ends in exactly one live cycle (R62, R63)."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring import make_world
from chains import OTHER
from lodestamp.core.bitcoin import Transaction
from lodestamp.errors import ChainRejected

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 3)),
        st.tuples(st.just("mine"), st.integers(1, 4)),
        st.tuples(st.just("empty"), st.integers(1, 3)),
        st.tuples(st.just("version"), st.integers(0, 9)),
        st.tuples(st.just("reorg"), st.integers(1, 9)),
        st.tuples(st.just("cut"), st.integers(1, 9)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("sleep"), st.integers(1, 3)),
    ),
    min_size=4,
    max_size=25,
)


class Story:
    """One run of steps over a world."""

    def __init__(self, world):
        self.world = world
        self.count = 0
        self.asleep = 0

    def step(self, name, number):
        """Do one step, and let the anchorer look unless it sleeps."""
        getattr(self, name)(number)
        if self.asleep:
            self.asleep -= 1
        else:
            self.world.anchorer.poll()
            self.check()

    def commit(self, number):
        for _ in range(number):
            self.count += 1
            self.world.wait_for(self.count)

    def mine(self, number):
        self.world.source.mine(number, OTHER)

    def empty(self, number):
        for _ in range(number):
            self.world.source.mine_with([], OTHER)

    def version(self, number):
        """A miner takes some version, not the one that pays most."""
        versions = self.world.versions()
        if versions:
            chosen = Transaction.decode(versions[number % len(versions)].raw)
            with contextlib.suppress(ChainRejected):  # it may be mined or spent already
                self.world.source.mine_with([chosen], OTHER)

    def reorg(self, number):
        self.world.simulator.reorg(number)

    def cut(self, number):
        """The chain gets shorter for a while."""
        self.world.simulator.reorg(number, 0)

    def restart(self, _):
        self.world.restart()

    def sleep(self, number):
        self.asleep = number

    def check(self):
        """Each commitment waits, or is in one cycle that is not lost; each coin is spent once."""
        states = {row.id: row.state for row in self.world.cycles()}
        places = [(row.cycle, row.leaf) for row in self.world.commitments() if row.cycle]
        assert len(set(places)) == len(places)
        assert all(states[cycle] != "lost" for cycle, _ in places)
        for cycle in {cycle for cycle, _ in places}:
            leaves = sorted(leaf for number, leaf in places if number == cycle)
            assert leaves == list(range(len(leaves)))


@pytest.mark.slow
@settings(max_examples=20)
@given(STEPS)
def test_r63_every_commitment_ends_in_exactly_one_live_cycle(steps):
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), coins=2)
        world.anchorer.poll()
        story = Story(world)
        for name, number in steps:
            story.step(name, number)
        world.anchorer.poll()
        world.mine(max(24, 130 - world.source.tip().height))  # cuts may make coins immature again
        world.assert_final(*range(1, story.count + 1))
        assert set(world.states()) <= {"final", "lost"}
        story.check()
        world.database.close()
        world.source.close()
