"""The anchorer of a home: its key, its lock, its thread, and what its calendar then serves."""

from __future__ import annotations

import fcntl
import io
import os
import time
from threading import Thread

import pytest

import lodestamp
from lodestamp.core.bitcoin import REGTEST, output_script
from lodestamp.core.timestamps import BitcoinHeader, walk
from lodestamp.errors import (
    BadHeader,
    ChainUnavailable,
    LogLockedError,
    StoreError,
    WrongNetwork,
)
from lodestamp.node.anchors import HeaderStore
from lodestamp.node.anchors.tables import commitments
from lodestamp.node.chains import FileSigner
from lodestamp.node.fsck import fsck


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_key_is_one_line_for_its_owner_that_any_wallet_sweeps(tmp_path):
    with lodestamp.open(tmp_path / "home") as node, node.anchors() as anchors:
        key = tmp_path / "home" / "keys" / "anchor.key"
        assert key.stat().st_mode & 0o777 == 0o600
        signer = FileSigner(key, REGTEST)
        assert anchors.anchorer.script == bytes(output_script(signer.xonly()))
        first = anchors.anchorer.address
    with lodestamp.open(tmp_path / "home") as node, node.anchors() as anchors:
        assert anchors.anchorer.address == first


def test_a_running_anchorer_serves_what_a_calendar_promised(tmp_path):
    """R61: a promise becomes a path to a block, and only when that is final."""
    with lodestamp.open(tmp_path / "home") as node, node.anchors() as anchors:
        node.record(source="test", kind="reading", content={"n": 1})
        _, digest = node.anchor_newest(anchors)
        with anchors.running(pytest.fail, poll_s=0.01):
            until(lambda: anchors.anchorer.standing(digest))
            assert node.calendars.own.first_anchored(node.origin, 0) is None
            for _ in range(6):
                anchors.mine()
            until(lambda: anchors.anchorer.standing(digest).state == "final")
        size, timestamp = node.calendars.own.first_anchored(node.origin, 0)
        assert (size, timestamp.msg) == (1, digest)
        ((message, attestation),) = walk(timestamp)
        assert isinstance(attestation, BitcoinHeader)
        header = node.header_store(None).header(attestation.height)
        assert message == header.merkle
    assert fsck(tmp_path / "home").findings == []


@pytest.mark.parametrize(
    "trouble",
    [
        ChainUnavailable("away"),
        BadHeader("time-too-new", "the time is over two hours ahead"),
        LogLockedError("another writer held the log"),
        StoreError("the disk is full"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_no_trouble_ends_the_looking_and_each_is_told_once(tmp_path, monkeypatch, trouble):
    """A clock that is wrong or a disk that is full for a minute must not end anchoring for ever."""
    told, looks = [], []
    with lodestamp.open(tmp_path / "home") as node, node.anchors() as anchors:
        really = anchors.anchorer.poll

        def look():
            looks.append(1)
            if len(looks) in {1, 2, 3, 5}:
                raise trouble
            return really()

        monkeypatch.setattr(anchors.anchorer, "poll", look)
        with anchors.running(told.append, poll_s=0.01):
            until(lambda: len(looks) > 5)
    assert told == [trouble, trouble]  # it was well again in between


def test_a_journal_carried_to_another_home_is_anchored_there_and_found_clean(tmp_path):
    """R49, R50: own digests go along; A11 takes them for what they are, another log's."""
    carried = io.BytesIO()
    with lodestamp.open(tmp_path / "old") as old:
        old.record(source="test", kind="reading", content={"n": 1})
        old.open_calendar("https://calendar.example").close()
        (promised,) = old.calendars.submit()
        assert old.calendars.journal.export(carried) == 1
    carried.seek(0)
    with lodestamp.open(tmp_path / "new") as node, node.anchors() as anchors:
        assert node.calendars.journal.import_from(carried).added == 1
        assert fsck(tmp_path / "new").findings == []
        for _ in range(8):
            anchors.anchorer.poll(is_forced=True)
            anchors.mine()
        anchors.anchorer.poll()
        assert anchors.anchorer.standing(promised.digest).state == "final"
        with node._database.writing("forging") as connection:
            connection.execute(commitments.insert().values(commitment=bytes(32)))
    assert [each.code for each in fsck(tmp_path / "new").findings] == ["A11"]


def test_processes_of_one_home_look_in_turn(tmp_path):
    with lodestamp.open(tmp_path / "home") as node, node.anchors() as anchors:
        held = os.open(tmp_path / "home" / "anchor.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(held, fcntl.LOCK_EX)
        looking = Thread(target=anchors.anchorer.poll)
        looking.start()
        time.sleep(0.3)
        assert looking.is_alive()
        os.close(held)
        looking.join(20)
        assert not looking.is_alive()


def test_headers_of_another_network_keep_the_anchorer_out(tmp_path):
    with lodestamp.open(tmp_path / "home") as node:
        assert isinstance(node.header_store("main"), HeaderStore)
        with pytest.raises(WrongNetwork):
            node.anchors()
