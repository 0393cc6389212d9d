"""Positions are added by runs and never changed (N7)."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import MemorySource, Placed, Position, ProvenanceGraph
from lodestamp.core.operations.graph.positions import Positions
from lodestamp.errors import UsageError
from stories import Story


def at(height, leaf=0):
    return Position(height, 0, leaf, height * 1_000)


def test_a_run_gives_each_operation_the_next_leaf():
    positions = Positions()
    assert positions.add(Placed(3, 4, at(1, 3))) == [range(3, 7)]
    assert [positions.of(index) for index in (2, 3, 6, 7)] == [None, at(1, 3), at(1, 6), None]


def test_what_has_a_position_keeps_it():
    positions = Positions()
    positions.add(Placed(3, 2, at(1, 3)))
    positions.add(Placed(8, 1, at(2, 8)))
    assert positions.add(Placed(0, 10, at(3))) == [range(3), range(5, 8), range(9, 10)]
    heights = [positions.of(index).height for index in range(10)]
    assert heights == [3, 3, 3, 1, 1, 3, 3, 3, 2, 3]
    assert positions.add(Placed(0, 10, at(4))) == []
    assert positions.of(9) == at(3, 9)


def test_before_needs_both():
    positions = Positions()
    positions.add(Placed(0, 2, at(5)))
    positions.add(Placed(3, 1, at(4)))
    assert positions.before(0, 1)
    assert positions.before(3, 0)
    assert not positions.before(0, 2)
    assert not positions.before(1, 1)


@pytest.mark.parametrize(("first", "length"), [(0, 2), (1, 1), (-1, 1), (0, -1)])
def test_a_graph_places_only_what_it_has(first, length):
    story = Story()
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    graph.add(story.seen())
    with pytest.raises(UsageError):
        graph.place(Placed(first, length, at(1)))
    assert len(graph.place(Placed(0, 1, at(1)))) == 0
