"""kill -9 at two hundred random instants of the writer: nothing acknowledged is lost (N3, D11)."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

import lodestamp
from homes import audited_node, foreign_evidence
from lodestamp.core.transparency import parse_checkpoint, parse_note
from lodestamp.node.fsck import fsck

KILLS = 200
AUDITED_EACH = 20
"""Kills between two audits; each opening checks head, note and newest row anyway."""


@pytest.mark.slow
def test_kill_nine_at_two_hundred_instants_loses_nothing_acknowledged(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    home = tmp_path / "home"
    with lodestamp.open(home):
        pass
    acknowledged: dict[int, str] = {}
    notes: dict[int, str] = {}
    busy = 0
    for kill in range(KILLS):
        lines, delay = kill % 3, chance.uniform(0.0, 0.04)
        said = _write_until_killed(home, kill * 1_000_000, lines, delay, notes)
        assert not acknowledged.keys() & said.keys(), f"seed {seed}, kill {kill}"
        acknowledged |= said
        busy += bool(said)
        if kill % AUDITED_EACH == AUDITED_EACH - 1:
            report = fsck(home)
            assert report.findings == [], f"seed {seed}, kill {kill}"
            assert report.checked["operations"] > max(acknowledged), f"seed {seed}"
    with audited_node(home) as node:
        for index, op_id in acknowledged.items():
            assert node.inclusion(op_id)[0].index == index, f"seed {seed}"
        for size, note in notes.items():  # the one note of its size that ever left (R20)
            assert node.checkpoint(size).hex() == note, f"seed {seed}"
    assert busy > KILLS // 2


def _write_until_killed(
    home: Path, start: int, lines: int, delay: float, notes: dict[int, str]
) -> dict[int, str]:
    """Let a child acknowledge so much, and go on for so many seconds; return what it said.

    The checkpoints that it saw are put into `notes`.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            _record_for_ever(home, start, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as acknowledgements:
        assert acknowledgements.readline() == b"ready\n"
        said = [acknowledgements.readline() for _ in range(lines)]
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        said += acknowledgements.read().splitlines(keepends=True)
    _child, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    whole = [line.decode().split() for line in said if line.endswith(b"\n")]
    for _note, size, note in (words for words in whole if words[0] == "note"):
        assert notes.setdefault(int(size), note) == note, "two notes of one size"
    return {int(words[0]): words[1] for words in whole if words[0] != "note"}


def _record_for_ever(home: Path, start: int, pipe: int) -> None:
    with lodestamp.open(home) as node:
        os.write(pipe, b"ready\n")
        for number in range(start, start + 1_000_000):
            futures = [
                node.record_future(source="s", kind="k", content={"n": number, "part": part})
                for part in range(number % 7 + 1)
            ]
            if number % 8 == 0:
                label = f"stranger-{number}"  # its operation waits until its parent releases it
                parent = foreign_evidence(number, node=label)
                waiting = foreign_evidence(number + 1, (parent.op_id,), node=label)
                for each in (waiting, parent)[: 1 + bool(number % 16)]:
                    node._recorder.submit([each.wire])
            for recorded in (future.result() for future in futures):
                os.write(pipe, f"{recorded.log_index} {recorded.op_id}\n".encode())
            note = node.checkpoint()
            size = parse_checkpoint(parse_note(note).text).size
            os.write(pipe, f"note {size} {note.hex()}\n".encode())
