from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.merkle import EMPTY_ROOT, SIZE_MAX, Frontier, root
from lodestamp.errors import BadHashLength, LimitExceeded, UsageError

LEAVES = [sha256(bytes([i])).digest() for i in range(10)]


class Nothing:
    """A reader of a store that holds nothing."""

    def hashes(self, level, start, count):
        raise AssertionError((level, start, count))


class Short:
    """A reader that gives one byte less than asked."""

    def hashes(self, _level, _start, count):
        return bytes(32 * count - 1)


def test_the_empty_frontier_has_the_empty_root_and_needs_no_reader():
    assert Frontier.EMPTY.root() == EMPTY_ROOT
    assert Frontier.from_tiles(Nothing(), 0) == Frontier.EMPTY


def test_a_frontier_keeps_one_peak_for_each_bit_of_its_size():
    frontier = Frontier.EMPTY.extend(LEAVES)
    assert frontier.size == 10
    assert frontier.peaks == (root(LEAVES[:8]), root(LEAVES[8:]))


def test_growing_by_nothing_changes_nothing():
    frontier = Frontier.EMPTY.extend(LEAVES)
    assert frontier.grow([]) == (frontier, ())


def test_a_tile_level_gains_a_hash_when_the_tile_below_becomes_full():
    leaves = [sha256(i.to_bytes(2)).digest() for i in range(256)]
    nearly, gains = Frontier.EMPTY.grow(leaves[:255])
    assert gains == (b"".join(leaves[:255]),)
    full, gains = nearly.grow(leaves[255:])
    assert gains == (leaves[255], root(leaves))
    assert full.peaks == (root(leaves),)


def test_a_frontier_with_wrong_peaks_cannot_be_made():
    for size, peaks in [(1, ()), (0, (LEAVES[0],)), (2, tuple(LEAVES[:2]))]:
        with pytest.raises(UsageError):
            Frontier(size, peaks)
    with pytest.raises(BadHashLength):
        Frontier(1, (b"short",))
    with pytest.raises(UsageError):
        Frontier(-1, ())
    with pytest.raises(LimitExceeded):
        Frontier(SIZE_MAX + 1, (LEAVES[0],))


def test_the_largest_tree_takes_no_further_leaf():
    full = Frontier(SIZE_MAX, tuple(LEAVES[:1]) * 63)
    assert full.extend([]) == full
    with pytest.raises(LimitExceeded):
        full.extend(LEAVES[:1])


def test_a_leaf_hash_of_another_length_is_refused():
    with pytest.raises(BadHashLength):
        Frontier.EMPTY.extend([LEAVES[0], b"short"])


def test_a_reader_that_gives_too_little_is_found_out():
    with pytest.raises(BadHashLength):
        Frontier.from_tiles(Short(), 3)


@pytest.mark.parametrize(("size", "error"), [(-1, UsageError), (SIZE_MAX + 1, LimitExceeded)])
def test_no_frontier_is_recovered_for_a_size_that_is_none(size, error):
    with pytest.raises(error):
        Frontier.from_tiles(Nothing(), size)
