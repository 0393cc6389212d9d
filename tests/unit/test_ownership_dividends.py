"""Dividends: R18 to R22 on small tables, and the size of what is added up."""

from __future__ import annotations

import pytest

from judged import ALICE, BOB, CAROL
from lodestamp.core.ownership import (
    ASSET_UNITS,
    DIVIDEND_TERMS_MAX,
    DividendPayment,
    Owner,
    Tip,
    Transfer,
    dividends_classic_e8,
    dividends_classic_float,
    dividends_owed_e8,
)
from lodestamp.errors import TooLarge

VIEWS = (dividends_classic_float, dividends_classic_e8, dividends_owed_e8)
HALF = ASSET_UNITS // 2


def transfer(height, seller, buyer, units, index=1):
    return Transfer(b"", height, index, b"", "", seller, buyer, units, 0, None)


def tip(height, amount, index=1):
    return Tip(b"", height, index, b"", "", amount, ALICE, ())


def payment(height, amount, destination=BOB):
    return DividendPayment(b"", height, 1, b"", "", amount, destination, (ALICE,))


@pytest.mark.parametrize("view", VIEWS)
def test_without_tips_and_payments_nothing_is_payable(view):
    assert view(ALICE, [transfer(2, ALICE, BOB, 5)], [], []) == {}


def test_R18_a_tip_is_shared_by_the_table_of_the_block_before():
    moves = [transfer(5, ALICE, BOB, HALF)]
    for height, bobs in ((5, 0), (6, 1_000 * HALF)):
        rows = dividends_classic_e8(ALICE, moves, [tip(height, 1_000)], [])
        assert rows.get(BOB, 0) == bobs


def test_R19_R21_the_published_table_and_what_is_owed_agree_at_half_and_half_only():
    halves = [transfer(2, ALICE, BOB, HALF)]
    assert dividends_classic_e8(ALICE, halves, [tip(3, 10)], []) == {
        ALICE: -10 * HALF,
        BOB: 10 * HALF,
    }
    assert dividends_owed_e8(ALICE, halves, [tip(3, 10)], []) == {
        ALICE: -10 * HALF,
        BOB: 10 * HALF,
    }
    quarter = [transfer(2, ALICE, BOB, HALF // 2)]
    assert dividends_classic_e8(ALICE, quarter, [tip(3, 4)], [])[ALICE] == -3 * ASSET_UNITS
    assert dividends_owed_e8(ALICE, quarter, [tip(3, 4)], [])[ALICE] == -ASSET_UNITS


def test_R17_who_is_paid_more_than_owed_has_a_negative_row():
    moves = [transfer(2, ALICE, BOB, HALF)]
    rows = dividends_owed_e8(ALICE, moves, [tip(3, 10)], [payment(4, 7)])
    assert rows == {BOB: (5 - 7) * ASSET_UNITS, ALICE: 2 * ASSET_UNITS}
    assert dividends_classic_float(ALICE, moves, [tip(3, 10)], [payment(4, 7)]) == {
        ALICE: 2.0,
        BOB: -2.0,
    }


def test_Q7_what_the_registrant_pays_himself_cancels():
    paid = [payment(4, 7, ALICE)]
    for view in (dividends_classic_float, dividends_classic_e8):
        assert view(ALICE, [], [], paid) == {ALICE: 0}
    assert dividends_owed_e8(ALICE, [], [tip(3, 5)], paid) == {ALICE: 0}


def test_R20_each_term_is_rounded_before_it_is_added():
    moves = [transfer(2, ALICE, BOB, 1), transfer(2, ALICE, CAROL, 33_333_333, 2)]
    tips = [tip(3, 1, n) for n in range(3)]
    rows = dividends_classic_float(ALICE, moves, tips, [])
    assert rows[BOB] == 1e-08 + 1e-08 + 1e-08
    assert rows[CAROL] == 0.33333333 + 0.33333333 + 0.33333333


def test_R20_too_many_terms_are_refused_and_the_exact_views_are_not():
    holders = 2_000
    moves = [transfer(2, ALICE, Owner(b"%d" % n), 1, n) for n in range(holders)]
    tips = [tip(3, 1, n) for n in range(DIVIDEND_TERMS_MAX // holders)]
    with pytest.raises(TooLarge) as refused:
        dividends_classic_float(ALICE, moves, tips, [])
    assert refused.value.maximum == DIVIDEND_TERMS_MAX
    rows = dividends_classic_e8(ALICE, moves, tips, [])
    assert rows[Owner(b"7")] == len(tips)
    assert sum(dividends_owed_e8(ALICE, moves, tips, []).values()) == 0


def test_R22_the_order_in_which_rows_come_does_not_matter():
    moves = [transfer(h, ALICE, BOB, 10 * h) for h in (2, 3, 4)] + [transfer(5, BOB, CAROL, 50)]
    tips = [tip(h, 100 * h) for h in (2, 3, 4, 5, 6)]
    for view in VIEWS:
        assert view(ALICE, moves[::-1], tips[::-1], []) == view(ALICE, moves, tips, [])


def test_R22_values_beyond_any_database_stay_exact():
    tips = [tip(3, 2_100_000_000_000_000, n) for n in range(5)]
    rows = dividends_classic_e8(ALICE, [transfer(2, ALICE, BOB, 1)], tips, [])
    assert rows[ALICE] == -5 * 2_100_000_000_000_000 * 99_999_999
