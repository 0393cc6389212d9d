"""Timestamps as values: right by construction, bounded, and walked without recursion."""

from __future__ import annotations

import sys

import pytest

from lodestamp.core.timestamps import (
    DEPTH_MAX,
    REVERSE,
    SHA256,
    BitcoinHeader,
    Op,
    Pending,
    Timestamp,
    attested,
    encode_timestamp,
    lead_to,
    merge,
    parse_timestamp,
    prune,
    walk,
)
from lodestamp.errors import BadTimestamp, LimitExceeded

PENDING, BLOCK = Pending("https://a.example"), BitcoinHeader(7)


def path(length, attestation=PENDING, msg=b"message"):
    """Return a timestamp of so many operations in a row."""
    ops, end = [], msg
    for step in range(length):
        ops.append(REVERSE if step % 3 else SHA256)
        end = ops[-1](end)
    return lead_to(msg, ops, attested(end, attestation))


def code_of(make):
    with pytest.raises(BadTimestamp) as refused:
        make()
    return refused.value.code


def test_a_timestamp_says_something_about_a_message():
    """R34: it is never empty."""
    assert code_of(lambda: Timestamp(b"message")) == "ots.empty"
    assert code_of(lambda: attested(b"", PENDING)) == "ots.empty-message"
    with pytest.raises(LimitExceeded):
        attested(bytes(4_097), PENDING)


def test_an_edge_leads_to_the_result_of_its_operation():
    wrong = attested(b"another", PENDING)
    assert code_of(lambda: Timestamp(b"message", (), ((SHA256, wrong),))) == "ots.result"
    assert code_of(lambda: lead_to(b"message", [SHA256], wrong)) == "ots.result"
    assert code_of(lambda: lead_to(b"message", [], wrong)) == "ots.result"


def test_nothing_stands_twice():
    below = attested(SHA256(b"message"), PENDING)
    assert code_of(lambda: attested(b"message", PENDING, PENDING)) == "ots.duplicate"
    twice = ((SHA256, below), (SHA256, below))
    assert code_of(lambda: Timestamp(b"message", (), twice)) == "ots.duplicate"


def test_edges_and_attestations_stand_in_the_order_of_the_file():
    edges = [
        (op, attested(op(b"message"), PENDING)) for op in (Op.append(b"b"), Op.append(b"a"), SHA256)
    ]
    timestamp = Timestamp(b"message", (PENDING, BLOCK), tuple(edges))
    assert timestamp.attestations == (BLOCK, PENDING)
    assert [op for op, _ in timestamp.edges] == [SHA256, Op.append(b"a"), Op.append(b"b")]
    assert timestamp == Timestamp(b"message", (BLOCK, PENDING), tuple(edges[::-1]))
    assert hash(timestamp) == hash(Timestamp(b"message", (BLOCK, PENDING), tuple(edges[::-1])))
    assert timestamp != attested(b"message", PENDING)
    assert timestamp != "a timestamp"


def test_a_path_has_at_most_255_operations():
    """R38: the stock parser dies at the 256th."""
    deepest = path(DEPTH_MAX)
    assert (deepest.depth, path(0).depth) == (255, 0)
    with pytest.raises(LimitExceeded):
        path(DEPTH_MAX + 1)


def test_the_deepest_tree_is_handled_with_hardly_any_stack():
    """The trap of §14: everything that walks keeps a stack of its own."""
    one, two = path(DEPTH_MAX), path(DEPTH_MAX, BLOCK)
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 40)
    try:
        both = merge(one, two)
        assert [each for _, each in walk(both)] == [BLOCK, PENDING]
        assert parse_timestamp(encode_timestamp(both), b"message") == both
        assert prune(both, lambda _, each: each == BLOCK) == two
        assert one != two
    finally:
        sys.setrecursionlimit(limit)


def test_only_timestamps_of_one_message_merge():
    other = attested(b"another", PENDING)
    assert code_of(lambda: merge(attested(b"message", PENDING), other)) == "ots.other-message"


def test_a_completed_path_prunes_the_calendar_that_promised_it():
    message = b"message"
    found = merge(attested(message, PENDING), path(4, BLOCK))
    assert list(walk(found)) == [(message, PENDING), *walk(path(4, BLOCK))]
    assert prune(found, lambda _, each: isinstance(each, BitcoinHeader)) == path(4, BLOCK)
    assert prune(found, lambda _msg, _each: False) is None


def test_a_timestamp_is_shown_on_one_line():
    assert repr(path(3)) == "<Timestamp of 6d657373616765, 0 attestations, 1 edges>"
