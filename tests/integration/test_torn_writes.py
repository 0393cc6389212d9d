"""Torn last writes at every 512 bytes, full disks and dead ones: refused, never acknowledged.

Spec of transparency §12, the crash paragraph; R29 to R31 and R49.
"""

from __future__ import annotations

import io
import os
import shutil
import struct
from pathlib import Path

import pytest

import lodestamp
from calendars import findings
from faults import SECTOR, disk_full_at, replaced_by
from homes import assert_clean, audited_node, found_codes, reading
from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import (
    AddCheckpoint,
    Checkpoint,
    NoteSigner,
    encode_add_checkpoint,
    parse_note,
    sign_note,
)
from lodestamp.errors import LogCorrupt, StoreError
from lodestamp.node.anchors import Journal
from lodestamp.node.fsck import fsck
from lodestamp.node.storage import Database

FRAME = 24 + 4_096
"""Bytes of a frame of the write-ahead log: its header, and a page."""
WAL_HEADER = 32


def last_commit(wal: bytes) -> int:
    """Return where the frames of the last transaction begin."""
    ends = []
    for at in range(WAL_HEADER, len(wal) - FRAME + 1, FRAME):
        (pages_after,) = struct.unpack_from(">I", wal, at + 4)
        if pages_after and wal[at + 8 : at + 16] == wal[16:24]:  # a commit, of this log's salt
            ends.append(at + FRAME)
    return ends[-2]


def cuts(start: int, end: int) -> range:
    """Every 512-byte step at which a write from `start` to `end` can tear."""
    return range(start + -start % SECTOR, end, SECTOR)


def killed_home(folder: Path) -> tuple[Path, list[bytes], list[str]]:
    """Return a home as a killed writer leaves it, what it published before, and its operations."""
    home, left = folder / "made", folder / "left"
    published, ids = [], []
    with lodestamp.open(home) as node:
        for number in range(5):
            ids.append(node.record(**reading(number)).op_id)
            published.append((home / "checkpoint").read_bytes())
        shutil.copytree(home, left)
    return left, published, ids


def torn(home: Path, to: Path, size: int, *, by_zeros: bool) -> Path:
    """Copy a home whose write-ahead log ends at `size`, or goes on with zeros."""
    shutil.copytree(home, to)
    wal = to / "lodestamp.db-wal"
    length = wal.stat().st_size
    os.truncate(wal, size)
    if by_zeros:
        os.truncate(wal, length)
    (to / "lodestamp.db-shm").unlink(missing_ok=True)
    return to


@pytest.mark.slow
@pytest.mark.parametrize("by_zeros", [False, True])
def test_the_last_commit_torn_at_every_step_after_its_reply_is_refused(tmp_path, by_zeros):
    """What was published says that it was acknowledged: going on would sign a second note."""
    home, _published, _ids = killed_home(tmp_path)
    wal = (home / "lodestamp.db-wal").read_bytes()
    steps = cuts(last_commit(wal), len(wal))
    assert len(steps) > 8
    for size in steps:
        broken = torn(home, tmp_path / f"{size}", size, by_zeros=by_zeros)
        with pytest.raises(LogCorrupt) as refused:
            lodestamp.open(broken)
        assert refused.value.code == "log-rolled-back"
        shutil.rmtree(broken)


@pytest.mark.slow
def test_a_commit_torn_at_every_step_before_its_reply_leaves_the_log_before_it(tmp_path):
    home, published, ids = killed_home(tmp_path)
    (home / "checkpoint").write_bytes(published[-2])
    wal = (home / "lodestamp.db-wal").read_bytes()
    for size in cuts(last_commit(wal), len(wal)):
        broken = torn(home, tmp_path / f"{size}", size, by_zeros=size % 1024 == 0)
        with audited_node(broken) as node:
            assert [node.inclusion(op_id)[0].index for op_id in ids[:-1]] == [0, 1, 2, 3]
            assert node.record(**reading(9)).log_index == 4
        shutil.rmtree(broken)


def test_the_import_of_a_journal_torn_at_every_step_of_its_commit_is_whole_or_nothing(tmp_path):
    known = [bytes([n]) * 44 for n in range(3)]
    added = [bytes([n]) * 44 for n in range(3, 120)]
    database = Database.open(tmp_path / "a.db")
    Journal(database).append(known)
    Journal(database).import_from(io.BytesIO(b"".join(added)))
    wal = (tmp_path / "a.db-wal").read_bytes()
    main = (tmp_path / "a.db").read_bytes()
    database.close()
    seen = set()
    for size in (*cuts(last_commit(wal), len(wal)), len(wal)):
        path = tmp_path / f"{size}" / "a.db"
        path.parent.mkdir()
        path.write_bytes(main)
        Path(f"{path}-wal").write_bytes(wal[:size])
        found = journal_of(path)
        assert found in (known, known + added)
        assert findings(path) == []
        seen.add(len(found))
    assert seen == {3, 120}


