"""Real programs for tests: found by name, started on loopback, ended by their own process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY, REQUIRED
from lodestamp.errors import ChainError

PROGRAMS = {"kubo": "ipfs"}
"""Programs that are called otherwise than the variable that names them."""
INSTALLED = frozenset({"btcd", "kubo", "ots"})
"""What `make engines` installs; the others are used where somebody names them."""


def find_engine(name: str) -> Path:
    """Return a program: LODESTAMP_<NAME>, else ./.engines/bin, else PATH; absent, skip or fail."""
    variable = f"LODESTAMP_{name.upper()}"
    named = os.environ.get(variable)
    if named:
        assert Path(named).is_file(), f"{variable} names no file"
        return Path(named)
    program = PROGRAMS.get(name, name)
    built = REPOSITORY / ".engines" / "bin" / program
    found = str(built) if built.is_file() else shutil.which(program)
    if found:
        return Path(found)
    reason = f"{name} is absent: `make engines`, or name it by {variable}"
    if name in INSTALLED and "engines" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the test needs it; its output is kept in the folder."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until_ready(open_it, process, folder: Path, seconds: float = 30):
    """Call until the program answers; fail with its output when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return open_it()
        except ChainError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "output").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.2)
