"""The `content` verbs as a person types them (content spec §10)."""

from __future__ import annotations

import io
import json
import os

import pytest

from homes import assert_clean
from lodestamp.faces.cli.program import run


@pytest.fixture
def verb(tmp_path, monkeypatch, capsys):
    """Run a verb in a fresh home; returns exit code and the JSON objects it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path / "home"))

    def run_verb(*arguments):
        capsys.readouterr()
        code = run(["content", *map(str, arguments), "--json"])
        out = capsys.readouterr().out
        return code, [json.loads(line) for line in out.splitlines()]

    yield run_verb
    if (tmp_path / "home").exists():
        assert_clean(tmp_path / "home")


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "d").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "d/big").write_bytes(os.urandom(2_200_000))
    return folder


def test_add_export_verify_elsewhere_and_one_flipped_byte(verb, tree, tmp_path, monkeypatch):
    """The README's story: what another machine is given, it checks from bytes alone."""
    code, (added,) = verb("add", tree)
    assert (code, added["path"], added["profile"]) == (0, str(tree), "unixfs-v1-2025")
    assert added["new_blocks"] == added["blocks"]
    code, (exported,) = verb("export", added["cid"], "-o", "x.car")
    assert (code, exported["blocks"]) == (0, added["blocks"])
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path / "elsewhere"))
    code, (checked,) = verb("verify", added["cid"], "--from", "x.car")
    assert (code, checked["verdict"], checked["defects"]) == (0, "established", [])
    assert list(checked) == [
        "cid", "verdict", "blocks", "bytes", "missing", "defects", "profile",
    ]  # fmt: skip
    data = bytearray((tmp_path / "x.car").read_bytes())
    data[1_000_000] ^= 1
    (tmp_path / "y.car").write_bytes(data)
    code, (refuted,) = verb("verify", added["cid"], "--from", "y.car")
    assert (code, refuted["verdict"]) == (1, "refuted")
    assert refuted["defects"][0]["code"] == "block.mismatch"
    assert refuted["defects"][0]["cid"].startswith("bafk")
    code, (error,) = verb("import", "y.car")
    assert (code, error["error"]["code"]) == (1, "block.mismatch")
    code, (imported,) = verb("import", "x.car")
    assert (code, imported["incomplete"], imported["extra"]) == (0, [], 0)
    code, (written,) = verb("get", added["cid"], "-o", "out")
    assert (code, written["size"]) == (0, added["size"])
    for path in ("a.txt", "d/big"):
        assert (tmp_path / "out" / path).read_bytes() == (tree / path).read_bytes()
    assert_clean(tmp_path / "elsewhere")


def test_something_missing_is_unknown_and_exit_2(verb, tree):
    _, (added,) = verb("add", tree)
    _, (exported,) = verb("export", added["cid"], "-o", "x.car", "--scope", "block")
    assert exported["blocks"] == 1
    code, (checked,) = verb("verify", added["cid"], "--from", "x.car")
    assert (code, checked["verdict"]) == (2, "unknown")
    assert len(checked["missing"]) > 0
    absent = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    assert verb("get", absent)[0] == 2
    assert verb("pin", "add", absent)[1][0]["error"]["code"] == "pin.incomplete"


def test_an_import_with_a_gap_exits_2_unless_it_is_accepted(verb, tree, tmp_path, monkeypatch):
    """R85."""
    _, (added,) = verb("add", tree)
    verb("export", added["cid"], "-o", "x.car", "--scope", "block")
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path / "other"))
    code, (imported,) = verb("import", "x.car")
    assert (code, imported["incomplete"]) == (2, [added["cid"]])
    assert verb("import", "x.car", "--partial")[0] == 0
    assert verb("pin", "ls")[1] == []


