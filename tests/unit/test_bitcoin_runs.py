"""Judging a run of headers (R19, DESIGN D9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headers import MINI, following, grown, run_of, worked
from lodestamp.core.bitcoin import (
    HEADER_RUN_MAX,
    MAIN,
    REGTEST,
    SIGNET,
    TEST,
    TESTNET4,
    BlockHeader,
    assess_run,
    extend,
)
from lodestamp.core.verdict import Status
from lodestamp.errors import LimitExceeded, UsageError

FLOORED = replace(MINI, work_floor=20)
UNPINNED = {}


def test_r19_pins_of_main_are_the_fifteen_and_the_genesis():
    assert len(MAIN.pins) == 16
    assert MAIN.pins[MAIN.genesis.hash] == 0
    heights = sorted(MAIN.pins.values())
    assert heights[1:4] == [11_111, 33_333, 74_000]
    assert heights[-3:] == [295_000, 840_000, 856_760]
    assert all(len(pin) == 32 and pin.endswith(bytes(4)) for pin in MAIN.pins)


def test_r19_a_run_up_to_a_pin_establishes_its_ancestors():
    chain = grown(FLOORED, 8)
    run = run_of(chain, 3)
    verdict = assess_run(run, {run[2].hash: 5}, FLOORED)
    assert verdict.status is Status.ESTABLISHED
    assert (verdict.pinned, verdict.height) == (run[2].hash, 3)


def test_r19_what_builds_on_a_pin_is_not_established_by_it():
    """Anyone can mine a cheap header upon a pinned one."""
    run = run_of(grown(FLOORED, 8), 3)
    verdict = assess_run(run, {run[2].hash: 5}, FLOORED, index=3)
    assert (verdict.status, verdict.code) == (Status.UNKNOWN, "work-below-floor")
    assert verdict.height == 6


def test_r19_work_before_the_judged_header_does_not_count():
    run = run_of(grown(FLOORED, 14), 1)
    assert assess_run(run, UNPINNED, FLOORED).status is Status.ESTABLISHED
    late = assess_run(run, UNPINNED, FLOORED, index=13)
    assert (late.status, late.code, late.work) == (Status.UNKNOWN, "work-below-floor", 2)


def test_r19_enough_work_establishes_at_any_height():
    run = run_of(grown(FLOORED, 14), 1)
    verdict = assess_run(run[:10], UNPINNED, FLOORED)
    assert (verdict.status, verdict.work, verdict.pinned) == (Status.ESTABLISHED, 20, None)
    assert assess_run(run[:9], UNPINNED, FLOORED).code == "work-below-floor"


def test_r19_a_caller_may_raise_the_floor_and_never_lower_it():
    run = run_of(grown(FLOORED, 10), 1)
    assert assess_run(run, UNPINNED, FLOORED, floor=21).code == "work-below-floor"
    assert assess_run(run[:9], UNPINNED, FLOORED, floor=1).code == "work-below-floor"


def test_r19_a_lone_header_of_little_work_proves_nothing():
    """A self-mined header of difficulty 1 costs seconds (D9)."""
    verdict = assess_run([SECOND_OF_MAIN], UNPINNED, MAIN)
    assert (verdict.status, verdict.code) == (Status.UNKNOWN, "work-below-floor")
    assert round(verdict.work_log2) == 32


SECOND_OF_MAIN = BlockHeader.decode(
    bytes.fromhex(
        "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744"
        "bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
    )
)
"""Block 1 of main, 9 January 2009."""


def test_the_second_block_of_main_follows_its_genesis():
    verdict = assess_run([MAIN.genesis, SECOND_OF_MAIN], UNPINNED, MAIN)
    assert (verdict.status, verdict.height) == (Status.ESTABLISHED, 0)
    later = assess_run([MAIN.genesis, SECOND_OF_MAIN], UNPINNED, MAIN, index=1)
    assert (later.status, later.height) == (Status.UNKNOWN, 1)
    pins = {SECOND_OF_MAIN.hash: 1}
    pinned = assess_run([MAIN.genesis, SECOND_OF_MAIN], pins, MAIN, index=1)
    assert (pinned.status, pinned.height) == (Status.ESTABLISHED, 1)


@pytest.mark.parametrize("net", [TEST, TESTNET4, SIGNET], ids=str)
def test_r19_test_nets_are_unknown_unless_pinned(net):
    cheap = replace(REGTEST, work_floor=net.work_floor)
    run = run_of(grown(cheap, 5), 1)
    assert assess_run(run, UNPINNED, cheap).code == "not-pinned"
    assert assess_run(run, {run[4].hash: 5}, cheap).status is Status.ESTABLISHED


def test_r19_regtest_work_counts_and_says_that_it_proves_nothing():
    verdict = assess_run(run_of(grown(REGTEST, 2), 1), UNPINNED, REGTEST)
    assert verdict.status is Status.ESTABLISHED
    assert verdict.basis == "regtest work proves nothing to strangers"


def refuted(run, *, net=FLOORED, pins=UNPINNED, **options):
    verdict = assess_run(run, pins, net, **options)
    assert verdict.status is Status.REFUTED
    return verdict.code


def test_a_header_without_its_work_is_refuted():
    run = run_of(grown(FLOORED, 14), 1)
    while int.from_bytes(run[-1].hash, "little") >> 255 == 0:
        run[-1] = replace(run[-1], nonce=run[-1].nonce + 1)
    assert refuted(run) == "high-hash"


def test_a_target_above_the_limit_is_refuted():
    run = run_of(grown(FLOORED, 14), 1)
    assert refuted([replace(run[0], bits=0x2100FFFF)]) == "high-hash"


def test_a_gap_in_the_run_is_refuted():
    run = run_of(grown(FLOORED, 14), 1)
    assert refuted(run[:4] + run[5:]) == "prev-blk-not-found"


def test_a_header_older_than_the_median_is_refuted():
    chain = grown(FLOORED, 14)
    run = run_of(chain, 1)
    old = worked(replace(following(chain), time=run[5].time))
    assert refuted([*run, old]) == "time-too-old"


def test_another_block_at_a_pinned_height_is_refuted():
    run = run_of(grown(FLOORED, 14), 3)
    assert refuted(run, pins={b"\x11" * 32: 5}, height=3) == "pin-conflict"
    assert refuted(run, pins={run[0].hash: 3, run[1].hash: 5}) == "pin-conflict"
    assert refuted(run, pins={run[4].hash: 2}) == "pin-conflict"


def test_a_change_of_bits_inside_a_period_is_refuted():
    chain = grown(FLOORED, 3)
    strange = following(chain, bits=0x201FFFFF)
    run = [*run_of(chain, 1), strange]
    assert refuted(run, height=1) == "bad-diffbits"
    assert assess_run(run, UNPINNED, FLOORED).status is Status.UNKNOWN  # no height, no rule


def test_bits_may_change_by_a_factor_of_four_where_a_period_starts():
    chain = grown(FLOORED, 3)
    for bits, due in ((0x201FFFFF, True), (0x200FFFFF, False)):
        run = [*run_of(chain, 1), following(chain, bits=bits)]
        verdict = assess_run(run, UNPINNED, FLOORED, height=2013)
        assert (verdict.status is not Status.REFUTED) is due


def test_a_run_from_the_genesis_is_held_to_every_rule():
    chain = grown(FLOORED, 3)
    run = [*run_of(chain), following(chain, bits=0x201FFFFF)]
    assert refuted(run) == "bad-diffbits"
    assert extend(chain, following(chain)).height == 4


def test_limits_of_a_run():
    header = SECOND_OF_MAIN
    with pytest.raises(LimitExceeded):
        assess_run([header] * (HEADER_RUN_MAX + 1), UNPINNED, MAIN)
    for index in (-1, 1):
        with pytest.raises(UsageError):
            assess_run([header], UNPINNED, MAIN, index=index)
    with pytest.raises(UsageError):
        assess_run([], UNPINNED, MAIN)
