"""Homes: made on first use, refused when they are not ours, told apart from damage."""

from __future__ import annotations

import json
import os
import stat

import pytest

import lodestamp
from homes import as_nobody, assert_clean, audited_node, found_codes, let_everybody_in, reading
from lodestamp.errors import HomeError, LogCorrupt, StoreError


def test_a_home_is_made_on_first_use_with_private_keys(tmp_path):
    home = tmp_path / "deep/home"
    with audited_node(home) as node:
        assert node.origin.startswith("lodestamp.local/")
    for name in ("author", "log"):
        path = home / "keys" / f"{name}.key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text())["format"] == "lodestamp-key/1"
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "lodestamp.db").stat().st_mode) == 0o600


def test_the_environment_names_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path / "env"))
    with lodestamp.open() as node:
        assert node.home == tmp_path / "env"


def test_a_log_keeps_its_name(tmp_path):
    with lodestamp.open(tmp_path / "home", origin="example.org/log") as node:
        assert node.origin == "example.org/log"
    with lodestamp.open(tmp_path / "home") as node:
        assert node.origin == "example.org/log"
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "home", origin="example.org/other")
    assert refused.value.code == "origin"


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "x" * 300, "new\nline"])
def test_a_name_no_note_could_carry_makes_no_home(tmp_path, origin):
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "home", origin=origin)
    assert refused.value.code == "origin"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["", "~nobody-of-this-name/x", "a\0b", "a\ud800b"])
def test_a_name_that_is_no_path_is_refused_by_our_own_error(name):
    with pytest.raises(HomeError):
        lodestamp.open(name)


def test_a_home_stays_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lodestamp.open("home") as node:
        (tmp_path / "sub/home").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "sub")
        node.record(**reading(1))
    assert list((tmp_path / "sub/home").iterdir()) == []
    assert_clean(tmp_path / "home")


def test_everything_in_an_adopted_folder_is_private_from_the_first_byte(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    with lodestamp.open(home) as node:
        node.record(**reading(1))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.glob("lodestamp*")}
    assert set(modes) == {"lodestamp.db", "lodestamp.db-wal", "lodestamp.db-shm"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_bad_setting_is_a_finding(tmp_path):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    (home / "config.toml").write_text("node = 7")
    assert found_codes(home) == {"S1"}


@pytest.mark.parametrize("name", ["with space", "a?b=c", "a#b", "100%", "a%20b", "ü", "-x"])
def test_a_home_may_have_any_name(tmp_path, name):
    with audited_node(tmp_path / name) as node:
        assert node.record(**reading(1)).log_index == 0
    assert (tmp_path / name / "lodestamp.db").exists()


def test_a_setting_file_that_is_too_long_is_refused_not_cut(tmp_path):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    (home / "config.toml").write_text('node = "x"\n' + "#" * (64 << 10))
    with pytest.raises(HomeError) as refused:
        lodestamp.open(home)
    assert refused.value.code == "config"


def test_opening_may_be_told_not_to_make(tmp_path):
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "home", create=False)
    assert refused.value.code == "no-home"
    assert not (tmp_path / "home").exists()


def test_a_folder_of_other_things_is_no_home(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path)
    assert refused.value.code == "not-a-home"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "letter.txt")
    assert refused.value.code == "not-a-home"
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "letter.txt/home")
    assert refused.value.code == "no-rights"


def test_a_home_without_rights_is_refused(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    let_everybody_in(tmp_path)
    assert as_nobody(lambda: lodestamp.open(closed / "home").close()) == "HomeError no-rights"
    readable = tmp_path / "home"
    with audited_node(readable) as node:
        node.record(**reading(1))
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    foreign.chmod(0o777 if os.geteuid() == 0 else 0o500)  # root's, so not nobody's to close
    assert as_nobody(lambda: lodestamp.open(foreign).close()) == "HomeError no-rights"
    assert as_nobody(lambda: lodestamp.open(readable).close()) == "HomeError no-rights"


def test_a_key_that_others_can_read_is_refused_with_the_cure(tmp_path):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    key = home / "keys/log.key"
    key.chmod(0o644)
    with pytest.raises(HomeError) as refused:
        lodestamp.open(home)
    assert refused.value.code == "key-permissions"
    assert refused.value.hint == f"chmod 600 {key}"
    assert found_codes(home) == {"K1"}  # and the log is audited all the same
    key.chmod(0o600)
    assert_clean(home)


def test_a_missing_key_is_not_made_anew(tmp_path):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    (home / "keys/author.key").unlink()
    with pytest.raises(HomeError) as refused:
        lodestamp.open(home)
    assert refused.value.code == "key-missing"
    assert found_codes(home) == {"K1"}


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"format":"lodestamp-key/1"}', "\udcff", "1" * 5000, "[" * 4000],
)
def test_a_damaged_key_is_refused_without_quoting_it(tmp_path, text):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    key = home / "keys/log.key"
    seed = json.loads(key.read_text())["seed"]
    key.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(HomeError) as refused:
        lodestamp.open(home)
    assert refused.value.code == "key-damaged"
    assert refused.value.__cause__ is None
    assert seed not in str(refused.value)


def test_another_log_key_cannot_go_on(tmp_path):
    for name in ("one", "two"):
        lodestamp.open(tmp_path / name).close()
    (tmp_path / "two/keys/log.key").rename(tmp_path / "one/keys/log.key")
    with pytest.raises(LogCorrupt):
        lodestamp.open(tmp_path / "one")


@pytest.mark.parametrize(
    "text",
    [
        "colour = 1",
        f'node = "{"x" * 129}"',
        "a=" + "[" * 20_000,
        "node = 7",
        'node = ""',
        "node",
        "\xff",
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    (home / "config.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(HomeError) as refused:
        lodestamp.open(home)
    assert refused.value.code == "config"


def test_the_configured_label_is_on_own_operations(tmp_path):
    home = tmp_path / "home"
    lodestamp.open(home).close()
    (home / "config.toml").write_text('node = "laptop"\n')
    with audited_node(home) as node:
        assert node.op(node.record(**reading(1)).op_id).node == "laptop"


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    """SQLite's page limit gives the same SQLITE_FULL as a disk without room."""
    home = tmp_path / "home"
    with audited_node(home) as node:
        before = node.record(**reading(0))
        with node._database._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        _limit_pages(node, pages + 4)
        with pytest.raises(StoreError) as refused:
            node.record(source="s", kind="k", content={"big": "x" * 200_000})
        assert refused.value.code == "disk-full"
        _limit_pages(node, pages + 10_000)
        after = node.record(**reading(2))
        assert (before.log_index, after.log_index) == (0, 1)


def _limit_pages(node: lodestamp.Node, pages: int) -> None:
    from sqlalchemy import event

    engine = node._database._engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages}").close()


def test_a_locked_log_says_so(tmp_path, monkeypatch):
    import sqlite3

    from lodestamp.errors import LogLockedError
    from lodestamp.node.storage import sqlite

    pragmas = [p for p in sqlite._PRAGMAS if "busy" not in p] + ["PRAGMA busy_timeout=50"]
    monkeypatch.setattr(sqlite, "_PRAGMAS", pragmas)
    with audited_node(tmp_path / "home") as node:
        other = sqlite3.connect(tmp_path / "home/lodestamp.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogLockedError):
            node.record(**reading(1))
        other.execute("ROLLBACK")
        other.close()
        assert node.record(**reading(1)).log_index == 0
