"""Children: packed edges, the overlay behind them, and packing again."""

from __future__ import annotations

from random import Random

from lodestamp.core.operations.graph.columns import Columns
from lodestamp.core.operations.graph.edges import Children
from lodestamp.core.operations.graph.status import ATTESTATION, CLAIM, REFUTATION


def test_children_are_those_that_name_an_operation_and_rest_on_it():
    random = Random(1)
    columns, expected, packed = Columns(), [], 0
    children = Children(columns)
    for index in range(6_000):
        kind = random.choice((CLAIM, CLAIM, ATTESTATION, REFUTATION))
        count = 1 if kind == REFUTATION else random.randrange(3)
        sources = sorted({random.randrange(index) for _ in range(count)}) if index else []
        columns.kinds.append(kind)
        columns.sources.extend(sources)
        columns.source_ends.append(len(columns.sources))
        expected.append([])
        for source in sources if kind != REFUTATION else ():
            expected[source].append(index)
        children.add(index)
        if index == 1_000:
            assert [sorted(children.of(n)) for n in range(index + 1)] == expected
        packed = max(packed, len(children.edges))
        if index % 500 == 0 and index > 1_000:
            assert [sorted(children.of(n)) for n in range(index + 1)] == expected
    assert packed > 3_000
    offsets, edges = children.packed()
    assert [list(edges[offsets[n] : offsets[n + 1]]) for n in range(6_000)] == expected
