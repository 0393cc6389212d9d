"""How fast a scan goes (R39)."""

from __future__ import annotations

import pytest

from lodestamp.node.scanner.rates import HALF_LIFE_S, Rate, Rates


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_steady_pace_is_told_exactly(clock):
    rate = Rate(clock)
    assert rate.per_second == 0
    for _ in range(50):
        clock.now += 2
        rate.add(14)
    assert rate.per_second == pytest.approx(7)


def test_what_is_a_half_life_ago_counts_half(clock):
    rate = Rate(clock)
    clock.now += HALF_LIFE_S
    rate.add(HALF_LIFE_S * 10)
    clock.now += HALF_LIFE_S
    rate.add(HALF_LIFE_S * 40)
    assert rate.per_second == pytest.approx((10 / 2 + 40) / 1.5)


def test_the_time_left_follows_the_blocks(clock):
    rates = Rates(clock)
    assert rates.eta_s(5) is None
    assert rates.eta_s(0) == 0
    clock.now += 4
    rates.add(8, 3_000_000)
    assert (rates.blocks_per_s, rates.mb_per_s) == (2, 0.75)
    assert rates.eta_s(10) == 5


def test_a_clock_that_goes_back_breaks_nothing(clock):
    rates = Rates(clock)
    clock.now -= 50
    rates.add(3, 1)
    assert rates.blocks_per_s == 0
