"""Reading a file once, and noticing when it changes."""

from __future__ import annotations

import os

import pytest

from homes import as_nobody, let_everybody_in
from lodestamp.errors import SourceError
from lodestamp.node.blocks import SourceFile
from lodestamp.node.blocks.source import PIECE_SIZE


def _read(path, progress=None):
    with SourceFile.open(path) as source:
        return b"".join(bytes(piece) for piece in source.pieces(progress))


@pytest.mark.parametrize("size", [0, 1, PIECE_SIZE - 1, PIECE_SIZE, PIECE_SIZE + 1, 3 * PIECE_SIZE])
def test_every_byte_comes_once_in_pieces_of_the_chunk_size(tmp_path, size):
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    assert _read(path) == content
    with SourceFile.open(path) as source:
        sizes = [len(piece) for piece in source.pieces()]
    assert all(each == PIECE_SIZE for each in sizes[:-1])


def test_progress_ends_at_the_size(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(PIECE_SIZE + 5))
    seen = []
    _read(path, lambda done, total: seen.append((done, total)))
    assert seen == [(PIECE_SIZE, PIECE_SIZE + 5), (PIECE_SIZE + 5, PIECE_SIZE + 5)]


def test_a_link_is_followed_to_its_file(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert _read(tmp_path / "link") == b"x"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.write_bytes(b"y" * 10), "rewritten"),
        (lambda path: path.write_bytes(path.read_bytes() + b"y"), "appended to"),
        (lambda path: os.truncate(path, 3), "cut short"),
        (lambda path: os.utime(path, ns=(0, 0)), "touched"),
    ],
)
def test_a_file_that_changes_meanwhile_is_refused(tmp_path, change, why):
    path = tmp_path / why.replace(" ", "-")
    path.write_bytes(b"x" * (PIECE_SIZE + 10))
    with SourceFile.open(path) as source:
        pieces = source.pieces()
        next(pieces)
        change(path)
        with pytest.raises(SourceError) as refused:
            list(pieces)
    assert refused.value.code == "source.changed"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("gone", "source.missing"),
        (".", "source.directory"),
        ("pipe", "source.special"),
        ("loop", "source.unreadable"),
        ("nul\0byte", "source.unreadable"),
        ("x" * 300, "source.unreadable"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, name, code):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceError) as refused:
        SourceFile.open(tmp_path / name)
    assert refused.value.code == code


def test_a_file_without_the_right_to_read_it_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    let_everybody_in(tmp_path)
    assert as_nobody(lambda: SourceFile.open(path)) == "SourceError source.unreadable"


def test_a_device_is_no_file():
    from pathlib import Path

    with pytest.raises(SourceError) as refused:
        SourceFile.open(Path("/dev/zero"))
    assert refused.value.code == "source.special"
