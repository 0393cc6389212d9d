"""What every room of tests shares: where the vectors are, and what must not be skipped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
REQUIRED = frozenset(filter(None, os.environ.get("LODESTAMP_REQUIRE", "").split(",")))

settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


def vector_folder() -> Path:
    """Return the folder of shared vectors: LODESTAMP_VECTORS, else ../shared/vectors."""
    named = os.environ.get("LODESTAMP_VECTORS")
    return Path(named) if named else REPOSITORY.parent / "shared" / "vectors"


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of shared vectors; its absence skips, or fails where they are required."""
    folder = vector_folder()
    if folder.is_dir():
        return folder
    reason = "the shared vectors are absent; point LODESTAMP_VECTORS at them"
    if "vectors" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def load_json(path: Path) -> Any:
    """Read a vector file."""
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test ever touches the home folder of the person who runs it."""
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
