"""Blocks of a DAG path, and the links it takes (R27)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from covenants import path_of
from lodestamp.core.covenants import check_path, leaf_index
from lodestamp.errors import CovenantError, ElementTooLarge

DATA = bytes(480) + bytes(range(256)) * 20


@pytest.mark.parametrize("index", [0, 3, 7, 8, 11])
def test_r27_the_links_taken_give_the_leafs_place(index):
    levels, leaf = path_of(DATA, index)
    numbers = check_path(levels, leaf)
    assert len(numbers) == len(levels) == 2
    assert leaf_index(numbers) == index
    assert leaf == DATA[480 * index : 480 * (index + 1)]
    assert check_path(levels, numbers=numbers) == numbers


def test_r27_another_link_leaf_or_block_is_refused():
    levels, leaf = path_of(DATA, 3)
    top, below = levels
    for path, shown, numbers in (
        ((), None, None),
        (levels, leaf, (0, 4)),
        (levels, leaf[:-1], None),
        ((replace(top, digest=bytes(32)), below), leaf, None),
        ((top, replace(below, prefix=below.prefix[:-1])), None, None),
        ((below,), None, (7,)),
        ((top,), None, None),  # it ends at an inner block, not at a leaf
    ):
        with pytest.raises(CovenantError) as refused:
            check_path(path, shown, numbers=numbers)
        assert refused.value.code == "path"
    with pytest.raises(ElementTooLarge):
        check_path((replace(below, suffix=bytes(520)),))
