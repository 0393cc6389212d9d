"""Killed while adding, at random instants: what was acknowledged stays (content spec R102)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blocks_writer import content
from conftest import REPOSITORY
from homes import as_nobody, let_everybody_in
from lodestamp.core.content import address_file, get_profile
from lodestamp.node.blocks import Adder, BlockStore, Pin, collect_garbage
from lodestamp.node.storage import Database
from stores import Clock, audited_store, findings, opened_store, pack_files, put, raw, raws

PROFILE = get_profile("unixfs-v1-2025")
CHILD = REPOSITORY / "tests" / "blocks_writer.py"


def _start(folder, size):
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'src'}"}
    command = [sys.executable, str(CHILD), str(folder), str(size)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout.readline() == "started\n"
    return child


def _committed(folder):
    """The blocks a store acknowledges, by its index."""
    from sqlalchemy import select

    from lodestamp.node.blocks.tables import blocks

    with opened_store(folder) as store, store.database.reading("counting") as connection:
        return set(connection.execute(select(blocks.c.mh)).scalars())


@pytest.mark.slow
def test_r102_kill_9_at_30_random_instants_loses_nothing_acknowledged(tmp_path):
    """1 GiB; the store opens after each, re-adding goes on where it stopped."""
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    size = 1024
    before: set[bytes] = set()
    killed = 0
    for number in range(30):
        child = _start(tmp_path, size)
        try:
            time.sleep(draw.uniform(0.0, 1.2))
            killed += child.poll() is None
            child.send_signal(signal.SIGKILL)
        finally:
            child.wait()
            child.stdout.close()
        now = _committed(tmp_path)
        assert before <= now, f"seed {seed}: round {number} lost {len(before - now)} blocks"
        before = now
        if number % 6 == 5:
            assert findings(tmp_path) == [], f"seed {seed}: round {number}"
    assert killed > 20, f"seed {seed}: the adds were too quick to be killed"
    child = _start(tmp_path, size)
    cid, new_blocks = child.stdout.read().split()
    child.wait()
    child.stdout.close()
    root = address_file(content(size), PROFILE)
    assert cid == str(root.cid)
    assert int(new_blocks) == root.blocks - len(before)  # the rest was known
    with opened_store(tmp_path) as store:
        assert [pin.cid for pin in store.pins()] == [root.cid]
    assert findings(tmp_path) == []


def test_r104_two_processes_add_the_same_content_at_once(tmp_path):
    children = [_start(tmp_path, 48), _start(tmp_path, 48)]
    said = [child.stdout.read().split() for child in children]
    for child in children:
        assert child.wait() == 0
        child.stdout.close()
    assert said[0][0] == said[1][0] == str(address_file(content(48), PROFILE).cid)
    with audited_store(tmp_path) as store:
        assert len(store.pins()) == 1
        assert len(pack_files(tmp_path)) <= 2


def test_r106_garbage_is_collected_while_another_process_adds(tmp_path):
    database = Database.open(tmp_path / "a.db")
    store = BlockStore.open(tmp_path / "blocks", database)
    put(store, raws(200, size=50_000))
    child = _start(tmp_path, 96)
    removed = 0
    while child.poll() is None:
        removed += collect_garbage(store, grace_ms=0).removed_blocks
    assert child.returncode == 0
    child.stdout.close()
    collect_garbage(store, grace_ms=0)
    (pin,) = store.pins()
    store.require_complete(pin)
    assert removed == 200
    database.close()
    assert findings(tmp_path) == []


def test_a_pack_that_may_not_be_written_is_told(tmp_path):
    """Reading goes on; what could not be written is not acknowledged."""
    let_everybody_in(tmp_path)
    with opened_store(tmp_path) as store:
        put(store, raws(3))
    pack = pack_files(tmp_path)[0]
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 65534, 65534) if os.geteuid() == 0 else None
    pack.chmod(0o400)

    def write():
        with opened_store(tmp_path) as store:
            assert store.get(raw(1).cid) == raw(1).data
            put(store, raws(3, start=10))

    assert as_nobody(write) == "StoreError read-only"
    pack.chmod(0o600)
    with audited_store(tmp_path) as store:
        assert store.get(raw(10).cid) is None


def test_readers_find_blocks_while_their_pack_is_rewritten(tmp_path):
    """R106: old packs go only when every row points elsewhere."""
    clock = Clock()
    with audited_store(tmp_path, clock) as store:
        kept = raws(20, size=30_000)
        put(store, [*kept, *raws(100, size=30_000, start=100)])
        for block in kept:
            store.pin(Pin(block.cid, "direct"))
        clock.ms += 10
        before = pack_files(tmp_path)
        collect_garbage(store, grace_ms=0)
        assert pack_files(tmp_path) != before
        assert all(store.get(block.cid) == block.data for block in kept)


def test_adding_again_after_everything_is_there_appends_nothing(tmp_path):
    with audited_store(tmp_path) as store:
        adder = Adder(store, PROFILE)
        for expected in (5, 0):
            (added,) = adder.add([Path("-")], stream=content(4))
            assert added.new_blocks == expected
