"""Kill, tear and truncate: nothing acknowledged is lost, nothing damaged is accepted."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import lodestamp
from homes import assert_clean, audited_node, found_codes, reading
from lodestamp.errors import LodestampError, LogCorrupt
from lodestamp.node.fsck import fsck

WRITER = Path(__file__).with_name("crash_writer.py")
KILLS = 50


@pytest.mark.slow
def test_kill_nine_at_fifty_instants_loses_nothing_acknowledged(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    home = tmp_path / "home"
    acknowledged: dict[int, str] = {}
    for kill in range(KILLS):
        delay = chance.uniform(0.0, 0.35)
        acknowledged |= _run_and_kill(home, kill * 1_000_000, partial(time.sleep, delay))
        report = fsck(home)
        assert report.findings == [], f"seed {seed}, kill {kill}"
        assert report.checked.get("operations", 0) >= len(acknowledged), f"seed {seed}"
    with audited_node(home) as node:
        for index, op_id in acknowledged.items():
            assert node.prove(op_id).log.index == index, f"seed {seed}"
    assert len(acknowledged) > KILLS


def _run_and_kill(home: Path, start: int, wait: Callable[[], object]) -> dict[int, str]:
    """Let the writer run until `wait` returns; return what it acknowledged before it was killed."""
    command = [sys.executable, str(WRITER), str(home), str(start)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    wait()
    writer.send_signal(signal.SIGKILL)
    lines = writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    writer.stdout.close()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(index): op_id for index, op_id in whole}


@pytest.fixture(scope="module")
def torn(tmp_path_factory) -> tuple[Path, dict[int, str]]:
    """A home whose writer was killed: its write-ahead log is not folded in yet."""
    home = tmp_path_factory.mktemp("torn") / "home"
    wal = home / "lodestamp.db-wal"

    def grown() -> None:
        for _ in range(2_000):
            if wal.stat().st_size > 2_000_000:
                return
            time.sleep(0.01)

    acknowledged = _run_and_kill(home, 0, grown)
    assert wal.stat().st_size > 2_000_000
    return home, acknowledged


def _copy(torn: tuple[Path, dict[int, str]], to: Path) -> Path:
    shutil.copytree(torn[0], to)
    return to


def _is_refused_or_whole(home: Path, acknowledged: dict[int, str]) -> str:
    """Open a damaged home: either it says so, or everything acknowledged is there."""
    try:
        with lodestamp.open(home) as node:
            for op_id in acknowledged.values():
                node.prove(op_id)
            node.record(**reading(0))
    except LogCorrupt:
        assert not fsck(home).clean
        return "refused"
    assert_clean(home)
    return "whole"


def test_a_truncated_write_ahead_log_is_never_taken_for_the_whole(torn, tmp_path):
    size = (torn[0] / "lodestamp.db-wal").stat().st_size
    outcomes = []
    for step in range(24):
        home = _copy(torn, tmp_path / str(step))
        with (home / "lodestamp.db-wal").open("r+b") as wal:
            wal.truncate(size * step // 24 // 512 * 512)
        outcomes.append(_is_refused_or_whole(home, torn[1]))
    assert outcomes.count("refused") >= 20, outcomes


def test_a_torn_last_page_of_the_write_ahead_log_is_never_taken_for_the_whole(torn, tmp_path):
    for cut in (1, 512, 1024, 4096):
        home = _copy(torn, tmp_path / str(cut))
        with (home / "lodestamp.db-wal").open("r+b") as wal:
            size = wal.seek(0, 2)
            wal.seek(size - cut)
            wal.write(bytes(cut))
        _is_refused_or_whole(home, torn[1])


def test_a_lost_write_ahead_log_is_a_roll_back_and_is_refused(torn, tmp_path):
    home = _copy(torn, tmp_path / "home")
    (home / "lodestamp.db-wal").unlink()
    (home / "lodestamp.db-shm").unlink(missing_ok=True)
    with pytest.raises(LogCorrupt):
        lodestamp.open(home)
    assert found_codes(home)


def test_an_older_copy_of_the_database_is_refused(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
    shutil.copy(home / "lodestamp.db", tmp_path / "older.db")
    with audited_node(home) as node:
        node.record(**reading(2))
    shutil.copy(tmp_path / "older.db", home / "lodestamp.db")
    with pytest.raises(LogCorrupt) as refused:
        lodestamp.open(home)
    assert refused.value.code == "log-rolled-back"
    assert found_codes(home) == {"A18"}


def test_a_deleted_database_is_not_replaced_by_an_empty_log(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
    (home / "lodestamp.db").unlink()
    for _ in range(2):
        with pytest.raises(LogCorrupt) as refused:
            lodestamp.open(home)
        assert refused.value.code == "log-rolled-back"
        assert found_codes(home) == {"S1"}
        assert not (home / "lodestamp.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000, bytes(8192)])
def test_a_file_that_is_no_database_is_told_from_a_log(tmp_path, content):
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.record(**reading(1))
    (home / "lodestamp.db").write_bytes(content)
    with pytest.raises(LogCorrupt):
        lodestamp.open(home)
    assert found_codes(home)


def test_any_damaged_page_is_found_by_the_auditor_or_harmless(tmp_path):
    """Each page of a small log in turn is overwritten with zeros, and one byte of each flipped."""
    source = tmp_path / "home"
    with audited_node(source) as node:
        recorded = [node.record_future(**reading(n)) for n in range(300)]
        ids = [each.result().op_id for each in recorded]
    size = (source / "lodestamp.db").stat().st_size
    chance = random.Random(20)
    found = 0
    for page in range(size // 4096):
        for flip in (False, True):
            home = tmp_path / f"{page}-{flip}"
            shutil.copytree(source, home)
            with (home / "lodestamp.db").open("r+b") as file:
                at = page * 4096 + (chance.randrange(4096) if flip else 0)
                file.seek(at)
                old = file.read(1)
                file.seek(at)
                file.write(bytes([old[0] ^ (1 << chance.randrange(8))]) if flip else bytes(4096))
            if fsck(home).clean:
                _assert_whole(home, ids)
            else:
                found += 1
            shutil.rmtree(home)
    assert found > size // 4096


def _assert_whole(home: Path, ids: list[str]) -> None:
    """What the auditor calls clean holds every operation, provable."""
    with lodestamp.open(home) as node:
        for index, op_id in enumerate(ids):
            assert node.prove(op_id).log.index == index


def test_opening_garbage_never_raises_anything_but_our_errors(tmp_path):
    source = tmp_path / "home"
    with audited_node(source) as node:
        node.record(**reading(1))
    chance = random.Random(7)
    data = (source / "lodestamp.db").read_bytes()
    for number in range(40):
        home = tmp_path / str(number)
        shutil.copytree(source, home)
        torn = bytearray(data)
        for _ in range(chance.randrange(1, 30)):
            torn[chance.randrange(len(torn))] = chance.randrange(256)
        (home / "lodestamp.db").write_bytes(torn)
        try:
            with lodestamp.open(home) as node:
                node.record(**reading(2))
        except LodestampError:
            assert not fsck(home).clean
