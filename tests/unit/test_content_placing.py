"""Placing: what of a stranger's DAG may be written to a disk (content spec R126)."""

from __future__ import annotations

import pytest

from dags import Blocks
from lodestamp.core.content import Budget, Kind, place
from lodestamp.errors import LodestampError


def refusal(blocks, root, **options):
    with pytest.raises(LodestampError) as refused:
        list(place(blocks.get, root, **options))
    return refused.value.code


def test_directories_come_before_their_entries_and_symlinks_last():
    blocks = Blocks()
    leaf, link = blocks.raw(b"x"), blocks.symlink(b"d/f")
    root = blocks.directory([(b"a", link), (b"d", blocks.directory([(b"f", leaf)])), (b"z", leaf)])
    found = [(place.path, place.stat.kind) for place in place(blocks.get, root)]
    assert found == [
        ((), Kind.DIRECTORY),
        ((b"d",), Kind.DIRECTORY),
        ((b"d", b"f"), Kind.FILE),
        ((b"z",), Kind.FILE),
        ((b"a",), Kind.SYMLINK),
    ]


@pytest.mark.parametrize("name", [b"a\\b", b"..", b"", b"a/b", b"\0"])
def test_names_that_are_no_single_segment_are_refused(name):
    blocks = Blocks()
    assert refusal(blocks, blocks.directory([(name, blocks.raw(b"x"))])) == "path.unsafe-name"


def test_names_that_are_one_on_a_case_blind_disk_collide_only_there():
    for one, two in ((b"A", b"a"), ("é".encode(), "e\u0301".encode()), ("ß".encode(), b"SS")):
        blocks = Blocks()
        leaf = blocks.raw(b"x")
        root = blocks.directory([(one, leaf), (two, leaf)])
        assert refusal(blocks, root, case_blind=True) == "path.collision"
        assert len(list(place(blocks.get, root))) == 3


@pytest.mark.parametrize(
    ("depth", "target", "is_safe"),
    [
        (1, b"file", True), (1, b"./a//b", True), (1, b"..", False), (1, b"/etc/passwd", False),
        (2, b"../x", True), (2, b"../../x", False), (3, b"../../x", True), (3, b"../" * 3, False),
        (2, b"a/../b", False), (1, b"up/..", False), (1, b"a\0b", False), (1, b"", False),
    ],
)  # fmt: skip
def test_a_symlink_may_climb_to_the_root_and_then_only_go_down(depth, target, is_safe):
    """A ``..`` after a name may follow another symlink, and so lead anywhere."""
    blocks = Blocks()
    cid = blocks.symlink(target)
    for level in range(depth):
        cid = blocks.directory([(b"%d" % level, cid)])
    if is_safe:
        assert list(place(blocks.get, cid))[-1].stat.target == target
    else:
        assert refusal(blocks, cid) == "path.symlink-escape"


def test_what_is_neither_file_directory_nor_symlink_is_not_written():
    blocks = Blocks()
    assert refusal(blocks, blocks.directory([(b"p", blocks.node())])) == "path.not-a-file"


def test_a_bomb_of_directories_is_bounded():
    blocks = Blocks()
    cid = blocks.directory([])
    for _ in range(20):
        cid = blocks.directory([(b"a", cid), (b"b", cid)])
    assert refusal(blocks, cid, budget=Budget(steps=1000)) == "limit.steps"
    for _ in range(300):
        cid = blocks.directory([(b"a", cid)])
    assert refusal(blocks, cid) == "limit.depth"
