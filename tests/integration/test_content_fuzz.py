"""Damaged and random input for every parser of content (content spec §12, §13)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fuzz_content

COUNT = 60_000


@pytest.mark.slow
def test_only_typed_errors_leave_a_parser_in_time_and_memory(vectors: Path) -> None:
    """In a process of its own, whose memory nothing else has stretched before."""
    run = subprocess.run(
        [sys.executable, fuzz_content.__file__, "--count", str(COUNT), "--seed", "7"],
        capture_output=True,
        env={**os.environ, "LODESTAMP_VECTORS": str(vectors)},
        check=False,
        timeout=300,
    )
    report = json.loads(run.stdout)
    assert (report["failures"], run.returncode) == ([], 0)
    assert report["cases"] == COUNT
    for name, outcomes in report["outcomes"].items():
        assert outcomes.keys() == {"taken", "refused"}, name  # else it was not really tried


def test_the_runner_sees_what_it_looks_for() -> None:
    """A parser that lets another error out, or dawdles, is told."""

    def escape(_: bytes) -> None:
        raise IndexError

    def dawdle(_: bytes) -> None:
        until = time.thread_time() + 2 * fuzz_content.CASE_S_MAX
        while time.thread_time() < until:
            pass

    for parse, outcome in ((escape, "escaped"), (dawdle, "slow"), (bytes, "taken")):
        target = fuzz_content.Target("x", parse, [b"x"])
        assert fuzz_content.run_case(target, b"x")[0] == outcome
