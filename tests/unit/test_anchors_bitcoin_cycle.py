"""The one decision about anchors, case by case: values in, one action out (R57-R63)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lodestamp.core.bitcoin import OutPoint
from lodestamp.node.anchors.bitcoin import (
    Cycle,
    FeeTerms,
    Input,
    PaidBy,
    State,
    Terms,
    Version,
    View,
    next_action,
    next_start,
)
from lodestamp.node.anchors.bitcoin.cycle import (
    Build,
    Drop,
    Finish,
    Lose,
    Reopen,
    RunLow,
    Send,
    Take,
)
from lodestamp.node.chains import BlockRef

TERMS = Terms(FeeTerms(), interval_ms=1_000)
COIN = PaidBy(OutPoint(b"\x01" * 32, 0), 100_000)
SPARE = PaidBy(OutPoint(b"\x02" * 32, 0), 50_000)
V1 = Version(b"\xa1" * 32, (COIN.outpoint,), 100, 154, 1, is_sent=True)
V2 = Version(b"\xa2" * 32, (COIN.outpoint,), 101, 308, 2, is_sent=True)
BLOCK = BlockRef(101, b"\xbb" * 32)


def view(height=100, **options):
    given = {
        "held": {BLOCK.height: BLOCK.hash},
        "now": 10_000,
        "coins": (SPARE,),
        "promised": {COIN.outpoint: COIN.value},
        "inputs": {COIN.outpoint: Input.THERE},
    }
    return View(BlockRef(height, b"\xcc" * 32), **given | options)


def cycle(state=State.SENT, *versions, **options):
    return Cycle(7, state, versions or (V1,), **options)


def decide(cycles, seen, terms=TERMS, **options):
    return next_action(cycles, seen, terms, **options)


def test_without_commitments_nothing_begins():
    assert decide([], view()) is None


def test_what_waits_begins_a_cycle_with_the_largest_coin_at_the_estimated_fee():
    assert decide([], view(waiting=1)) == Build(None, SPARE, 154)
    assert decide([], view(waiting=1, estimate=2_001)) == Build(None, SPARE, 309)
    assert decide([], view(waiting=1, tried={None})) is None


@pytest.mark.parametrize(("value", "enough"), [(2 * 154 + 546, True), (2 * 154 + 545, False)])
def test_r58_a_coin_must_leave_546_and_one_more_fee(value, enough):
    seen = view(waiting=1, coins=(replace(SPARE, value=value),))
    assert isinstance(decide([], seen), Build if enough else RunLow)
    assert decide([], view(waiting=1, coins=())) == RunLow(None, 854)


def test_r60_the_next_cycle_waits_one_to_two_intervals_after_the_last_was_mined():
    mined = cycle(State.MINED, V1, block=BLOCK, mined_at=9_500)
    due = next_start([mined], TERMS)
    assert 10_500 <= due < 11_500
    assert decide([mined], view(101, waiting=1, now=due - 1)) is None
    assert decide([mined], view(101, waiting=1, now=due)) == Build(None, SPARE, 154)
    assert decide([mined], view(101, waiting=1), is_forced=True) == Build(None, SPARE, 154)
    assert next_start([], TERMS) == 0
    factors = {
        next_start([replace(mined, block=BlockRef(1, bytes((n,)) * 32))], TERMS) for n in range(50)
    }
    assert len(factors) > 40


def test_one_cycle_waits_for_a_block_at_a_time():
    sent = cycle(State.SENT)
    assert decide([sent], view(waiting=5, handed={V1.txid}), is_forced=True) is None


def test_a_stored_version_is_handed_in_once_at_each_tip():
    assert decide([cycle()], view()) == Send(7, V1.txid)
    assert decide([cycle()], view(handed={V1.txid})) is None


def test_a_version_that_was_stored_and_not_sent_is_sent_before_all_else():
    unsent = replace(V2, is_sent=False)
    assert decide([cycle(State.SENT, V1, unsent)], view(150)) == Send(7, V2.txid)
    # the node refused it: the one before is raised
    refused = view(150, handed={V2.txid})
    expected = Build(7, COIN, 308, replaces=V1.txid)
    assert decide([cycle(State.SENT, V1, unsent)], refused) == expected


def test_r59_each_new_block_raises_the_fee_on_the_same_coin():
    assert decide([cycle()], view(101)) == Build(7, COIN, 308, replaces=V1.txid)
    assert decide([cycle()], view(101, estimate=5_000)) == Build(7, COIN, 770, replaces=V1.txid)
    assert decide([cycle()], view(101, tried={7})) == Send(7, V1.txid)
    assert decide([cycle()], view(99)) == Send(7, V1.txid)  # the chain got shorter: no new block


def test_r58_at_the_cap_and_without_funds_the_transaction_stays_alive():
    dear = replace(V1, fee=7_600)
    assert decide([cycle(State.SENT, dear)], view(101)) == Send(7, V1.txid)
    poor = view(101, promised={COIN.outpoint: 2 * 308 + 545})
    assert decide([cycle()], poor) == RunLow(7, 2 * 308 + 546)
    assert decide([cycle()], replace(poor, tried={7})) == Send(7, V1.txid)


def test_r65_a_chained_anchor_is_not_replaced():
    terms = replace(TERMS, is_replaceable=False)
    assert decide([cycle()], view(101), terms) == Send(7, V1.txid)


def test_r59_any_version_in_a_block_is_taken():
    placed = replace(V1, height=101)
    assert decide([cycle(State.SENT, placed, V2)], view(101)) == Take(7, V1.txid, 101)
    assert decide([cycle(State.OPEN, placed, V2)], view(101)) == Take(7, V1.txid, 101)


@pytest.mark.parametrize(("height", "deep"), [(105, False), (106, True)])
def test_r61_a_cycle_is_final_at_six_confirmations(height, deep):
    mined = cycle(State.MINED, V1, block=BLOCK, mined_at=1)
    assert decide([mined], view(height)) == (Finish(7) if deep else None)
    terms = replace(TERMS, confirmations=2)
    assert decide([mined], view(102), terms) == Finish(7)


def test_r62_a_mined_cycle_whose_block_left_waits_again():
    mined = cycle(State.MINED, V1, block=BLOCK, mined_at=1)
    for held in ({}, {101: b"\xdd" * 32}):
        assert decide([mined], view(101, held=held)) == Drop(7)


def test_r63_a_final_cycle_whose_block_left_is_lost():
    final = cycle(State.FINAL, V1, block=BLOCK, mined_at=1)
    assert decide([final], view(110)) is None
    assert decide([final], view(110, held={})) == Lose(7)


def test_r62_a_coin_spent_otherwise_reopens_the_cycle_with_another_coin():
    gone = view(inputs={COIN.outpoint: Input.GONE})
    assert decide([cycle()], gone) == Reopen(7)
    assert decide([cycle(State.OPEN)], gone) == Build(7, SPARE, 154)
    assert decide([cycle(State.OPEN)], replace(gone, tried={7})) is None
    poor = replace(gone, coins=())
    assert decide([cycle(State.OPEN)], poor) == RunLow(7, 854)


def test_a_coin_that_may_yet_be_is_waited_for():
    awaited = view(150, inputs={COIN.outpoint: Input.AWAITED})
    assert decide([cycle()], awaited) == Send(7, V1.txid)
    assert decide([cycle()], replace(awaited, handed={V1.txid})) is None


def test_the_newest_version_whose_coin_is_there_counts():
    other = replace(V2, inputs=(SPARE.outpoint,))
    inputs = {COIN.outpoint: Input.THERE, SPARE.outpoint: Input.GONE}
    seen = view(inputs=inputs)
    assert decide([cycle(State.SENT, V1, other)], seen) == Send(7, V1.txid)


def test_older_cycles_come_first():
    mined = cycle(State.MINED, V1, block=BLOCK, mined_at=1)
    later = Cycle(8, State.SENT, (V2,))
    assert decide([mined, later], view(101, held={})) == Drop(7)
