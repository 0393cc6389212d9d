"""Our machine against an independent one, over random spends of a weighted grammar."""

from __future__ import annotations

import pytest

from random_spends import differences

SLOW_COUNT = 20_000


@pytest.mark.parametrize("cat", [False, True], ids=["plain", "cat"])
def test_a_thousand_random_spends_end_alike(cat):
    wrong, ends = differences(1, 1_000, cat=cat)
    assert wrong == []
    assert len(ends) > 25
    assert 0.2 < ends["OK"] / 1_000 < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("cat", [False, True], ids=["plain", "cat"])
def test_twenty_thousand_random_spends_end_alike(cat):
    wrong, ends = differences(2 + cat, SLOW_COUNT, cat=cat)
    assert wrong == []
    assert len(ends) > 40
