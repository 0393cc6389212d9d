"""Folders and CIDs on the command line: stamp, verify, refute; show and respell."""

from __future__ import annotations

import json

import pytest

from homes import assert_clean
from lodestamp.faces.cli.program import run

EMPTY_V0 = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "thesis"
    (folder / "figures").mkdir(parents=True)
    (folder / "text.md").write_text("the tide was high\n")
    (folder / "figures" / "one.svg").write_text("<svg/>\n")
    (folder / "latest").symlink_to("text.md")
    (folder / ".cache").mkdir()
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    monkeypatch.setenv("LODESTAMP_HOME", str(home))

    def call(*words, exits=0):
        capfd.readouterr()
        assert run(list(words)) == exits
        return capfd.readouterr().out

    yield call
    if home.exists():
        assert_clean(home)


def test_a_folder_is_stamped_verified_and_refuted_after_one_byte(shell, tmp_path):
    stamped = json.loads(shell("stamp", "thesis", "--claim", "as handed in", "--json"))
    assert stamped["size"] == 25
    assert stamped["proof"] == "thesis.proof.json"
    assert stamped["cid"] == shell("cid", "of", "thesis/").strip()
    verify = ("verify", "thesis.proof.json", "thesis")
    assert shell(*verify).startswith("ESTABLISHED")
    (tmp_path / "thesis" / ".cache" / "x").write_text("hidden entries are no part of it")
    assert shell(*verify).startswith("ESTABLISHED")
    (tmp_path / "thesis" / "figures" / "one.svg").write_text("<svg/>\r")
    assert "content.cid_mismatch" in shell(*verify, exits=1)


def test_the_folder_one_stands_in_gets_its_proof_beside_it(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "thesis")
    stamped = json.loads(shell("stamp", ".", "--name", "--json"))
    assert stamped["proof"] == str(tmp_path / "thesis.proof.json")
    assert shell("verify", stamped["proof"], ".").startswith("ESTABLISHED")
    told = json.loads((tmp_path / "thesis.proof.json").read_text())
    assert told["subject"]["operation"]["body"]["content"]["name"] == "thesis"


def test_a_folder_has_no_sha256(shell):
    error = json.loads(shell("stamp", "thesis", "--sha256", "--json", exits=64))["error"]
    assert error["type"] == "UsageError"


def test_cid_of_takes_the_choices_of_a_profile(shell):
    of = ("cid", "of", "thesis", "--json")
    usual = json.loads(shell(*of))
    assert (usual["profile"], usual["size"], usual["blocks"]) == ("unixfs-v1-2025", 25, 5)
    chosen = json.loads(
        shell(*of, "--chunker", "size-4", "--layout", "trickle", "--max-links", "2")
    )
    assert chosen["profile"].startswith('custom:{"chunker":"size-4"')
    assert chosen["cid"] != usual["cid"]
    assert json.loads(shell(*of, "--hidden"))["cid"] != usual["cid"]
    assert json.loads(shell(*of, "--preserve-mode"))["cid"] != usual["cid"]
    assert json.loads(shell(*of, "--hash", "sha2-512"))["cid"].startswith("bafybg")
    assert json.loads(shell(*of, "--hash", "md5", exits=64))["error"]["type"] == "UsageError"
    refused = json.loads(shell(*of, "--chunker", "buzhash", exits=1))["error"]
    assert refused["code"] == "chunker.unsupported"
    assert json.loads(shell(*of, "--chunker", "buzhash", "--experimental"))["blocks"] == 5


def test_cid_show_tells_what_a_cid_says(shell):
    told = json.loads(shell("cid", "show", EMPTY_V0, "--json"))
    assert (told["version"], told["codec"], told["hash"]) == (0, "dag-pb", "sha2-256")
    assert (told["v0"], told["v1"][:4]) == (EMPTY_V0, "bafy")
    assert "digest" in shell("cid", "show", told["v1"])
    unknown = json.loads(shell("cid", "show", "f01c2fe01aa5504deadbeef", "--json"))
    assert (unknown["codec"], unknown["hash"], unknown["v0"]) == ("0x7f42", "0x2aaa", None)


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        (("--v1",), "bafy"), (("--v1", "--base", "k"), "k2jmtx"), (("--base", "z"), "Qm"),
        (("--v0",), "Qm"), (("--codec", "raw"), "bafk"), (("--v1", "--base", "f"), "f0170"),
    ],
)  # fmt: skip
def test_cid_format_respells(shell, words, starts):
    assert shell("cid", "format", EMPTY_V0, *words).startswith(starts)


@pytest.mark.parametrize(
    ("words", "exits"),
    [
        (("--v0", "--v1"), 64), (("--base", "m"), 64), (("--base", "bB"), 64),
        (("--codec", "moon"), 64), (("--base", "b"), 1),
    ],
)  # fmt: skip
def test_what_no_cid_can_be_is_refused(shell, words, exits):
    assert "error" in shell("cid", "format", EMPTY_V0, *words, "--json", exits=exits)


def test_a_cid_that_is_none_is_refused(shell):
    assert json.loads(shell("cid", "show", "Qm", "--json", exits=1))["error"]["code"] == "cid.base"
