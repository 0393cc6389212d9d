"""Two processes, one home: both succeed, one log, no fork, no lost index."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lodestamp
from homes import assert_clean, reading
from lodestamp.errors import LogCorrupt

STAMPER = """
import json, sys, lodestamp
from pathlib import Path
home, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
lodestamp.open  # imported before the start
print("ready", flush=True)
sys.stdin.readline()
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
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n", "ready\n"]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    stamped = [json.loads(line) for text in said for line in text.splitlines()]
    assert sorted(index for index, _path in stamped) == list(range(2 * count))
    assert_clean(home)
    with sqlite3.connect(home / "lodestamp.db") as database:
        chain = database.execute("SELECT author_seq FROM operation ORDER BY seq").fetchall()
        contradictions = database.execute("SELECT count(*) FROM equivocation").fetchone()
    assert chain == [(number,) for number in range(2 * count)]  # N5: one chain, no fork
    assert contradictions == (0,)
    for _index, path in stamped:
        verdict = lodestamp.verify(path.replace(".txt", ".proof.json"), path)
        assert verdict.exit_code == 0
    left, right = ([json.loads(line)[0] for line in text.splitlines()] for text in said)
    assert max(min(left), min(right)) < min(max(left), max(right)), "they never met"


def test_a_home_can_be_opened_while_another_process_writes(tmp_path):
    """What the neighbour publishes meanwhile must not look like a rollback."""
    home = tmp_path / "home"
    writer = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crash_writer.py")), str(home), "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    drain = threading.Thread(target=writer.stdout.read)
    drain.start()
    try:
        for _ in range(150):
            lodestamp.open(home).close()
    finally:
        writer.kill()
        writer.wait()
        drain.join()
        writer.stdout.close()
    assert_clean(home)


def test_a_log_replaced_under_an_open_node_is_not_gone_on_with(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    lodestamp.open(home, origin="example.org/log").close()
    shutil.copytree(home, other)
    with lodestamp.open(home) as node:
        node.record(**reading(1))
        with lodestamp.open(other) as longer:
            for number in range(3):
                longer.record(**reading(10 + number))
        source, target = (sqlite3.connect(each / "lodestamp.db") for each in (other, home))
        source.backup(target)
        source.close()
        target.close()
        with pytest.raises(LogCorrupt):
            node.record(**reading(2))
