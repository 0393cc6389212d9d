"""The graph against an oracle that recomputes everything, over random histories and orders."""

from __future__ import annotations

from random import Random

import pytest
from naive_state import Naive
from worlds import World

from lodestamp.core.operations.graph import MemorySource, Placed, ProvenanceGraph, View
from lodestamp.errors import CausalError


def history(seed, count=24):
    """A random history; every second one forks, as two replicas then write under one label."""
    nodes = ["phone", "phone", "desk"] if seed % 2 else None
    return World(seed, nodes=nodes).grow(count).place(0.6 if seed % 3 else 0.0)


def place(graph, positions):
    for op_id, position in sorted(positions.items(), key=lambda each: each[1]):
        graph.place(Placed(graph.index_of(op_id), 1, position))


def named(graph):
    return {graph.columns.op_id(n): status for n, status in enumerate(graph.statuses())}


def compare(world, seed):
    expected = Naive(world.ops, world.positions, world.roots).statuses()
    view = View(world.ops, world.positions, world.roots)
    actual = named(view.graph)
    differing = {
        (view.graph.operation(view.graph.index_of(op_id)).type, expected[op_id], actual[op_id])
        for op_id in expected
        if expected[op_id] != actual[op_id]
    }
    assert not differing, f"seed {seed}: type, expected, actual {differing}"
    return expected


@pytest.mark.parametrize("seed", range(150))
def test_the_graph_says_what_the_rules_say(seed):
    compare(history(seed), seed)
