"""A calendar promises under one URI, and answers with the way to a block (R45-R51)."""

from __future__ import annotations

import pytest

from calendars import SECRET, WAIT_S, anchor_all
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Pending,
    commitment,
    parse_timestamp,
    walk,
)
from lodestamp.errors import StoreError, UsageError
from lodestamp.node.anchors import Calendar
from lodestamp.node.storage import Database

URI = "https://calendar.example"
NOW_S = 1_700_000_000


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "a.db")
    yield opened
    opened.close()


def opened_calendar(database, uri=URI, **options):
    return Calendar.open(database, uri, SECRET, lambda: NOW_S * 1000, period_s=0.2, **options)


def promises(calendar, digests):
    """The commitment that each digest is promised under, and the answers."""
    futures = [calendar.submit(each) for each in digests]
    answers = [each.result(WAIT_S) for each in futures]
    timestamps = [
        parse_timestamp(answer, digest, strict=True)
        for digest, answer in zip(digests, answers, strict=True)
    ]
    return [next(walk(each)) for each in timestamps], answers


def test_r46_r47_each_answer_leads_to_one_commitment_of_44_bytes(database):
    digests = [bytes([n]) * 32 for n in range(100)]
    with opened_calendar(database) as calendar:
        ends, answers = promises(calendar, digests)
        (message,) = {message for message, _ in ends}
        assert {attestation for _, attestation in ends} == {Pending(URI)}
        root = message[4:36]
        assert message == commitment(root, NOW_S, SECRET)
        assert calendar.journal.holds(message)
        assert max(map(len, answers)) < 1_000


def test_r46_the_largest_batch_is_answered_in_less_than_a_kilobyte(database):
    with opened_calendar(database) as calendar:
        _, answers = promises(calendar, [n.to_bytes(32, "big") for n in range(10_000)])
        assert max(map(len, answers)) < 1_000


def test_r47_a_batch_of_one_has_its_leaf_step_too(database):
    with opened_calendar(database) as calendar:
        (message, _), (answer,) = (*promises(calendar, [b"d"])[0], promises(calendar, [b"e"])[1])
    ops = bytes.fromhex("f010") + answer[2:18] + bytes.fromhex("08f1010008f104")
    assert answer.startswith(ops)
    assert len(message) == 44


def test_r51_the_uri_is_fixed_once(database):
    opened_calendar(database).close()
    opened_calendar(database).close()
    with pytest.raises(UsageError) as refused:
        opened_calendar(database, "https://other.example")
    assert refused.value.code == "calendar-uri"
    with pytest.raises(UsageError):
        opened_calendar(database, "https://calendar.example/")


def test_r45_reasons_are_given_word_by_word(database):
    with opened_calendar(database) as calendar:
        assert calendar.timestamp(bytes(44)).reason == "Not found"
        ((message, _),), _ = promises(calendar, [b"d"])
        pending = "Pending confirmation in Bitcoin blockchain"
        assert calendar.timestamp(message).reason == pending
        for state in ("open", "sent"):
            anchor_all(database, 100, state)
            assert calendar.timestamp(message).reason == pending


def test_r45_a_mined_cycle_says_which_transaction_and_how_long(database):
    with opened_calendar(database) as calendar:
        ((message, _),), _ = promises(calendar, [b"d"])
        anchor_all(database, 100, "mined")
        txid = bytes(range(32))[::-1].hex()
        said = f"Timestamped by transaction {txid}; waiting for 5 confirmations"
        assert calendar.timestamp(message).reason == said
        from calendars import put_header

        put_header(database, 103, bytes(32))
        assert calendar.timestamp(message).reason.endswith("waiting for 2 confirmations")
        allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#-.,; ")
        assert set(said) <= allowed
        assert len(said) <= 160


def test_r57_r61_a_final_cycle_is_served_as_a_path_to_its_block(database):
    with opened_calendar(database) as calendar:
        messages = [promises(calendar, [bytes([n])])[0][0][0] for n in range(5)]
        anchor_digest = b"A" * 32
        calendar.journal.append([anchor_digest])  # R50
        merkle_root = anchor_all(database, 100)
        for message in (*messages, anchor_digest):
            answer = calendar.timestamp(message)
            timestamp = parse_timestamp(answer.timestamp, message, strict=True)
            assert list(walk(timestamp)) == [(merkle_root, BitcoinHeader(100))]
            assert len(answer.timestamp) < 4_000


def test_r63_what_was_anchored_anew_is_served_along_its_new_path(database):
    from sqlalchemy import update

    from lodestamp.node.anchors.tables import commitments, cycles

    with opened_calendar(database) as calendar:
        ((message, _),), _ = promises(calendar, [b"d"])
        anchor_all(database, 100)
        assert calendar.timestamp(message).timestamp is not None
        with database.writing("test") as connection:  # as the anchorer gives a lost cycle back
            connection.execute(update(cycles).values(state="lost"))
            connection.execute(update(commitments).values(cycle=None, leaf=None))
        assert calendar.timestamp(message).timestamp is None
        calendar.journal.append([b"B" * 32])
        merkle_root = anchor_all(database, 200)
        timestamp = parse_timestamp(calendar.timestamp(message).timestamp, message)
        assert list(walk(timestamp)) == [(merkle_root, BitcoinHeader(200))]


@pytest.mark.parametrize("broken", ["ops", "tip", "height"])
def test_a_cycle_that_does_not_lead_to_its_block_is_never_served(database, broken):
    from sqlalchemy import update

    from lodestamp.node.anchors.tables import cycles

    with opened_calendar(database) as calendar:
        ((message, _),), _ = promises(calendar, [b"d"])
        anchor_all(database, 100)
        spoiled = {"ops": b"\x08\x08\xf0", "tip": bytes(32), "height": -1}[broken]
        with database.writing("test") as connection:
            connection.execute(update(cycles).values({broken: spoiled}))
        with pytest.raises(StoreError):
            calendar.timestamp(message)


def test_the_tip_is_that_of_the_transaction_that_is_not_in_a_block(database):
    with opened_calendar(database) as calendar:
        assert calendar.tip() is None
        promises(calendar, [b"d"])
        anchor_all(database, 100, "sent")
        assert len(calendar.tip()) == 32
        standing = calendar.standing()
        assert (standing.pending_commitments, standing.txs_waiting_for_confirmation) == (0, 1)
        assert (standing.tip, standing.block_height) == (calendar.tip(), 100)
        assert standing.most_recent_tx == bytes(range(32))
