"""Views: operations in any order, each once, closed under their parents."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import View, in_order
from lodestamp.errors import CausalError
from worlds import World


def test_parents_come_first_and_ties_go_by_id():
    world = World(3).grow(30)
    ordered = list(in_order(world.ops[::-1] + world.ops))
    assert {op.op_id for op in ordered} == {op.op_id for op in world.ops}
    assert len(ordered) == len(world.ops)
    assert ordered == list(in_order(world.ops))
    seen = set()
    for op in ordered:
        assert set(op.prev) <= seen
        seen.add(op.op_id)


def test_a_view_with_a_hole_is_refused():
    world = World(3).grow(30)
    hole = next(op for op in world.ops if op.prev).prev[0]
    with pytest.raises(CausalError) as refusal:
        View([op for op in world.ops if op.op_id != hole], {}, world.roots)
    assert refusal.value.missing == (hole,)


def test_the_digest_of_a_view_does_not_depend_on_how_it_was_given():
    world = World(5).grow(30).place(0.5)
    digests = {
        View(ops, world.positions, world.roots).digest() for ops in (world.ops, world.ops[::-1])
    }
    assert len(digests) == 1
