"""Writing out of the store: nothing is followed, nothing is overwritten unasked (R126)."""

from __future__ import annotations

import os

import pytest

from lodestamp.core.content import (
    EntryType,
    File,
    Folder,
    Metadata,
    PBLink,
    PBNode,
    Root,
    Symlink,
    add_directory,
    add_symlink,
    dag_pb,
    get_profile,
    unixfs,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMissing, InputError, LodestampError, PathError, StoreError
from lodestamp.node.blocks import Extractor

PROFILE = get_profile("unixfs-v1-2025")


def _dag(*entries):
    blocks, root = {}, None
    for item in add_directory(entries, PROFILE):
        if isinstance(item, Root):
            root = item.cid
        else:
            blocks[item.cid] = item.data
    return root, blocks


TREE = (
    Folder((b"empty",)),
    File((b"a.txt",), [b"hello"]),
    File((b"d", b"big"), [b"x" * 3_000_000]),
    Symlink((b"d", b"l"), b"../a.txt"),
)


def test_a_tree_is_written_as_it_was(tmp_path):
    root, blocks = _dag(*TREE)
    seen = []
    written = Extractor(blocks.get).extract(root, tmp_path / "out", lambda *a: seen.append(a))
    assert written == 3_000_005
    assert seen[-1] == (3_000_005, 3_000_005)
    out = tmp_path / "out"
    assert (out / "a.txt").read_bytes() == b"hello"
    assert (out / "d/big").read_bytes() == b"x" * 3_000_000
    assert (out / "d/l").readlink().as_posix() == "../a.txt"
    assert sorted(p.name for p in out.rglob("*")) == ["a.txt", "big", "d", "empty", "l"]


def test_r126_what_stands_there_needs_force(tmp_path):
    root, blocks = _dag(*TREE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old")
    with pytest.raises(InputError) as refused:
        Extractor(blocks.get).extract(root, tmp_path / "out")
    assert refused.value.code == "exists"
    Extractor(blocks.get, force=True).extract(root, tmp_path / "out")
    assert (tmp_path / "out/a.txt").read_text() == "hello"


def test_r126_a_symlink_that_stands_there_is_not_followed(tmp_path):
    root, blocks = _dag(*TREE)
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/d").symlink_to(tmp_path / "outside")
    (tmp_path / "secret").write_text("old")
    (tmp_path / "out/a.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(PathError) as refused:
        Extractor(blocks.get, force=True).extract(root, tmp_path / "out")
    assert refused.value.code == "path.not-a-directory"
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "secret").read_text() == "old"


def test_r126_writing_through_a_symlink_of_the_same_tree_is_refused(tmp_path):
    """A name twice: first a symlink out, then a folder written into."""
    target, block = add_symlink(b"..", PROFILE)
    inner, blocks = _dag(File((b"x",), [b"evil"]))
    links = (PBLink(target.cid, b"d", 0), PBLink(inner, b"d", 0))
    data = dag_pb.encode(PBNode(links, unixfs.encode(unixfs.Entry(EntryType.DIRECTORY))))
    blocks |= {block.cid: block.data, Cid.of(0x70, data): data}
    with pytest.raises(LodestampError) as refused:
        Extractor(blocks.get).extract(Cid.of(0x70, data), tmp_path / "out")
    assert refused.value.code == "unixfs.duplicate-name"
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "x").exists()


def test_r126_an_escape_writes_nothing_at_all(tmp_path):
    root, blocks = _dag(File((b"a",), [b"x"]), Symlink((b"l",), b"/etc/passwd"))
    with pytest.raises(PathError) as refused:
        Extractor(blocks.get).extract(root, tmp_path / "out")
    assert refused.value.code == "path.symlink-escape"
    assert list(tmp_path.iterdir()) == []


def test_r126_symlinks_can_be_left_out_but_are_judged(tmp_path):
    root, blocks = _dag(*TREE)
    Extractor(blocks.get, symlinks="skip").extract(root, tmp_path / "out")
    assert not os.path.lexists(tmp_path / "out/d/l")


def test_r126_modes_only_on_request_and_without_their_dangerous_bits(tmp_path):
    root, blocks = _dag(
        File((b"run",), [b"x"], Metadata(0o6755)), Folder((b"z",), Metadata(0o1700))
    )
    Extractor(blocks.get).extract(root, tmp_path / "plain")
    Extractor(blocks.get, restore_mode=True).extract(root, tmp_path / "exact")
    assert (tmp_path / "plain/run").stat().st_mode & 0o7111 == 0
    assert (tmp_path / "exact/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "exact/z").stat().st_mode & 0o7777 == 0o700


def test_a_file_of_which_a_block_is_missing_leaves_no_part_of_itself(tmp_path):
    root, blocks = _dag(*TREE)
    gone = max(blocks, key=lambda cid: (len(blocks[cid]), str(cid)))
    del blocks[gone]
    with pytest.raises(BlockMissing) as refused:
        Extractor(blocks.get).extract(root, tmp_path / "out")
    assert refused.value.cid == str(gone)
    assert not (tmp_path / "out/d/big").exists()
    assert list(tmp_path.rglob("*.part")) == []


def test_a_file_is_written_by_itself(tmp_path):
    _root, blocks = _dag(*TREE)
    cid = next(cid for cid, data in blocks.items() if data == b"hello")
    assert Extractor(blocks.get).extract(cid, tmp_path / "one") == 5
    assert (tmp_path / "one").read_bytes() == b"hello"


def test_no_folder_to_write_into_is_told(tmp_path):
    root, blocks = _dag(*TREE)
    with pytest.raises(StoreError) as refused:
        Extractor(blocks.get).extract(root, tmp_path / "no/out")
    assert refused.value.code == "io"


def test_r126_more_than_the_disk_holds_is_refused_before_the_first_write(tmp_path, monkeypatch):
    root, blocks = _dag(*TREE)
    room = os.statvfs(tmp_path)

    class Little:
        f_bavail = 1
        f_frsize = room.f_frsize

    monkeypatch.setattr("os.fstatvfs", lambda _: Little)
    with pytest.raises(StoreError) as refused:
        Extractor(blocks.get).extract(root, tmp_path / "out")
    assert refused.value.code == "disk-full"
    assert list(tmp_path.iterdir()) == []