def test_a_range_is_proved_by_the_blocks_it_needs(verb, tree, tmp_path):
    _, (added,) = verb("add", tree)
    where = f"{added['cid']}/d/big"
    code, (exported,) = verb("export", where, "-o", "r.car", "--bytes", "10:19")
    assert (code, exported["blocks"]) == (0, 4)
    code, (checked,) = verb("verify", where, "--from", "r.car", "--bytes", "10:19")
    assert (code, checked["bytes"]) == (0, 10)
    assert verb("get", where, "--range", "-5:*", "-o", "tail")[0] == 0
    assert (tmp_path / "tail").read_bytes() == (tree / "d/big").read_bytes()[-5:]


def test_verify_against_a_file_names_the_profile(verb, tree):
    _, (added,) = verb("add", tree / "d/big", "--profile", "legacy-cidv1", "--only-hash")
    code, (checked,) = verb("verify", added["cid"], "--against", tree / "d/big")
    assert (code, checked["profile"]) == (0, "legacy-cidv1")
    assert verb("verify", added["cid"], "--against", tree / "a.txt")[0] == 1


def test_ls_pins_gc_and_fsck(verb, tree):
    _, (added,) = verb("add", tree, "--name", "t")
    code, entries = verb("ls", added["cid"], "--recursive", "--long")
    assert (code, [e["name"] for e in entries]) == (0, ["a.txt", "d", "d/big"])
    assert entries[0]["size"] == 5
    assert [e["name"] for e in verb("ls", added["cid"], "--max", "1")[1]] == ["a.txt"]
    assert [(p["cid"], p["name"]) for p in verb("ls")[1]] == [(added["cid"], "t")]
    assert verb("pin", "rm", added["cid"])[1] == [{"cid": added["cid"], "removed": True}]
    assert verb("pin", "rm", added["cid"])[0] == 1
    code, (done,) = verb("gc", "--dry-run", "--grace", "0")
    assert (code, done["removed_blocks"]) == (0, added["blocks"])
    assert verb("gc", "--grace", "0")[1][0]["removed_blocks"] == added["blocks"]
    code, (report,) = verb("fsck")
    assert (code, report["findings"]) == (0, [])


def test_a_version_2_car_has_an_index_and_says_the_same(verb, tree):
    _, (added,) = verb("add", tree)
    assert verb("export", added["cid"], "-o", "x.car", "--car-version", "2")[0] == 0
    assert verb("verify", added["cid"], "--from", "x.car")[0] == 0
    code, (refused,) = verb("export", added["cid"], "-o", "x.car")
    assert (code, refused["error"]["code"]) == (1, "exists")


def test_standard_input_is_a_path(verb, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"hello world")

    monkeypatch.setattr("sys.stdin", Stdin)
    _, (added,) = verb("add", "-")
    assert added["cid"] == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def test_a_call_that_makes_no_sense_is_64(verb, tree):
    _, (added,) = verb("add", tree)
    for arguments in (
        ("get", added["cid"], "--range", "x"),
        ("get", added["cid"], "--from", "http://example.org/x.car"),
        ("get", added["cid"], "--symlinks", "all"),
        ("add", tree, "--nocopy", "--mode", "644"),
        ("add", tree, "--mode", "9"),
        ("verify", added["cid"], "--against", tree, "--bytes", "0:1"),
        ("export", added["cid"]),
    ):
        assert verb(*arguments)[0] == 64, arguments


def test_stamp_keeps_the_content_unless_only_its_hash_is_wanted(verb, tree):
    assert run(["stamp", str(tree), "--only-hash"]) == 0
    assert verb("pin", "ls")[1] == []
    assert run(["stamp", str(tree), "--force"]) == 0
    (pin,) = verb("pin", "ls")[1]
    assert verb("verify", pin["cid"])[0] == 0


def test_a_range_that_cannot_be_read_leaves_no_file(verb, tree, tmp_path):
    """R126: a file takes its name when all of it was written."""
    _, (added,) = verb("add", tree)
    where = f"{added['cid']}/d/big"
    verb("export", where, "-o", "x.car", "--bytes", "0:9")
    code, (error,) = verb("get", where, "--range", "0:*", "--from", "x.car", "-o", "part")
    assert (code, error["error"]["code"]) == (2, "block.missing")
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
