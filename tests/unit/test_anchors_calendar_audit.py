"""The auditor of calendars finds what does not fit (A11, A13, A14; tamper 24)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update

import lodestamp
from calendars import anchor_all, findings
from homes import reading
from lodestamp.node.anchors import Journal
from lodestamp.node.anchors.tables import commitments, cycles, submissions


@pytest.fixture
def home(tmp_path):
    """A home with its own calendar, three commitments in a final cycle and two that wait."""
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        node.open_calendar("http://127.0.0.1:14788").close()
        for number in range(3):
            node.record(**reading(number))
            node.calendars.submit()
        anchor_all(node._database, 1)
        Journal(node._database).append([b"B" * 44, b"C" * 44])
    assert found_codes(home) == set()
    return home


def found_codes(home):
    """What the auditor of calendars finds; a block that is only written down has no work."""
    with lodestamp.open(home, create=False) as node:
        origin = node.origin
    return {finding.code for finding in findings(home / "lodestamp.db", origin)}


def spoiled(home, *changes):
    with lodestamp.open(home) as node, node._database.writing("test") as connection:
        for change in changes:
            connection.execute(change)
    return found_codes(home)


@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_tamper_24_a_record_removed_after_the_reply_is_found(home, number):
    assert spoiled(home, delete(commitments).where(commitments.c.id == number)) == {"A11"}


def test_tamper_24_the_last_records_removed_are_found(home):
    assert spoiled(home, delete(commitments).where(commitments.c.id >= 4)) == {"A11"}


@pytest.mark.parametrize(
    "change",
    [
        update(commitments).where(commitments.c.id == 2).values(commitment=b"X" * 32),
        update(commitments).where(commitments.c.id == 4).values(commitment=b"X" * 43),
        update(commitments).where(commitments.c.id == 2).values(leaf=7),
        update(commitments).where(commitments.c.id == 2).values(leaf=None),
        update(commitments).where(commitments.c.id == 4).values(leaf=1),
        update(cycles).values(state="lost"),
        update(cycles).values(tip=bytes(32)),
        update(cycles).values(count=4),
        update(cycles).values(count=2),
    ],
)
def test_a11_a_commitment_out_of_its_place_is_found(home, change):
    assert spoiled(home, change) == {"A11"}


def test_a11_a_commitment_in_no_cycle_that_is_known_is_found(home):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(home / "lodestamp.db")) as connection, connection:
        connection.execute("UPDATE calendar_commitment SET cycle = 99, leaf = 0 WHERE id = 4")
    assert "A11" in found_codes(home)


@pytest.mark.parametrize(
    "change",
    [
        update(submissions).where(submissions.c.size == 1).values(digest=bytes(32)),
        update(submissions).where(submissions.c.size == 3).values(size=9),
    ],
)
def test_a13_a_submission_of_another_digest_is_found(home, change):
    assert "A13" in spoiled(home, change)


def test_a13_the_submissions_of_two_checkpoints_swapped_are_found(home):
    with lodestamp.open(home) as node, node._database.reading("test") as connection:
        rows = connection.execute(select(submissions).order_by(submissions.c.size)).all()
    one, two = rows[0], rows[1]
    changes = [
        update(submissions).where(submissions.c.size == one.size).values(digest=two.digest),
        update(submissions).where(submissions.c.size == two.size).values(digest=one.digest),
    ]
    assert spoiled(home, *changes) == {"A13"}


@pytest.mark.parametrize(
    "values",
    [
        {"ots": b"\x08"},
        {"ots": b""},
        {"ots": b"\x00" * 20},
        {"state": "complete"},
        {"state": "unsent"},
        {"state": "believed"},
    ],
)
def test_a14_an_answer_that_is_no_strict_timestamp_is_found(home, values):
    change = update(submissions).where(submissions.c.size == 2).values(**values)
    assert "A14" in spoiled(home, change)


def test_a14_an_answer_in_another_order_is_found(home):
    with lodestamp.open(home) as node, node._database.reading("test") as connection:
        query = select(submissions.c.ots).where(submissions.c.size == 2)
        ots = connection.execute(query).scalar_one()
    doubled = b"\xff" + ots + ots  # the same promise twice: a lenient reader takes it
    change = update(submissions).where(submissions.c.size == 2).values(ots=doubled)
    assert spoiled(home, change) == {"A14"}


def test_a_row_of_a_calendar_that_was_never_asked_is_checked_too(home):
    row = {
        "size": 2,
        "uri": "https://x.example",
        "digest": bytes(32),
        "ots": b"",
        "state": "unsent",
        "next_try": 0,
        "tries": 0,
    }
    assert spoiled(home, insert(submissions).values(**row)) == {"A13"}
