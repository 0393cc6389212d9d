"""The graph against an oracle that recomputes everything, over random histories and orders."""

from __future__ import annotations

from random import Random

import pytest

from lodestamp.core.operations import (
    MemorySource,
    Placed,
    ProvenanceGraph,
    View,
    decode_rows,
    encode_rows,
)
from lodestamp.errors import CausalError
from naive_state import Naive
from worlds import World


def history(seed, count=24):
    """A random history; every second one forks, as two replicas then write under one label."""
    nodes = ["phone", "phone", "desk"] if seed % 2 else None
    return World(seed, nodes=nodes).grow(count).place(0.6 if seed % 3 else 0.0)


def deliver(graph, operations):
    """Add operations in whatever order they come; one whose parents are missing waits (S2)."""
    waiting = {}
    for op in operations:
        ready = [op]
        while ready:
            each = ready.pop()
            try:
                graph.add(each)
            except CausalError as error:
                waiting.setdefault(error.missing[0], []).append(each)
            else:
                ready += waiting.pop(each.op_id, [])
    assert waiting == {}


def place(graph, positions, random):
    """Tell the graph where operations were finalised, checkpoint by checkpoint as blocks come."""
    for op_id, position in sorted(positions.items(), key=lambda each: each[1]):
        graph.place(Placed(graph.index_of(op_id), 1, position))
        if random.random() < 0.1:
            graph.place(Placed(graph.index_of(op_id), 1, position._replace(height=99)))


def statuses(graph):
    return {graph.columns.op_id(n): status for n, status in enumerate(graph.statuses())}


class Memory(MemorySource):
    """A graph's own columns, as if they were read from a store."""

    def __init__(self, graph):
        self.graph = graph

    def rows(self, after):
        assert after == 0
        yield decode_rows(encode_rows(self.graph.columns.rows(0, len(self.graph))))

    def index_of(self, digest):
        return self.graph.find("sha256:" + digest.hex())

    def operation(self, index):
        return self.graph.operation(index)

    def placed(self):
        return iter(self.graph.authority.positions)


@pytest.mark.parametrize("seed", range(200))
def test_incremental_and_swept_states_are_what_the_rules_say(seed):
    world = history(seed, count=24 + seed % 20)
    expected = Naive(world.ops, world.positions, world.roots).statuses()
    graph = View(world.ops, world.positions, world.roots).graph
    assert statuses(graph) == expected, f"seed {seed}"
    swept = ProvenanceGraph.load(Memory(graph), roots=world.roots)
    assert statuses(swept) == expected, f"seed {seed}"
    assert swept.digest() == graph.digest()
    assert swept.heads() == graph.heads()


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_every_step_tells_exactly_what_it_changed(seed):
    world = history(seed)
    graph = ProvenanceGraph.load(MemorySource(), roots=world.roots)
    for op in world.ops:
        before = statuses(graph)
        changes = {change.op_id: (change.before, change.after) for change in graph.add(op)}
        after = statuses(graph)
        assert changes.pop(op.op_id) == (None, after[op.op_id])
        moved = {
            each: (before[each], after[each]) for each in before if before[each] != after[each]
        }
        assert changes == moved
        assert list(graph.add(op)) == []


@pytest.mark.parametrize("seed", range(1, 200, 4))
def test_the_state_as_of_a_size_is_the_state_there_was(seed):
    world = history(seed)
    graph = ProvenanceGraph.load(MemorySource(), roots=world.roots)
    digests = [graph.digest()]
    for op in world.ops:
        graph.add(op)
        digests.append(graph.digest())
    assert [graph.as_of(size).digest() for size in range(len(world.ops) + 1)] == digests


@pytest.mark.parametrize("seed", range(2, 200, 4))
def test_a_rehearsed_cascade_is_what_a_refutation_then_does(seed):
    """S16: what a rehearsal tells, a refutation does; undone, all is as before."""
    world = history(seed)
    graph = View(world.ops, world.positions, world.roots).graph
    for op in world.ops:
        if op.type not in {"evidence", "claim", "refutation"}:
            continue
        before = statuses(graph)
        rehearsed = {change.op_id: change.after for change in graph.cascade(op.op_id)}
        assert statuses(graph) == before
        refuter = World(seed)
        refuter.ops, refuter.by_id = list(world.ops), dict(world.by_id)
        refuter.known = [set(world.by_id)]
        from lodestamp.core.operations import refutation

        body = refutation(target=op.op_id, reason="no")
        against = refuter.write(0, "root", "refutation", body, version=1, node="court")
        changes = {change.op_id: change.after for change in graph.add(against)}
        changes.pop(against.op_id)
        assert changes == rehearsed
        again = refutation(target=against.op_id, reason="yes")
        graph.add(refuter.write(0, "root", "refutation", again, version=1, node="court"))
        assert {each: statuses(graph)[each] for each in before} == before
        world.ops, world.by_id = refuter.ops, refuter.by_id


def converge(seeds, orders):
    """Deliver each history in many orders and compare the state digests."""
    for seed in seeds:
        world = history(seed, count=20)
        random = Random(seed)
        digests = set()
        for _ in range(orders):
            order = world.ops + random.choices(world.ops, k=3)
            random.shuffle(order)
            graph = ProvenanceGraph.load(MemorySource(), roots=world.roots)
            deliver(graph, order)
            place(graph, world.positions, random)
            digests.add(graph.digest())
        assert len(digests) == 1, f"seed {seed}"


def test_s1_s2_s4_any_order_of_delivery_gives_one_state():
    """Shuffled, doubled, children first: one state digest per history."""
    converge(range(40), 5)


@pytest.mark.slow
def test_s1_a_thousand_histories_in_twenty_orders_each():
    """T9: S1, S2 and S4 over 1,000 random histories x 20 orders of delivery."""
    converge(range(1_000), 20)
