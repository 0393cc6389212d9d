"""Checkpoints at calendars: what is due when, and what is never dropped (R53)."""

from __future__ import annotations

from itertools import pairwise

import pytest

import lodestamp
from homes import found_codes, reading
from lodestamp.core.timestamps import (
    SHA256,
    BitcoinHeader,
    Pending,
    anchor_digest,
    attested,
    lead_to,
    walk,
)
from lodestamp.core.transparency import parse_checkpoint, parse_note
from lodestamp.errors import UsageError
from lodestamp.node.anchors import Submissions

A, B = "https://a.example", "https://b.example"
MINUTE = 60_000


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def node(tmp_path, request):
    with lodestamp.open(tmp_path / "home") as node:
        node.record(**reading(0))
        yield node
    invented = request.function in COMPLETED  # their blocks are in no chain, which is A14
    assert found_codes(tmp_path / "home") == ({"A14"} if invented else set())


def submissions(node, clock, chance=0.5):
    return Submissions(node._database, node.origin, clock, lambda: chance)


def promise(submission, uri=A):
    return attested(submission.digest, Pending(uri))


def block(submission, height=7):
    digest = submission.digest
    return lead_to(digest, [SHA256], attested(SHA256(digest), BitcoinHeader(height)))


def test_r41_the_digest_is_that_of_the_checkpoint(node, clock):
    (begun,) = submissions(node, clock).begin([A])
    checkpoint = parse_checkpoint(parse_note(node.checkpoint()).text)
    assert begun.digest == anchor_digest(node.origin, 1, checkpoint.root)
    assert (begun.size, begun.timestamp, begun.state) == (1, None, "unsent")


def test_the_empty_log_goes_nowhere(tmp_path, clock):
    with lodestamp.open(tmp_path / "empty") as node:
        assert submissions(node, clock).begin([A]) == []


def test_a_size_without_a_checkpoint_is_refused(node, clock):
    with pytest.raises(UsageError):
        submissions(node, clock).begin([A], 2)


def test_what_was_begun_twice_stands_once(node, clock):
    rows = submissions(node, clock)
    assert len(rows.begin([A, B, A])) == 2
    (first, _) = rows.of(1)
    rows.promised(first, promise(first))
    assert [each.uri for each in rows.begin([A, B])] == [B]
    assert rows.uris() == [A, B]


def test_a_newer_checkpoint_takes_the_place_of_one_never_sent(node, clock):
    rows = submissions(node, clock)
    rows.begin([A, B])
    (sent, _) = rows.of(1)
    rows.promised(sent, promise(sent))
    node.record(**reading(1))
    rows.begin([A, B])
    assert [each.uri for each in rows.of(1)] == [A]  # what was promised is never dropped
    assert [each.uri for each in rows.of(2)] == [A, B]


def test_r53_tries_come_at_ten_minutes_and_then_half_as_long_again_up_to_six_hours(node, clock):
    rows = submissions(node, clock)
    (each,) = rows.begin([A])
    assert rows.due() == [each]
    rows.promised(each, promise(each))
    waits = []
    for _ in range(14):
        assert rows.due() == []
        start = clock.ms
        while not rows.due():
            clock.ms += MINUTE // 2
        waits.append((clock.ms - start) / MINUTE)
        rows.postponed(rows.due()[0], "Pending confirmation in Bitcoin blockchain")
    assert waits[:3] == [10, 15, 22.5]
    assert all(one <= two for one, two in pairwise(waits))
    assert waits[-1] == 360
    (row,) = rows.of(1)
    assert row.reason == "Pending confirmation in Bitcoin blockchain"
    assert row.timestamp == promise(each)


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 8), (1.0, 12)])
def test_r53_the_jitter_is_a_fifth_more_or_less(node, clock, chance, minutes):
    rows = submissions(node, clock, chance)
    (each,) = rows.begin([A])
    rows.promised(each, promise(each))
    clock.ms += minutes * MINUTE - 1_000
    assert rows.due() == []
    clock.ms += 1_000
    assert len(rows.due()) == 1


def test_r53_what_is_complete_keeps_its_promise_and_is_not_tried_again(node, clock):
    rows = submissions(node, clock)
    (each,) = rows.begin([A])
    rows.promised(each, promise(each))
    (pending,) = rows.of(1)
    rows.completed(pending, block(pending))
    clock.ms += 10**10
    assert rows.due() == rows.due(at_once=True) == []
    (complete,) = rows.of(1)
    kinds = [type(attestation) for _, attestation in walk(complete.timestamp)]
    assert sorted(kinds, key=str) == sorted([Pending, BitcoinHeader], key=str)
    rows.postponed(pending, "too late")  # a slower one does not undo it
    assert rows.of(1)[0].state == "complete"


def test_r68_the_smallest_complete_checkpoint_that_covers_a_leaf_is_found(node, clock):
    rows = submissions(node, clock)
    for number in range(1, 5):
        node.record(**reading(number))
        (each,) = rows.begin([A])
        rows.promised(each, promise(each))
        if number in {2, 4}:
            (pending,) = rows.of(each.size)
            rows.completed(pending, block(pending))
    assert [rows.first_complete(index)[0].size for index in range(5)] == [3, 3, 3, 5, 5]
    assert rows.first_complete(5) == []


def test_r63_what_has_left_the_best_chain_is_asked_for_again_at_once(node, clock):
    rows = submissions(node, clock)
    (each,) = rows.begin([A])
    rows.promised(each, promise(each))
    (pending,) = rows.of(1)
    rows.completed(pending, block(pending))
    rows.reopen(rows.of(1))
    assert [row.uri for row in rows.due()] == [A]
    assert rows.of(1)[0].state == "pending"


COMPLETED = {
    test_r53_what_is_complete_keeps_its_promise_and_is_not_tried_again,
    test_r68_the_smallest_complete_checkpoint_that_covers_a_leaf_is_found,
}
