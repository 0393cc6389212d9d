"""An exact set that outgrows memory (content spec R106)."""

from __future__ import annotations

from lodestamp.node.blocks.marks import MarkSet


def test_r106_marks_are_exact_in_memory_and_beyond():
    marks = [n.to_bytes(34, "big") for n in range(1000)]
    for in_memory in (10, 2000):
        with MarkSet(in_memory) as held:
            assert all(held.add(mark) for mark in marks)
            assert not any(held.add(mark) for mark in marks)
            assert held.unmarked([*marks, b"x"]) == [b"x"]
