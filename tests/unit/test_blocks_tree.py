"""Reading a folder: order, hidden entries, symlinks, specials, and change (content spec R55)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lodestamp.core.content import File, Folder, Metadata, Mtime, Symlink
from lodestamp.errors import LimitExceeded, LodestampError, PathError, SourceError
from lodestamp.node.blocks import TreeOptions, read_tree


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "folder"
    (root / "b" / "empty").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x").write_bytes(b"h")
    (root / "b" / ".dot").write_bytes(b"d")
    (root / "b" / "f").write_bytes(b"ff")
    (root / "a").write_bytes(b"a")
    (root / "z").symlink_to("../no-such")
    (root / "\uff5e").write_bytes(b"1")
    (root / "\U0001f600").write_bytes(b"2")
    return root


def listed(root, options=None):
    """Return (path, what) of each entry, read in its turn."""
    found = []
    for entry in read_tree(root, options or TreeOptions()):
        path = b"/".join(entry.path).decode()
        if isinstance(entry, File):
            found.append((path, b"".join(bytes(piece) for piece in entry.pieces)))
        elif isinstance(entry, Symlink):
            found.append((path, "-> " + entry.target.decode()))
        else:
            found.append((path, None))
    return found


def test_R55_entries_come_depth_first_in_the_order_of_their_bytes(folder):
    assert listed(folder) == [
        ("", None),
        ("a", b"a"),
        ("b", None),
        ("b/empty", None),
        ("b/f", b"ff"),
        ("z", "-> ../no-such"),
        ("\uff5e", b"1"),
        ("\U0001f600", b"2"),
    ]


def test_hidden_entries_come_only_when_asked_for(folder):
    paths = [path for path, _ in listed(folder, TreeOptions(hidden=True))]
    assert {".hidden", ".hidden/x", "b/.dot"} <= set(paths)
    hidden_itself = folder / ".hidden"
    assert [path for path, _ in listed(hidden_itself)] == ["", "x"]


def test_empty_folders_can_be_left_out_and_others_still_carry_metadata(folder):
    options = TreeOptions(empty_folders=False, mode=True)
    (folder / "b" / "deep" / "er").mkdir(parents=True)
    entries = [entry for entry in read_tree(folder, options) if isinstance(entry, Folder)]
    assert [entry.path for entry in entries] == [(), (b"b",)]
    assert all(entry.metadata.mode for entry in entries)


def test_metadata_comes_only_when_asked_for(folder):
    path = folder / "a"
    path.chmod(0o4751)
    os.utime(path, ns=(0, -1_500_000_000))
    [found] = [entry for entry in read_tree(folder) if entry.path == (b"a",)]
    assert found.metadata == Metadata()
    options = TreeOptions(mode=True, mtime=True)
    [found] = [entry for entry in read_tree(folder, options) if entry.path == (b"a",)]
    assert found.metadata == Metadata(0o4751, Mtime(-2, 500_000_000))


def refusal(root):
    with pytest.raises(LodestampError) as refused:
        listed(root)
    return refused.value


def test_names_are_utf8_or_refused(folder):
    with open(os.fsencode(folder) + b"/\xff", "wb"):  # noqa: PTH123  a path of bytes
        pass
    error = refusal(folder)
    assert isinstance(error, PathError)
    assert error.code == "path.not-utf8"


def test_specials_are_refused_without_being_opened(folder):
    os.mkfifo(folder / "b" / "pipe")
    error = refusal(folder)
    assert isinstance(error, SourceError)
    assert error.code == "source.special"
    assert "b/pipe" in str(error)
    (folder / "b" / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
        assert refusal(folder).code == "source.special"


@pytest.mark.parametrize("where", ["a", "b/f"])
def test_a_file_that_changes_while_it_is_read_ends_it(folder, where):
    with pytest.raises(SourceError) as refused:
        for entry in read_tree(folder):
            if b"/".join(entry.path).decode() == where:
                (folder / where).write_bytes(b"longer than before")
                list(entry.pieces)
    assert refused.value.code == "source.changed"


def test_a_folder_that_changes_while_it_is_read_ends_it(folder):
    with pytest.raises(SourceError) as refused:
        for entry in read_tree(folder):
            if entry.path == (b"b", b"f"):
                os.utime(folder / "b", ns=(1, 1))
    assert refused.value.code == "source.changed"


def test_a_folder_swapped_for_a_symlink_meanwhile_is_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    paths = []
    with pytest.raises(SourceError):
        for entry in read_tree(folder):
            paths.append(entry.path)
            if entry.path == (b"a",):
                (folder / "b").rename(tmp_path / "moved")
                (folder / "b").symlink_to(outside)
    assert not any(b"secret" in path for path in paths)


def test_the_folder_itself_may_be_named_through_a_symlink(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert listed(tmp_path / "link") == listed(folder)


def test_what_cannot_be_read_is_named(folder, tmp_path):
    assert refusal(tmp_path / "gone").code == "source.missing"
    assert refusal(folder / "a").code == "source.unreadable"
    assert refusal(tmp_path / "nul\0").code == "source.unreadable"


def test_folders_within_folders_are_bounded(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(258):
        os.mkdir("d", dir_fd=handle)
        deeper = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = deeper
    os.close(handle)
    error = refusal(tmp_path)
    assert isinstance(error, LimitExceeded)
    assert error.code == "limit.depth"


def open_handles():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_every_handle_is_closed_whenever_one_stops(folder):
    before = open_handles()
    entries = read_tree(folder)
    for _ in range(4):
        next(entries)
    assert open_handles() > before
    entries.close()
    assert open_handles() == before


def test_progress_counts_bytes_over_all_files(folder):
    seen = []
    for entry in read_tree(folder, progress=lambda done, total: seen.append((done, total))):
        if isinstance(entry, File):
            list(entry.pieces)
    assert seen == [(1, 1), (3, 3), (4, 4), (5, 5)]
