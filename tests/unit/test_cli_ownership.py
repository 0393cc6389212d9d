"""How a scan's progress is told."""

from __future__ import annotations

import pytest

from lodestamp.faces.cli.ownership import counted, duration, progress_line
from lodestamp.node.scanner import EngineStatus


def status(**changed):
    """A scan two blocks behind, with nine things found."""
    told = {
        "network": "main", "rules_id": bytes(32), "height": 7, "block_hash": bytes(32),
        "state_hash": bytes(32), "source_height": 9, "lag": 2, "blocks_per_s": 1.26,
        "mb_per_s": 2.04, "eta_s": 1.6, "reorgs": 0, "deepest_reorg": 0, "halted": None,
        "assets": 1, "ops": 2, "tips": 3, "payments": 4,
    }  # fmt: skip
    return EngineStatus(**{**told, **changed})


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 m"),
        (89, "1 m"),
        (91, "2 m"),
        (3_569, "59 m"),
        (3_571, "1 h 0 m"),
        (3_725, "1 h 2 m"),
        (7_199, "2 h 0 m"),
        (360_000, "100 h 0 m"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds, said):
    assert duration(seconds) == said


def test_progress_is_one_line():
    line = progress_line(status())
    assert line == "height 7 of 9, 1 blocks/s, 2.0 MB/s, 9 hits, 2 s left"
    assert "left" not in progress_line(status(eta_s=None))
    assert progress_line(status(height=None, source_height=None)).startswith("height 0 of 0")


def test_things_are_counted_in_words():
    assert [counted(n, "work") for n in (0, 1, 2_000)] == ["0 works", "1 work", "2,000 works"]
