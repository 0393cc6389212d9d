"""The bounds of what an anchor costs (R58, R59)."""

from __future__ import annotations

import pytest

from lodestamp.node.anchors.bitcoin import FeeTerms

TERMS = FeeTerms()


@pytest.mark.parametrize(
    ("estimate", "fee"), [(0, 154), (1_000, 154), (1_001, 155), (50_000, 7_700), (90_000, 7_700)]
)
def test_r58_the_first_fee_lies_between_1_and_50_satoshis_a_byte(estimate, fee):
    assert TERMS.first_fee(estimate) == fee


def test_r58_no_anchor_pays_over_100_000_satoshis():
    assert FeeTerms(rate_max=10**9).first_fee(10**9) == 100_000


def test_r59_a_replacement_adds_what_nodes_ask_and_meets_the_estimate():
    assert TERMS.next_fee(154, 1_000) == 308
    assert TERMS.next_fee(154, 10_000) == 1_540
    assert TERMS.next_fee(7_546, 1_000) == 7_700
    assert TERMS.next_fee(7_547, 1_000) is None


def test_r59_a_rejected_fee_is_raised_by_a_quarter():
    assert (TERMS.raised(154), TERMS.raised(6_160), TERMS.raised(6_161)) == (193, 7_700, None)