def test_a_journal_file_torn_at_every_step_is_padded_and_never_shifted(tmp_path):
    """R49: every record before the tear stands, the torn one is padded where it is."""
    records = [bytes([n]) * 44 for n in range(1, 100)]
    file = b"".join(records)
    for size in range(SECTOR, len(file), SECTOR):
        path = tmp_path / f"{size}.db"
        database = Database.open(path)
        imported = Journal(database).import_from(io.BytesIO(file[:size]))
        database.close()
        whole = size // 44
        assert (imported.records, imported.padded) == (whole + bool(size % 44), -size % 44)
        found = journal_of(path)
        assert found[:whole] == records[:whole]
        assert all(each == file[44 * whole : size].ljust(44, b"\0") for each in found[whole:])
        assert findings(path) == []


def journal_of(path: Path) -> list[bytes]:
    """Return the records of a calendar's journal."""
    database, file = Database.open(path), io.BytesIO()
    Journal(database).export(file)
    database.close()
    data = file.getvalue()
    return [data[at : at + 44] for at in range(0, len(data), 44)]


def test_a_mirror_file_torn_at_every_step_of_its_write_is_never_seen(tmp_path):
    """R31: under its name stands the old file or the new one; the tables stay the truth."""
    home, folder = tmp_path / "home", tmp_path / "mirror"
    with lodestamp.open(home) as node:
        for each in [node.record_future(**reading(number)) for number in range(80)]:
            each.result()
        tile = 32 * 80
        for size in (0, 1, *range(SECTOR, tile, SECTOR)):
            with disk_full_at(size), pytest.raises(StoreError) as refused:
                node.public.mirror(folder)
            assert refused.value.code == "io"
            assert not (folder / "checkpoint").exists()
            assert [each for each in folder.rglob("*") if each.is_file()] == []
        for where in (folder, folder / "tile/0"):  # a kill leaves what it was writing
            where.mkdir(parents=True, exist_ok=True)
            (where / ".0123456789abcdef.part").write_bytes(bytes(SECTOR))
        node.public.mirror(folder)
    assert_clean(home)
    assert fsck(home).checked["mirror_files"] == 2


def test_a_mirror_file_cut_at_every_step_is_found(tmp_path):
    """A15: whatever a disk kept of a file that was whole once."""
    home, folder = tmp_path / "home", tmp_path / "mirror"
    with lodestamp.open(home) as node:
        for each in [node.record_future(**reading(number)) for number in range(80)]:
            each.result()
        node.public.mirror(folder)
    for name in ("tile/0/000.p/80", "tile/entries/000.p/80", "checkpoint"):
        whole = (folder / name).read_bytes()
        for size in range(0, len(whole), SECTOR):
            (folder / name).write_bytes(whole[:size])
            assert found_codes(home) == {"A15"}
        (folder / name).write_bytes(whole)
    assert_clean(home)


def test_a_disk_that_is_full_at_every_step_of_a_commit_refuses_and_acknowledges_nothing(tmp_path):
    """The write-ahead log takes part of a commit, then no more: the next one begins clean."""
    home = tmp_path / "home"
    with audited_node(home) as node:
        first = node.record(**reading(0))
        wal = home / "lodestamp.db-wal"
        refusals = 0
        grown = wal.stat().st_size
        for size in cuts(grown, grown + 6 * FRAME):
            note = node.checkpoint()
            if _fits(node, size):
                break
            refusals += 1
            assert node.checkpoint() == note
        assert refusals > 8
        after = node.record(**reading(1))
        assert after.log_index in (first.log_index + 1, first.log_index + 2)


def _fits(node: lodestamp.Node, size: int) -> bool:
    with disk_full_at(size):
        try:
            node.record(source="s", kind="k", content={"at": size})
        except StoreError:
            return False
    return True


WITNESSED = NoteSigner("log.example/w", SigningKey.from_seed("ed25519", b"\x01" * 32))
ASKED = encode_add_checkpoint(
    AddCheckpoint(
        0,
        (),
        parse_note(sign_note(Checkpoint(WITNESSED.name, 1, bytes(32)).text(), [WITNESSED])),
    )
)
FAULTS = {
    "that answers with EIO": ("/proc/self/mem", os.O_RDWR, {"io"}),
    "without room": ("/dev/full", os.O_RDWR, {"disk-full"}),
    "that takes no write": ("/dev/zero", os.O_RDONLY, {"io"}),
    "that cannot make it durable": ("/dev/zero", os.O_RDWR, {"io"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_refuses_and_what_was_acknowledged_stands(tmp_path, name):
    device, flags, codes = FAULTS[name]
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        kept = [node.record(**reading(number)) for number in range(3)]
        journal = Journal(node._database)
        witness = node.public.witness
        witness.add_log(WITNESSED.name, WITNESSED.verifier_key)
        node._database.cut_write_ahead_log()  # reads go past it: writes alone meet the fault
        with replaced_by(device, flags, home / "lodestamp.db-wal") as replaced:
            assert replaced > 0
            for number in range(3):
                with pytest.raises(StoreError) as refused:
                    node.record(**reading(10 + number))
                assert refused.value.code in codes
                with pytest.raises(StoreError):
                    journal.append([bytes([number]) * 44])
                with pytest.raises(StoreError):  # nothing is cosigned that is not stored (R24)
                    witness.add_checkpoint(ASKED)
    with audited_node(home) as node:
        assert [node.inclusion(each.op_id)[0].index for each in kept] == [0, 1, 2]
        after = node.record(**reading(20))
        assert after.log_index == 3
        assert Journal(node._database).export(io.BytesIO()) == 0
        assert node.public.witness.add_checkpoint(ASKED).status == 200
