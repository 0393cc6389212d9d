"""Adding paths: the CIDs of core, kept and pinned (content spec R55, R101, R107)."""

from __future__ import annotations

import os

import pytest

from lodestamp.core.content import check, get_profile, ls
from lodestamp.errors import SourceError, UsageError
from lodestamp.node.blocks import Adder, AddOptions, TreeOptions
from stores import audited_store, codes, opened_store, pack_files

PROFILE = get_profile("unixfs-v1-2025")


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "d/empty").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / ".hidden").write_bytes(b"not seen")
    (folder / "d/big").write_bytes(os.urandom(2_500_000))
    (folder / "d/l").symlink_to("../a.txt")
    return folder


def _add(store, paths, progress=None, *, profile=PROFILE, stream=(), **options):
    return list(Adder(store, profile, AddOptions(**options)).add(paths, progress, stream=stream))


def test_what_is_added_is_whole_pinned_and_counted(tmp_path, tree):
    with audited_store(tmp_path) as store:
        seen = []
        (added,) = _add(store, [tree], lambda *a: seen.append(a), name="t")
        assert check(store.get, added.root.cid).is_complete
        assert (added.new_blocks, added.new_bytes) == (added.root.blocks, added.root.dag_size)
        (pin,) = store.pins()
        assert (pin.cid, pin.name, pin.profile) == (added.root.cid, "t", PROFILE.name)
        assert seen[-1][0] == added.root.size
        (again,) = _add(store, [tree])
        assert (again.root, again.new_blocks, again.new_bytes) == (added.root, 0, 0)
        assert list(added.as_json()) == [
            "cid", "path", "profile", "size", "dag_size", "blocks", "new_blocks", "new_bytes",
        ]  # fmt: skip


def test_only_hash_gives_the_same_root_and_keeps_nothing(tmp_path, tree):
    with audited_store(tmp_path) as store:
        (kept,) = _add(store, [tree / "d/big"])
    (computed,) = _add(None, [tree / "d/big"])
    assert (computed.root, computed.new_blocks) == (kept.root, 0)


def test_no_pin_leaves_blocks_to_the_garbage(tmp_path, tree):
    with audited_store(tmp_path) as store:
        _add(store, [tree], pin=False)
        assert store.pins() == []


def test_wrap_puts_paths_under_their_names_into_one_folder(tmp_path, tree):
    with audited_store(tmp_path) as store:
        stream = [b"from", b" outside"]
        paths = [tree, tree / "a.txt", type(tree)("-")]
        (added,) = _add(store, paths, wrap=True, stream=stream)
        assert [link.name for link in ls(store.get, added.root.cid)] == [b"-", b"a.txt", b"tree"]
        assert check(store.get, added.root.cid).is_complete


def test_r55_a_symlink_given_is_kept_or_followed(tmp_path, tree):
    with audited_store(tmp_path) as store:
        (kept,) = _add(store, [tree / "d/l"])
        (followed,) = _add(store, [tree / "d/l"], dereference=True)
        (file,) = _add(store, [tree / "a.txt"])
    assert kept.root != file.root == followed.root


def test_r55_hidden_entries_only_on_request(tree):
    (without,) = _add(None, [tree])
    (within,) = _add(None, [tree], tree=TreeOptions(hidden=True))
    assert within.root.size == without.root.size + 8


def test_r24_a_mode_asked_for_reaches_the_nodes(tmp_path, tree):
    with audited_store(tmp_path) as store:
        from lodestamp.core.content import Mtime, stat

        (added,) = _add(store, [tree], mode=0o640, mtime=Mtime(5))
        assert stat(store.get, added.root.cid).mode == 0o640
        for link in ls(store.get, added.root.cid):
            assert stat(store.get, link.cid).mtime == Mtime(5)


def test_r107_nocopy_keeps_places_and_no_leaf(tmp_path, tree):
    with audited_store(tmp_path) as store:
        (added,) = _add(store, [tree], nocopy=True)
        assert check(store.get, added.root.cid).is_complete
        assert pack_files(tmp_path)[0].stat().st_size < 2_000
        (file,) = _add(store, [tree / "d/big"], nocopy=True)
        assert check(store.get, file.root.cid).is_complete
    with (tree / "d/big").open("r+b") as big:
        big.write(b"changed")
    assert codes(tmp_path) == {"B9"}


@pytest.mark.parametrize(
    ("profile", "options"),
    [("unixfs-v0-2015", {}), ("unixfs-v1-2025", {"mode": 0o644})],
)
def test_r107_nocopy_needs_leaves_that_are_the_files_own_bytes(profile, options):
    with pytest.raises(UsageError):
        Adder(None, get_profile(profile), AddOptions(nocopy=True, **options))


def test_r55_a_file_that_changes_while_it_is_read_is_not_pinned(tmp_path):
    path = tmp_path / "content"
    path.write_bytes(bytes(3_000_000))

    def grow(done, _total):
        if done > 2_000_000:
            path.write_bytes(b"short")

    with opened_store(tmp_path) as store:
        with pytest.raises(SourceError) as refused:
            _add(store, [path], grow)
        assert refused.value.code == "source.changed"
        assert store.pins() == []
    assert codes(tmp_path) == set()


def test_an_interrupt_drops_the_lease_and_pins_nothing(tmp_path, tree):
    """R125."""

    def interrupt(*_):
        raise KeyboardInterrupt

    with audited_store(tmp_path) as store:
        with pytest.raises(KeyboardInterrupt):
            _add(store, [tree / "d/big"], interrupt)
        assert store.pins() == []
        with store.database.reading("looking") as connection:
            from lodestamp.node.blocks.tables import leases

            assert connection.execute(leases.select()).all() == []
