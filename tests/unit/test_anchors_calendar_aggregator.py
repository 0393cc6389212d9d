"""One commitment for many digests, and no answer before it (transparency spec R47-R49)."""

from __future__ import annotations

import threading
from hashlib import sha256

import pytest

from lodestamp.core.merkle import leaf_hash, verify_inclusion
from lodestamp.core.timestamps import Op
from lodestamp.errors import CalendarError, StoreError, UsageError
from lodestamp.node.anchors.calendar import BATCH_MAX
from lodestamp.node.anchors.calendar.aggregator import Aggregator, Batch

WAIT_S = 10


def test_r47_each_digest_leads_to_the_root_through_a_nonce_of_its_own():
    digests = [bytes([n]) * (n + 1) for n in range(20)]
    batch = Batch(digests)
    members = [batch.member(at) for at in range(20)]
    for digest, member in zip(digests, members, strict=True):
        assert len(member.nonce) == 16
        message = sha256(digest + member.nonce).digest()
        verify_inclusion(leaf_hash(message), member.proof, batch.root)
    assert len({member.nonce for member in members}) == 20


def test_r47_equal_digests_of_a_batch_are_told_apart():
    batch = Batch([b"same"] * 3)
    assert len({batch.member(at).nonce for at in range(3)}) == 3


def answer(member, ending):
    return member.nonce + ending[0].argument


def test_an_answer_that_cannot_be_made_leaves_nobody_waiting():
    broken = [True]

    def brittle(member, ending):
        if broken and broken.pop():
            raise StoreError("no answer")
        return answer(member, ending)

    aggregator = Aggregator(lambda _root: (Op.append(b"!"),), brittle, period_s=0.2)
    try:
        with pytest.raises(StoreError):
            aggregator.submit(b"d").result(WAIT_S)
        assert aggregator.submit(b"d").result(WAIT_S).endswith(b"!")
    finally:
        aggregator.close()


def test_r49_nobody_is_answered_before_the_commitment_is_written():
    may_commit, committed = threading.Event(), []

    def commit(root):
        assert may_commit.wait(WAIT_S)
        committed.append(root)
        return (Op.append(b"!"),)

    aggregator = Aggregator(commit, answer, period_s=0.2)
    try:
        futures = [aggregator.submit(b"d") for _ in range(3)]
        with pytest.raises(TimeoutError):
            futures[0].result(0.5)
        assert committed == []
        may_commit.set()
        assert all(each.result(WAIT_S).endswith(b"!") for each in futures)
        assert len(committed) == 1
    finally:
        may_commit.set()
        aggregator.close()


def test_r49_a_commitment_that_fails_is_told_to_all_and_the_next_is_taken():
    failing = [True]

    def commit(_root):
        if failing:
            failing.pop()
            raise StoreError("the disk is full")
        return (Op.append(b"!"),)

    aggregator = Aggregator(commit, answer, period_s=0.2)
    try:
        futures = [aggregator.submit(b"d") for _ in range(2)]
        for each in futures:
            with pytest.raises(StoreError):
                each.result(WAIT_S)
        assert aggregator.submit(b"d").result(WAIT_S).endswith(b"!")
    finally:
        aggregator.close()


def test_a_full_queue_refuses_and_says_when_to_come_again():
    aggregator = Aggregator(lambda _root: (Op.append(b"!"),), answer, period_s=5)
    futures = [aggregator.submit(b"d") for _ in range(BATCH_MAX)]
    with pytest.raises(CalendarError) as refused:
        aggregator.submit(b"d")
    assert refused.value.code == "calendar.busy"
    assert aggregator.retry_s == 5
    aggregator.close()  # and all that were taken are answered
    assert all(each.done() and each.result() for each in futures)
    with pytest.raises(CalendarError):
        aggregator.submit(b"d")


def test_who_has_gone_is_not_committed_to():
    committed = []

    def commit(root):
        committed.append(root)
        return (Op.append(b"!"),)

    aggregator = Aggregator(commit, answer, period_s=5)
    assert aggregator.submit(b"d").cancel()
    aggregator.close()
    assert committed == []


@pytest.mark.parametrize("size", [0, 65])
def test_a_digest_has_1_to_64_bytes(size):
    aggregator = Aggregator(lambda _root: (), answer, period_s=5)
    with pytest.raises(UsageError) as refused:
        aggregator.submit(bytes(size))
    assert refused.value.code == "digest-size"
    aggregator.close()


@pytest.mark.parametrize("period", [0.1, 5.1])
def test_r47_a_period_outside_its_bounds_is_refused(period):
    with pytest.raises(UsageError) as refused:
        Aggregator(lambda _root: (), answer, period_s=period)
    assert refused.value.code == "period"
