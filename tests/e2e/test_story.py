"""The stories that the README and the tutorial tell, run as they are printed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import lodestamp
from conftest import REPOSITORY
from homes import assert_clean

STORY = "### What an assistant says of you, and who may read it"
CLOCK = "### When, by Bitcoin's clock"
OWNERSHIP = "### Who owns a work, by Bitcoin alone"
_LEAVE_NOTHING = "trap 'kill ${!-} 2>/dev/null || :' EXIT\n"
"""Ends what the script started in the background, also where the script failed."""
CHAPTERS = ("## 7. What an assistant says of Ada", "## 8. Ada lends a slice, and takes it back")


def shell_of(page: Path, heading: str) -> str:
    """The shell that stands under a heading."""
    _, _, rest = page.read_text("utf-8").partition(f"\n{heading}\n")
    section = re.split(r"^#{2,3} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert blocks, heading
    return "".join(blocks)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(script: str, folder: Path, **environment: str) -> str:
    """Run a script in which the program is the one under test; every command must succeed."""
    program = folder / "bin" / "lodestamp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lodestamp "$@"\n')
    program.chmod(0o755)
    ours = str(Path(lodestamp.__file__).parent.parent)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": ours, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_story_of_the_clock_runs_as_it_is_printed(tmp_path):
    said = run(shell_of(REPOSITORY / "README.md", CLOCK), tmp_path)
    assert "ESTABLISHED  minutes.txt.proof.json" in said
    assert "yes time       existed no later than" in said
    assert (tmp_path / "minutes.txt.operation.json.ots").is_file()
    assert_clean(tmp_path / "clock")


@pytest.mark.slow
def test_the_story_of_the_readme_runs_as_it_is_printed(tmp_path):
    """Derived, refuted, granted, shown over HTTP, revoked, purged, receipted (S11, S28, S29)."""
    script = shell_of(REPOSITORY / "README.md", STORY).replace("8470", str(free_port()))
    said = run(_LEAVE_NOTHING + script, tmp_path)
    assert said.count("-> source-invalid") == 2
    assert "That was Bo's calendar." in said
    assert "purged     1 attestations" in said
    assert re.search(r"^acknowledged +sha256:", said, re.MULTILINE)
    assert "1 shown, 1 said to be purged" in said
    for home in ("ada", "agency"):
        assert_clean(tmp_path / home)


@pytest.mark.slow
def test_the_work_of_the_readme_is_owned_as_it_is_printed(tmp_path):
    """Registered, sold, tipped, its dividends paid; proved and drawn (R41-R51)."""
    said = run(shell_of(REPOSITORY / "README.md", OWNERSHIP), tmp_path)
    assert said.count("would be valid: ") == 4
    assert re.search(r" +12000$", said, re.MULTILINE)
    assert "ESTABLISHED" in said
    assert (tmp_path / "song.svg").read_text("utf-8").count("<rect") == 3
    assert_clean(tmp_path / "studio")


@pytest.mark.slow
def test_the_chapters_of_the_tutorial_run_as_they_are_printed(tmp_path):
    script = "".join(shell_of(REPOSITORY / "docs" / "tutorial.md", each) for each in CHAPTERS)
    said = run(script, tmp_path, LODESTAMP_HOME=str(tmp_path / "ada"))
    assert "claim valid: ada prefers.tea" in said
    assert "status     source-invalid" in said
    assert re.search(r"^requested +sha256:", said, re.MULTILINE)
    for home in ("ada", "agency"):
        assert_clean(tmp_path / home)
