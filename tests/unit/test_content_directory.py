"""Directories: order, nesting, thresholds, metadata, and what no directory can hold."""

from __future__ import annotations

import random
import tracemalloc
from collections import deque

import pytest

from dags import held
from lodestamp.core.content import (
    File,
    Folder,
    HamtEstimate,
    Kind,
    Metadata,
    Mtime,
    Symlink,
    add_directory,
    address_directory,
    check,
    dag_pb,
    get_profile,
    ls,
    read,
    resolve,
    stat,
)
from lodestamp.errors import LodestampError

V0 = get_profile("unixfs-v0-2015")
V1 = get_profile("unixfs-v1-2025")


def refusal(tree, profile=V1, **options):
    with pytest.raises(LodestampError) as refused:
        address_directory(tree, profile, **options)
    return refused.value.code


def test_R50_links_are_sorted_by_the_bytes_of_utf8():
    """U+FF5E sorts before U+1F600 in UTF-8 and after it in UTF-16."""
    names = ["\U0001f600".encode(), "\uff5e".encode(), b"a", b"B"]
    *blocks, root = add_directory([File((name,), [b"x"]) for name in names], V1)
    links = dag_pb.decode(held(blocks)[root.cid], strict=True).links
    assert [link.name for link in links] == [b"B", b"a", "\uff5e".encode(), "\U0001f600".encode()]


def test_the_order_of_entries_changes_no_root():
    tree = [File((b"%d" % number,), [b"%d" % number]) for number in range(500)]
    for profile in (V1, V1.override(hamt_threshold=0)):
        expected = address_directory(tree, profile)
        for seed in range(3):
            shuffled = random.Random(seed).sample(tree, len(tree))
            assert address_directory(shuffled, profile) == expected


def test_folders_on_the_way_need_not_be_named():
    implied = [File((b"a", b"b", b"f"), [b"x"]), File((b"a", b"g"), [b"y"])]
    named = [Folder(()), Folder((b"a",)), Folder((b"a", b"b")), *implied]
    assert address_directory(implied, V1) == address_directory(named, V1)
    *blocks, root = add_directory(implied, V1)
    get = held(blocks).get
    assert b"".join(read(get, resolve(get, root.cid, "a/b/f").cid)) == b"x"
    assert check(get, root.cid, strict=True).is_complete
    assert (root.size, root.blocks, root.dag_size) == (2, 5, sum(len(b.data) for b in blocks))


@pytest.mark.parametrize(
    "tree",
    [
        [File((b"a",), [b"1"]), File((b"a",), [b"2"])],
        [File((b"a",), [b"1"]), Symlink((b"a",), b"x")],
        [File((b"a", b"1"), []), File((b"b",), []), File((b"a", b"2"), [])],
        [Folder((b"a",)), Folder((b"a",))],
        [Folder((b"a",)), File((b"a", b"1"), []), Folder((b"a",))],
        [File((b"a",), []), File((b"a", b"b"), [])],
        [File((b"a",), []), Folder(())],
    ],
)
def test_a_name_twice_is_refused_and_so_is_a_folder_entered_again(tree):
    assert refusal(tree) == "unixfs.duplicate-name"
    assert refusal(tree, V1.override(hamt_threshold=0)) == "unixfs.duplicate-name"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ((b"..",), "path.unsafe-name"), ((b".",), "path.unsafe-name"), ((b"",), "path.unsafe-name"),
        ((b"a/b",), "path.unsafe-name"), ((b"a\0",), "path.unsafe-name"),
        ((b"\xff",), "path.not-utf8"), ((b"a" * 4097,), "limit"), ((b"a",) * 257, "limit.depth"),
        ((), "path.not-a-directory"),
    ],
)  # fmt: skip
def test_a_path_that_no_directory_holds_is_refused(path, code):
    assert refusal([File(path, [b"x"])]) == code


def test_entries_are_bounded():
    tree = [File((b"%d" % number,), [b"x"]) for number in range(10)]
    assert refusal(tree, entries_max=9) == "limit.entries"


@pytest.mark.parametrize("how", HamtEstimate)
def test_R51_a_directory_of_exactly_the_threshold_is_flat_and_one_byte_more_is_not(how):
    """Also with mode and mtime, which count in block-bytes alone."""
    metadata = Metadata(0o755, Mtime(1_700_000_000, 5))
    tree = [Folder((), metadata), *(File((b"%d" % number,), [b"x"]) for number in range(20))]
    *blocks, root = add_directory(tree, V1)
    links = dag_pb.decode(blocks[-1].data).links
    exact = len(blocks[-1].data)
    if how == HamtEstimate.LINKS_BYTES:
        exact = sum(len(link.name) + len(link.cid.encode()) for link in links)
    for threshold, kind in ((exact, Kind.DIRECTORY), (exact - 1, Kind.SHARDED)):
        profile = V1.override(hamt_estimate=how, hamt_threshold=threshold)
        *blocks, root = add_directory(tree, profile)
        found = stat(held(blocks).get, root.cid)
        assert (found.kind, found.mode, found.mtime) == (kind, 0o755, Mtime(1_700_000_000, 5))


def test_R24_metadata_forces_framed_leaves_and_symlinks_have_no_mode():
    tree = [
        File((b"f",), [b"x"], Metadata(0o640, Mtime(7))),
        Symlink((b"l",), b"f", Mtime(8)),
        File((b"plain",), [b"x"]),
    ]
    *blocks, root = add_directory(tree, V1)
    get = held(blocks).get
    links = {link.name: link.cid for link in ls(get, root.cid)}
    assert (links[b"f"].codec, links[b"plain"].codec) == (0x70, 0x55)
    found = stat(get, links[b"f"])
    assert (found.mode, found.mtime, found.size) == (0o640, Mtime(7), 1)
    found = stat(get, links[b"l"])
    assert (found.mode, found.mtime, found.target) == (None, Mtime(8), b"f")
    assert root.dag_size == sum(len(block.data) for block in blocks)


def test_the_empty_folder_has_its_well_known_cid():
    assert str(address_directory([], V0).cid) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
    assert address_directory([Folder(())], V0) == address_directory([], V0)


def test_what_a_source_raises_passes_through():
    def failing():
        yield File((b"a",), [b"x"])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        address_directory(failing(), V1)


@pytest.mark.slow
def test_a_large_folder_is_held_in_little_more_than_its_names():
    """100 bytes and the name for each entry; a million entries fit 200 MiB."""
    count = 20_000
    tracemalloc.start()
    try:
        tree = (File((b"name-%d" % number,), [b"x"]) for number in range(count))
        deque(add_directory(tree, V1), maxlen=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / count < 190
