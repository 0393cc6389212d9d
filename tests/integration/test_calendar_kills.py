"""kill -9 of a calendar under load: nothing answered is lost, the journal never shifts (R49)."""

from __future__ import annotations

import io
import os
import random
import signal
import time
from pathlib import Path

import pytest

from calendars import PERIOD_S, SECRET, findings
from lodestamp.core.timestamps import parse_timestamp, walk
from lodestamp.node.anchors import COMMITMENT_SIZE, Calendar, Journal
from lodestamp.node.anchors.calendar.journal import from_record
from lodestamp.node.clock import now_ms
from lodestamp.node.storage import Database

KILLS = 40
URI = "https://calendar.example"


@pytest.mark.slow
def test_r49_kill_nine_at_forty_instants_loses_no_promise(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    path = tmp_path / "a.db"
    Database.open(path).close()
    promised: list[bytes] = []
    before: list[bytes] = []
    for kill in range(KILLS):
        said = _promise_until_killed(path, kill * 10_000, chance.uniform(0.0, 0.5))
        promised += said
        journal = _journal(path)
        assert journal[: len(before)] == before, f"seed {seed}, kill {kill}: the journal shifted"
        assert set(promised) <= set(journal), f"seed {seed}, kill {kill}: a promise is lost"
        before = journal
    assert findings(path) == [], f"seed {seed}"
    assert len(promised) > KILLS


def _journal(path: Path) -> list[bytes]:
    database = Database.open(path)
    try:
        file = io.BytesIO()
        Journal(database).export(file)
    finally:
        database.close()
    data = file.getvalue()
    assert len(data) % COMMITMENT_SIZE == 0
    return [
        from_record(data[at : at + COMMITMENT_SIZE]) for at in range(0, len(data), COMMITMENT_SIZE)
    ]


def _promise_until_killed(path: Path, start: int, delay: float) -> list[bytes]:
    """Let a child promise for so many seconds, end it, and return what it answered."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            _promise_for_ever(path, start, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        assert answers.readline() == b"ready\n"
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        said = answers.read().splitlines(keepends=True)
    _child, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return [bytes.fromhex(line.decode().strip()) for line in said if line.endswith(b"\n")]


def _promise_for_ever(database_path: Path, start: int, pipe: int) -> None:
    """Submit digests numbered from `start`; each answered one is a line with its commitment."""
    database = Database.open(database_path)
    with Calendar.open(database, URI, SECRET, now_ms, period_s=PERIOD_S) as calendar:
        os.write(pipe, b"ready\n")
        for number in range(start, start + 1_000_000):
            digests = [(number * 100 + n).to_bytes(32, "big") for n in range(number % 9 + 1)]
            futures = [calendar.submit(each) for each in digests]
            calendar.journal.append([number.to_bytes(32, "little")])  # our own anchor digests
            os.write(pipe, number.to_bytes(32, "little").hex().encode() + b"\n")
            for digest, future in zip(digests, futures, strict=True):
                ((message, _),) = walk(parse_timestamp(future.result(), digest, strict=True))
                os.write(pipe, message.hex().encode() + b"\n")
