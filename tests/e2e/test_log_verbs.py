"""The verbs of the public log as people run them (transparency spec §10)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

import lodestamp
from homes import assert_clean, reading
from listeners import served
from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import (
    NoteSigner,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
    parse_vkey,
)
from lodestamp.faces.cli.program import run


class Shell:
    """Runs verbs against the homes of one folder."""

    def __init__(self, folder, capture):
        self.folder, self._capture = folder, capture

    def __call__(self, home, *words, exits=0):
        self._capture.readouterr()
        code = run(["--home", str(self.folder / home), *words])
        said = self._capture.readouterr()
        assert code == exits, said.out + said.err
        return said.out

    def json(self, home, *words, exits=0):
        return [json.loads(line) for line in self(home, *words, "--json", exits=exits).splitlines()]


@pytest.fixture
def shell(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    return Shell(tmp_path, capfd)


@pytest.fixture
def recorded(tmp_path):
    with lodestamp.open(tmp_path / "home", origin="log.example/a") as node:
        ids = [node.record(**reading(number)).op_id for number in range(5)]
        return ids, node.log_key.text()


def test_a_tlog_proof_is_written_and_verified_with_its_operation(shell, tmp_path, recorded):
    ids, vkey = recorded
    file = tmp_path / "third.tlog-proof"
    (said,) = shell.json("home", "log", "prove", ids[2], "--tlog-proof", str(file))
    proof = parse_tlog_proof(file.read_bytes())
    assert (said["index"], said["size"]) == (proof.path.index, proof.path.size) == (2, 5)
    shell("home", "log", "prove", ids[2], "--tlog-proof", str(file), exits=1)  # never overwritten

    with lodestamp.open(tmp_path / "home") as node:
        operation = node.op(ids[2])
    wire, block = tmp_path / "op.json", tmp_path / "op"
    wire.write_bytes(operation.wire)
    block.write_bytes(operation.block)
    trust = tmp_path / "trust.json"
    trust.write_text(
        json.dumps(
            {
                "version": 1,
                "logs": [{"origin": "log.example/a", "vkeys": [vkey]}],
                "unpinned": "self_asserted",
            }
        )
    )
    for given in (wire, block):
        (verdict,) = shell.json("home", "verify", str(file), str(given), "--trust", str(trust))
        legs = {leg["name"]: leg for leg in verdict["legs"]}
        assert verdict["verdict"] == legs["log"]["status"] == "established"
        assert legs["checkpoint"]["basis"] == "pinned log key"
        assert verdict["subject"] == ids[2]
    # without a pinned key nothing can be said of the signature
    (verdict,) = shell.json("home", "verify", str(file), str(block), exits=2)
    assert [leg["code"] for leg in verdict["legs"] if leg["name"] == "checkpoint"] == [
        "checkpoint.key_not_pinned"
    ]
    shell("home", "verify", str(file), exits=64)

    def refuted(path, operation, code):
        words = ("verify", str(path), str(operation), "--trust", str(trust))
        (verdict,) = shell.json("home", *words, exits=1)
        assert code in [leg["code"] for leg in verdict["legs"]]

    with lodestamp.open(tmp_path / "home") as node:
        wire.write_bytes(node.op(ids[3]).wire)
    refuted(file, wire, "log.path_invalid")
    spoiled = tmp_path / "spoiled.tlog-proof"
    data = file.read_bytes()
    for old, new, code in (
        (b"index 2", b"index 3", "log.path_invalid"),
        (b"index 2", b"index 9", "format.bad_type"),
        (b"\n\nlog.example/a\n5\n", b"\n\nlog.example/a\n6\n", "checkpoint.bad_signature"),
        (b"@v1\n", b"@v1\nextra \n", "format.bad_type"),
    ):
        assert old in data
        spoiled.write_bytes(data.replace(old, new))
        refuted(spoiled, block, code)
    block.write_bytes(block.read_bytes() + b" ")
    refuted(file, block, "operation.schema")


def test_a_witness_is_told_of_a_log_and_asked_by_it(shell, tmp_path, recorded):
    _ids, vkey = recorded
    (added,) = shell.json("witness", "log", "witness", "add", "log.example/a", vkey)
    assert added.keys() == {"origin", "vkeys", "size", "witness"}
    assert (added["origin"], added["vkeys"], added["size"]) == ("log.example/a", [vkey], 0)
    assert "cosigned at size 0" in shell("witness", "log", "witness", "add", "log.example/a", vkey)
    shell("witness", "log", "witness", "add", "log.example/a", added["witness"][0] + "x", exits=1)
    shell("home", "log", "witness", "submit", exits=64)
    with (
        lodestamp.open(tmp_path / "witness") as witness,
        served(witness, "witness") as listening,
    ):
        config = tmp_path / "home" / "config.toml"
        config.write_text(f'[witnesses]\n"{listening.url}/witness" = ["{added["witness"][0]}"]\n')
        (said,) = shell.json("home", "log", "witness", "submit")
        assert said.keys() == {"url", "size", "state", "names", "detail"}
        assert (said["state"], said["size"]) == ("cosigned", 5)
        assert shell("home", "log", "witness", "submit").startswith("cosigned   size 5  http://")
        (note,) = shell.json("home", "log", "checkpoint")
        keys = [*witness.public.witness.vkeys]
        assert open_note(note["note"].encode(), keys).verified == tuple(keys)
    (said,) = shell.json("home", "log", "witness", "submit", exits=2)
    assert said["state"] == "away"
    config.write_text("[witnesses]\n")
    stranger = NoteSigner("w", SigningKey.from_seed("ed25519", bytes(32))).verifier_key
    config.write_text(f'[witnesses]\n"https://w.example" = ["{stranger}"]\n')
    shell("home", "log", "witness", "submit", exits=2)  # a note key is no witness's
    config.write_text("pq = 1\n")
    shell("home", "log", "checkpoint", exits=2)
    config.write_text("")
    assert_clean(tmp_path / "home")
    assert_clean(tmp_path / "witness")


def test_a_log_is_mirrored_and_audited_from_elsewhere(shell, tmp_path, recorded):
    _ids, vkey = recorded
    folder = tmp_path / "www"
    (said,) = shell.json("home", "log", "mirror", str(folder))
    assert said == {"mirror": str(folder), "size": 5, "written": 3}
    shell("home", "log", "audit", "--from", "3", exits=64)
    with lodestamp.open(tmp_path / "home") as node, served(node, "log") as listening:
        url = f"{listening.url}/log"
        shell("elsewhere", "log", "audit", "--remote", url, exits=64)
        (report,) = shell.json("elsewhere", "log", "audit", "--remote", url, "--vkey", vkey)
        assert report.keys() == {"checked", "findings", "exit"}
        assert report["checked"]["entries"] == 5
        node.record(**reading(9))
        (report,) = shell.json("elsewhere", "log", "audit", "--remote", url)
        assert report["checked"]["entries"] == 1
        (report,) = shell.json("elsewhere", "log", "audit", "--remote", url, "--from", "2")
        assert report["checked"]["entries"] == 4
        assert shell("elsewhere", "log", "audit", "--remote", url).endswith("clean\n")
    shell("elsewhere", "log", "audit", "--remote", url, exits=2)
    shell("elsewhere", "init")  # what an audit leaves behind keeps nobody from making a home
    assert (tmp_path / "elsewhere" / "audits").is_dir()
    assert_clean(tmp_path / "home")


@contextmanager
def running(*words):
    """The program as a listener of its own, told to end as a person would."""
    command = [sys.executable, "-m", "lodestamp", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.slow
def test_a_log_that_is_served_has_its_checkpoints_cosigned_by_itself(tmp_path, recorded, shell):
    ids, vkey = recorded
    witness_home, home = str(tmp_path / "witness"), str(tmp_path / "home")
    (added,) = shell.json("witness", "log", "witness", "add", "log.example/a", vkey)
    own = parse_vkey(added["witness"][0])
    anywhere = ("--listen", "127.0.0.1:0")
    with running("--home", witness_home, "log", "witness", "serve", *anywhere) as witness:
        assert witness.stdout.readline() == f"witness    {own}\n"
        url = witness.stdout.readline().split()[1]
        assert witness.stdout.readline() == "mounts     witness\n"
        config = f'[witnesses]\n"{url}/witness" = ["{own}"]\n'
        (tmp_path / "home" / "config.toml").write_text(config)
        with running("--home", home, "serve", "--mount", "log", *anywhere, "--json") as log:
            said = json.loads(log.stdout.readline())
            assert said["mounts"] == ["log"]
            deadline = time.monotonic() + 20
            while True:
                note = httpx.get(f"http://{said['listen']}/log/checkpoint").content
                if len(parse_note(note).signatures) == 2:
                    break
                assert time.monotonic() < deadline
                time.sleep(0.1)
    assert open_note(note, [parse_vkey(vkey), own]).verified == (parse_vkey(vkey), own)
    assert parse_checkpoint(parse_note(note).text).size == len(ids)
    assert_clean(tmp_path / "home")
    assert_clean(tmp_path / "witness")
