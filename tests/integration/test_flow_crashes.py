"""Kill -9 in each stage and inside each effect, then resume: the same result (R41)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY

WRITER = Path(__file__).with_name("flow_writer.py")


@pytest.mark.slow
def test_r41_a_flow_killed_at_any_effect_comes_to_the_same_end(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}/tests"}
    command = [sys.executable, str(WRITER), str(tmp_path), "1", "1"]
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    whole, *others = [json.loads(line) for line in ran.stdout.splitlines()]
    effects = whole["told"].pop("effects")
    assert len(others) == effects > 30
    assert all(each["killed"] for each in others)
    for each in others:
        each["told"].pop("effects")
        assert each["told"] == whole["told"], each["at"]
    assert whole["told"]["success"]
    assert whole["told"]["fundings"] == 1
    assert whole["told"]["paid"] == 0
    assert whole["told"]["findings"] == []
    assert set(whole["told"]["legs"].values()) == {"established"}
