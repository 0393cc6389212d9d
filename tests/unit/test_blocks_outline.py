"""What may be written is judged before anything is (content spec R126)."""

from __future__ import annotations

import pytest

from lodestamp.core.content import (
    EntryType,
    PBLink,
    PBNode,
    add_bytes,
    add_symlink,
    dag_pb,
    get_profile,
    unixfs,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import LimitExceeded, PathError
from lodestamp.node.blocks import outline as module
from lodestamp.node.blocks.outline import outline

PROFILE = get_profile("unixfs-v1-2025")


class Dags:
    """Hand-made folders."""

    def __init__(self):
        self.blocks = {}

    def file(self, data=b"x"):
        root, blocks = add_bytes(data, PROFILE)
        self.blocks |= {block.cid: block.data for block in blocks}
        return root.cid

    def symlink(self, target):
        root, block = add_symlink(target, PROFILE)
        self.blocks[block.cid] = block.data
        return root.cid

    def folder(self, *entries):
        links = tuple(PBLink(cid, name, 0) for name, cid in entries)
        data = dag_pb.encode(PBNode(links, unixfs.encode(unixfs.Entry(EntryType.DIRECTORY))))
        cid = Cid.of(0x70, data)
        self.blocks[cid] = data
        return cid

    def outline(self, root, **options):
        return outline(self.blocks.get, root, **({"size_max": 1 << 30} | options))


@pytest.fixture
def dags():
    return Dags()


def _code(dags, root, **options):
    with pytest.raises(PathError) as refused:
        dags.outline(root, **options)
    return refused.value.code


def test_folders_come_before_what_is_in_them(dags):
    inner = dags.folder((b"b", dags.file()))
    root = dags.folder((b"a", dags.file(b"xyz")), (b"d", inner))
    items = dags.outline(root)
    assert [item.path for item in items] == [(), (b"a",), (b"d",), (b"d", b"b")]
    assert sum(item.stat.size for item in items) == 4


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/etc", b"a\\b", b"a\0b", b"x" * 256])
def test_r126_a_name_that_is_no_segment_is_refused(dags, name):
    assert _code(dags, dags.folder((name, dags.file()))) == "path.unsafe-name"


def test_r126_a_name_that_is_not_utf8_is_refused(dags):
    assert _code(dags, dags.folder((b"\xff", dags.file()))) == "path.not-utf8"


def test_r126_names_that_fold_together_collide_on_a_case_blind_disk(dags):
    for one, two in (("A", "a"), ("é", "e\u0301"), ("ß", "SS")):
        root = dags.folder((one.encode(), dags.file()), (two.encode(), dags.file()))
        assert len(dags.outline(root)) == 3
        assert _code(dags, root, case_blind=True) == "path.collision"


@pytest.mark.parametrize(
    "target", [b"/etc/passwd", b"..", b"../x", b"d/../../x", b"d/up/../../x", b"", b"a\0b"]
)
def test_r126_a_symlink_that_leaves_the_root_is_refused(dags, target):
    inner = dags.folder((b"up", dags.symlink(b"..")))
    root = dags.folder((b"d", inner), (b"l", dags.symlink(target)))
    assert _code(dags, root) == "path.symlink-escape"


def test_r126_an_escape_through_another_symlink_is_seen(dags):
    """Read as text it stays inside; the kernel would leave."""
    inner = dags.folder((b"up", dags.symlink(b"..")))
    assert dags.outline(dags.folder((b"d", inner), (b"l", dags.symlink(b"d/up/d/x"))))
    root = dags.folder((b"d", inner), (b"l", dags.symlink(b"d/up/../x")))
    assert _code(dags, root) == "path.symlink-escape"


def test_r126_symlinks_in_a_circle_are_refused(dags):
    root = dags.folder((b"a", dags.symlink(b"b")), (b"b", dags.symlink(b"a")))
    assert _code(dags, root) == "path.symlink-escape"


def test_r126_a_symlink_within_the_root_passes(dags):
    inner = dags.folder((b"l", dags.symlink(b"../a")))
    assert dags.outline(dags.folder((b"a", dags.file()), (b"d", inner)))


def test_r126_declared_sizes_are_compared_before_anything_is_written(dags):
    root = dags.folder((b"a", dags.file(b"x" * 10)), (b"b", dags.file(b"x" * 10)))
    assert dags.outline(root, size_max=20)
    with pytest.raises(LimitExceeded) as refused:
        dags.outline(root, size_max=19)
    assert refused.value.code == "limit.output-bytes"


def test_r126_a_repetition_bomb_is_counted_by_entries_and_bytes(dags):
    cid = dags.file(b"x" * 1000)
    for _ in range(8):
        cid = dags.folder(*((bytes([65 + n]), cid) for n in range(20)))
    with pytest.raises(LimitExceeded):
        dags.outline(cid, size_max=10_000_000)


def test_folders_nested_without_end_are_refused(dags):
    cid = dags.file()
    for _ in range(257):
        cid = dags.folder((b"d", cid))
    with pytest.raises(LimitExceeded) as refused:
        dags.outline(cid)
    assert refused.value.code == "limit.depth"


def test_a_block_that_is_no_unixfs_is_not_written(dags):
    data = b"\xa0"
    cid = Cid.of(0x71, data)
    dags.blocks[cid] = data
    assert _code(dags, dags.folder((b"a", cid))) == "path.not-a-file"


def test_r126_wide_folders_within_each_other_do_not_pile_up(dags, monkeypatch):
    """The first entry leads on each time, so that all the others wait: depth times width."""
    monkeypatch.setattr(module, "ENTRIES_MAX", 1_000)
    leaf = inner = dags.file()
    for _ in range(100):
        inner = dags.folder((b"a", inner), *((b"b%03d" % n, leaf) for n in range(500)))
    asked = []

    def get(cid):
        asked.append(cid)
        return dags.blocks.get(cid)

    with pytest.raises(LimitExceeded) as refused:
        outline(get, inner, size_max=1 << 30)
    assert refused.value.code == "limit.entries"
    assert len(asked) < 20
