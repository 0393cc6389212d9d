"""Two processes, one home: both succeed, one log, no fork, no lost index."""

from __future__ import annotations

import json
import subprocess
import sys

import lodestamp
from homes import assert_clean

STAMPER = """
import json, sys, lodestamp
from pathlib import Path
home, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with lodestamp.open(home) as node:
    for number in range(count):
        path = Path(home).parent / f"{name}-{number}.txt"
        path.write_text(f"{name} {number}")
        proof = node.stamp(path)
        path.with_suffix(".proof.json").write_bytes(proof.encode())
        print(json.dumps([proof.log.index, str(path)]), flush=True)
"""


def test_two_processes_stamp_into_one_home_at_once(tmp_path):
    home = tmp_path / "home"  # not made yet: the two race for that as well
    count = 40
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", STAMPER, str(home), name, str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    said = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    stamped = [json.loads(line) for text in said for line in text.splitlines()]
    assert sorted(index for index, _path in stamped) == list(range(2 * count))
    assert_clean(home)
    for _index, path in stamped:
        verdict = lodestamp.verify(path.replace(".txt", ".proof.json"), path)
        assert verdict.exit_code == 0
    left, right = ([json.loads(line)[0] for line in text.splitlines()] for text in said)
    assert max(min(left), min(right)) < min(max(left), max(right)), "they never met"
