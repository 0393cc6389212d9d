"""Ancestor queries, against the sets themselves."""

from __future__ import annotations

from random import Random

import pytest

from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.columns import Columns


def woven(seed, size, lines):
    """Columns with parents only: lines of work that merge now and then."""
    random = Random(seed)
    columns, tips, pasts = Columns(), [None] * lines, []
    for index in range(size):
        line = random.randrange(lines)
        parents = {tips[line]} if tips[line] is not None else set()
        if random.random() < 0.2:
            parents |= {tip for tip in tips if tip is not None and random.random() < 0.5}
        columns.kinds.append(0)
        columns.parents.extend(sorted(parents))
        columns.parent_ends.append(len(columns.parents))
        pasts.append(set(parents).union(*(pasts[parent] for parent in parents)))
        tips[line] = index
    return columns, pasts


@pytest.mark.parametrize("seed", range(20))
def test_precedes_is_being_in_the_past(seed):
    columns, pasts = woven(seed, 60, 1 + seed % 5)
    ancestry = Ancestry(columns)
    for b, past in enumerate(pasts):
        assert [a for a in range(60) if ancestry.precedes(a, b)] == sorted(past)


def test_a_line_of_a_hundred_thousand_is_one_comparison_away():
    columns, size = Columns(), 100_000
    columns.kinds += bytes(size)
    columns.parents.extend(range(size - 1))
    columns.parent_ends.extend(range(size))
    ancestry = Ancestry(columns)
    assert ancestry.precedes(0, size - 1)
    assert not ancestry.precedes(size - 1, 0)
    assert not ancestry.precedes(5, 5)


def test_two_long_lines_that_never_meet_do_not_precede_one_another():
    columns, pasts = woven(3, 2_000, 2)
    ancestry = Ancestry(columns)
    for a, b in ((0, 1_999), (1, 1_999), (900, 1_999), (1_500, 1_501)):
        assert ancestry.precedes(a, b) == (a in pasts[b])
