"""Large inputs: a hundred thousand operations, a file of a gigabyte."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import lodestamp
from homes import assert_clean, reading
from lodestamp.core.content import DEFAULT, address_file, get_profile
from lodestamp.core.encoding import Cid

GIB = 1 << 30
MEMORY_KIB_MAX = 200 << 10
"""200 MiB: what `stamp` may take at its peak, whatever the file."""
PEAK = """
import sys
from pathlib import Path
from lodestamp.faces.cli.program import run
code = run(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""
"""Runs the program and says its peak memory in KiB; a parent's own does not count in."""


@pytest.mark.slow
def test_a_hundred_thousand_operations_are_recorded_and_each_is_durable(tmp_path):
    home = tmp_path / "home"
    count = 100_000
    with lodestamp.open(home) as node:
        futures = [node.record_future(**reading(n)) for n in range(count)]
        recorded = [future.result() for future in futures]
    assert [each.log_index for each in recorded] == list(range(count))
    assert all(each.tree_size > each.log_index for each in recorded)
    assert_clean(home)
    with lodestamp.open(home) as node:
        for each in recorded[:: count // 50]:
            proof = node.prove(each.op_id)
            assert (proof.log.index, proof.log.size) == (each.log_index, count)
            assert lodestamp.verify(proof).exit_code == 0


@pytest.mark.slow
def test_a_gibibyte_is_stamped_in_flat_memory(tmp_path):
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        file.truncate(GIB)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "stamp", str(path)],
        env={**os.environ, "LODESTAMP_HOME": str(tmp_path / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert int(done.stderr) <= MEMORY_KIB_MAX
    proof = lodestamp.Proof.parse((tmp_path / "big.bin.proof.json").read_bytes())
    zeros = bytes(1 << 20)
    root = address_file((zeros for _ in range(1024)), get_profile(DEFAULT))
    assert (proof.content.cid, proof.content.size) == (root.cid, GIB)
    assert proof.content.cid == Cid.parse(str(root.cid))
