"""Real programs of the field that tests start: where they are, and what their absence means."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from conftest import REPOSITORY, REQUIRED


def engine(program: str, variable: str) -> Path:
    """Return a program: what `variable` names, else ./.engines/bin, else PATH (DESIGN §7).

    Absent, the test is skipped with its reason; where engines are required it fails.
    """
    named = os.environ.get(variable)
    built = REPOSITORY / ".engines" / "bin" / program
    found = named or (str(built) if built.is_file() else shutil.which(program))
    if found:
        return Path(found)
    reason = f"{program} is absent: `make engines`, or name it in {variable}"
    if "engines" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
