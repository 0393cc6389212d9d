"""The state: R14, and undoing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from judged import (
    ALICE,
    BOB,
    SHA1,
    STRICT,
    block_of,
    carried,
    register_op,
    registered,
    sale,
    transfer_op,
)
from lodestamp.core.ownership import ASSET_UNITS, State, judge_block
from lodestamp.errors import ConservationBroken, StoreOrderError


def judged(state, *carriers):
    return judge_block(state, block_of(state.height + 1, *carriers), STRICT)


def transfer(value, at=1):
    return carried(transfer_op(value), (BOB, ALICE), at, sale())


def test_R14_a_forged_effect_breaks_conservation_and_changes_nothing():
    state = registered()
    before = deepcopy(state)
    good = judged(state, transfer(5, 1), transfer(7, 2))
    for value in (0, -1, ASSET_UNITS, ASSET_UNITS - 5, 10**12):
        second = replace(good.ops[1], asset_value=value)
        with pytest.raises(ConservationBroken) as refused:
            state.apply(replace(good, ops=(good.ops[0], second)))
        assert refused.value.sha1 == SHA1
        assert state == before
    again = judged(State(0), carried(register_op(), (BOB,), 1)).ops
    with pytest.raises(ConservationBroken):
        state.apply(replace(good, ops=again))
    assert state == before
    state.apply(good)
    assert state.balance(SHA1, BOB) == 12


def test_R14_a_table_that_was_tampered_with_is_noticed_by_the_next_block():
    state = registered()
    state._tables[SHA1][BOB] = 1
    with pytest.raises(ConservationBroken):
        state.apply(judged(state, transfer(5)))
    with pytest.raises(ConservationBroken):
        state.check_conservation()


def test_blocks_are_applied_and_undone_in_order_only():
    state = registered()
    effect = judged(state, transfer(5))
    with pytest.raises(StoreOrderError):
        state.undo(effect)
    state.apply(effect)
    with pytest.raises(StoreOrderError):
        state.apply(effect)
    state.undo(effect)
    assert state.balance(SHA1, BOB) == 0
    assert state.holders(SHA1) == {ALICE: ASSET_UNITS}


def test_an_unknown_work_has_no_holders():
    state = State(7)
    assert state.holders(SHA1) == {}
    assert state.balance(SHA1, ALICE) == 0
    assert state.registrant(SHA1) is None
    assert (state.has_operation(b""), state.has_tip(b""), state.has_payment(b"")) == (False,) * 3


def test_a_copy_of_a_table_is_a_copy():
    state = registered()
    state.holders(SHA1)[ALICE] = 5
    assert state.balance(SHA1, ALICE) == ASSET_UNITS


@pytest.mark.parametrize(
    ("registrants", "balances"),
    [
        ([(SHA1, ALICE)], []),
        ([(SHA1, ALICE)], [(SHA1, ALICE, ASSET_UNITS - 1)]),
        ([(SHA1, ALICE)], [(SHA1, ALICE, ASSET_UNITS), (SHA1, BOB, 0)]),
        ([(SHA1, ALICE)], [(SHA1, ALICE, ASSET_UNITS + 1), (SHA1, BOB, -1)]),
        ([], [(SHA1, ALICE, ASSET_UNITS)]),
    ],
)
def test_rows_that_do_not_add_up_make_no_state(registrants, balances):
    with pytest.raises(ConservationBroken):
        State.of(3, registrants=registrants, balances=balances, operations=[], tips=[], payments=[])
