"""The program as people run it: verbs, JSON, exit codes, and words."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import lodestamp
from anchor_defects import file_with, honest, honest_chain
from anchors import complete, pending, with_anchors
from headers import grown, run_of
from homes import assert_clean
from lodestamp.core.bitcoin import REGTEST
from lodestamp.core.encoding import Cid, base64_decode
from lodestamp.core.merkle import InclusionProof, verify_inclusion
from lodestamp.core.merkle import operation_leaf as leaf
from lodestamp.errors import SourceError
from lodestamp.faces.cli.program import run
from proofs import LEDGER
from witnesses import W1, cosigned


class Shell:
    """Runs the program in a folder of its own, with a home of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environment = {**os.environ, "LODESTAMP_HOME": str(self.home), "NO_COLOR": "1"}
        self._capture = capture

    def __call__(self, *words: str, exits: int = 0) -> str:
        done = self.run(*words)
        assert done.returncode == exits, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this process, which is what the program does, only quicker."""
        self._capture.readouterr()
        code = run(list(words))
        return subprocess.CompletedProcess(words, code, *self._capture.readouterr())

    def start(self, *words: str, **options) -> subprocess.Popen[str]:
        """Start the program in a process of its own."""
        command = [sys.executable, "-m", "lodestamp", *words]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, **options
        )

    def json(self, *words: str, exits: int = 0) -> dict:
        out = self(*words, "--json", exits=exits)
        assert out.count("\n") == 1
        return json.loads(out)


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    (tmp_path / "report.txt").write_text("the tide was high\n")
    shell = Shell(tmp_path, capfd)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODESTAMP_HOME", str(shell.home))
    monkeypatch.setenv("NO_COLOR", "1")
    yield shell
    if shell.home.exists():
        assert_clean(shell.home)


def test_stamp_verify_and_refute(shell):
    stamped = shell.json("stamp", "report.txt", "--claim", "as sent")
    assert stamped["path"] == "report.txt"
    assert stamped["proof"] == "report.txt.proof.json"
    assert (stamped["size"], stamped["log_index"], stamped["tree_size"]) == (18, 1, 2)
    assert stamped["pending"] == []
    assert Cid.parse(stamped["cid"]).matches(b"the tide was high\n")
    verdict = shell.json("verify", "report.txt.proof.json", "report.txt")
    assert (verdict["verdict"], verdict["exit"]) == ("established", 0)
    assert verdict["subject"] == stamped["op_id"]
    assert [leg["name"] for leg in verdict["legs"]] == [
        "format", "operation", "content", "authority", "log", "checkpoint", "witnesses", "ledger",
        "time",
    ]  # fmt: skip
    assert all(
        set(leg) == {"name", "status", "code", "basis", "facts", "detail"}
        for leg in verdict["legs"]
    )
    (shell.folder / "report.txt").write_text("the tide was low!\n")
    refuted = shell.json("verify", "report.txt.proof.json", "report.txt", exits=1)
    assert [leg["name"] for leg in refuted["legs"] if leg["status"] == "refuted"] == ["content"]
    words = shell("verify", "report.txt.proof.json", "report.txt", exits=1)
    assert words.startswith("REFUTED")
    assert "content.cid_mismatch" in words


def test_without_the_content_the_answer_is_unknown_unless_nobody_asks(shell):
    shell("stamp", "report.txt")
    absent = shell.json("verify", "report.txt.proof.json", exits=2)
    assert {leg["code"] for leg in absent["legs"] if leg["name"] == "content"} == {
        "content.bytes_absent"
    }
    assert shell.json("verify", "report.txt.proof.json", "--without-content")["exit"] == 0
    assert "--without-content" in shell("verify", "report.txt.proof.json", exits=2)
    told = shell("verify", "report.txt.proof.json", "--without-content")
    assert "not looked at, as asked" in told
    assert "was not given" not in told


def test_a_required_leg_that_is_missing_leaves_the_answer_open(shell):
    shell("stamp", "report.txt")
    verify = ("verify", "report.txt.proof.json", "report.txt")
    assert shell.json(*verify, "--require", "time", exits=2)["verdict"] == "unknown"
    error = shell.json(*verify, "--require", "taste", exits=64)["error"]
    assert error["type"] == "UsageError"


def test_trust_pins_keys(shell):
    shell("stamp", "report.txt")
    made = shell.json("init")
    trust = {
        "version": 1,
        "logs": [{"origin": made["origin"], "vkeys": [made["log_vkey"]]}],
        "authors": [{"id": made["key_id"], "label": "me"}],
    }
    (shell.folder / "trust.json").write_text(json.dumps(trust))
    verify = ("verify", "report.txt.proof.json", "report.txt", "--trust", "trust.json")
    bases = {leg["name"]: leg["basis"] for leg in shell.json(*verify)["legs"]}
    assert bases["operation"].startswith("pinned")
    assert bases["checkpoint"].startswith("pinned")
    trust["logs"][0]["vkeys"] = [
        "other.example/log+" + made["log_vkey"].split("+", 1)[1]
    ]  # a key id of another name
    (shell.folder / "trust.json").write_text(json.dumps(trust))
    assert shell.json(*verify, exits=64)["error"]["type"] == "TrustError"


def test_show_tells_and_does_not_judge(shell):
    shell("stamp", "report.txt", "--claim", "as sent", "--name", "--sha256")
    told = shell("show", "report.txt.proof.json")
    for word in ("subject", "content", "log", "checkpoint", "as sent", "report.txt"):
        assert word in told
    sections = shell.json("show", "report.txt.proof.json")
    assert sections["subject"]["operation"]["body"]["object"] == "as sent"
    assert "ESTABLISHED" not in told


def test_the_log_proves_itself(shell):
    made = shell.json("init", "--origin", "example.org/log")
    assert made["origin"] == "example.org/log"
    ids = []
    for number in range(3):
        (shell.folder / f"{number}.txt").write_text(str(number))
        ids.append(shell.json("stamp", f"{number}.txt")["op_id"])
    assert shell("log", "checkpoint").startswith("example.org/log\n3\n")
    assert shell.json("log", "checkpoint", "--size", "2")["note"].startswith("example.org/log\n2\n")
    proven = shell.json("log", "prove", ids[0])
    path = InclusionProof(0, 3, tuple(base64_decode(each) for each in proven["path"]))
    verify_inclusion(leaf(Cid.from_op_id(ids[0]).encode()), path, base64_decode(proven["root"]))
    assert shell.json("log", "consistency", "1", "3")["size2"] == 3
    assert shell.json("log", "audit")["checked"]["operations"] == 3
    assert shell.json("fsck")["exit"] == 0
    assert "index  0" in shell("log", "prove", ids[0])
    assert "size2  3" in shell("log", "consistency", "1", "3")
    assert "clean" in shell("fsck")
    assert "clean" in shell("log", "audit")


def test_a_damaged_log_fails_the_audit(shell):
    shell("stamp", "report.txt")
    with sqlite3.connect(shell.home / "lodestamp.db") as database:
        database.execute("UPDATE operation SET raw = CAST(replace(raw, 'ipfs', 'ipns') AS BLOB)")
    report = shell.json("fsck", exits=1)
    assert {finding["code"] for finding in report["findings"]} == {"A1"}
    assert "FINDING" in shell("log", "audit", exits=1)
    with sqlite3.connect(shell.home / "lodestamp.db") as database:
        database.execute("UPDATE operation SET raw = CAST(replace(raw, 'ipns', 'ipfs') AS BLOB)")


def test_cid_of_names_the_profile(shell):
    assert shell("cid", "of", "report.txt").startswith("bafkrei")
    old = shell.json("cid", "of", "report.txt", "--profile", "unixfs-v0-2015")
    assert old["cid"].startswith("Qm")
    assert (old["profile"], old["size"]) == ("unixfs-v0-2015", 18)
    unknown = shell.json("cid", "of", "report.txt", "--profile", "x", exits=1)
    assert unknown["error"]["code"] == "profile.unknown"
    assert not shell.home.exists()


def test_a_claim_that_cannot_be_recorded_leaves_no_evidence_behind(shell):
    for claim, exits in (("", 64), ("x" * 300_000, 1), ("\udcff", 1)):
        assert shell.json("stamp", "report.txt", f"--claim={claim}", exits=exits)["error"]
    assert "operations" not in shell.json("log", "audit")["checked"]


def test_several_files_and_one_of_them_missing(shell):
    (shell.folder / "b.txt").write_text("b")
    done = shell.run("stamp", "report.txt", "gone.txt", "b.txt", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert [line.get("path") for line in lines] == ["report.txt", None, "b.txt"]
    assert lines[1]["error"]["code"] == "source.missing"


def test_a_proof_is_never_overwritten_unasked(shell):
    shell("stamp", "report.txt")
    before = (shell.folder / "report.txt.proof.json").read_bytes()
    assert shell.json("stamp", "report.txt", exits=1)["error"]["code"] == "exists"
    assert (shell.folder / "report.txt.proof.json").read_bytes() == before
    assert shell.json("log", "audit")["checked"]["operations"] == 1  # nothing was recorded for it
    shell("stamp", "report.txt", "--force")
    assert (shell.folder / "report.txt.proof.json").read_bytes() != before
    shell("stamp", "report.txt", "-o", "other.json")
    assert shell.json("verify", "other.json", "report.txt")["exit"] == 0
    assert sorted(path.name for path in shell.folder.iterdir()) == [
        "home", "other.json", "report.txt", "report.txt.proof.json",
    ]  # fmt: skip
    shell("stamp", "report.txt", "b.txt", "-o", "x.json", exits=64)


def test_a_full_disk_under_the_proof_is_told(shell):
    assert shell.json("stamp", "report.txt", "-o", "/dev/full", exits=2)["error"]["code"] == "io"


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_a_home_of_another_suite_proves_what_it_signs(shell, suite):
    made = shell.json("init", "--suite", suite)
    assert made["key_id"].startswith(f"{suite}:")
    stamped = shell.json("stamp", "report.txt")
    assert shell("verify", stamped["proof"], "report.txt").startswith("ESTABLISHED")
    assert shell.json("init")["key_id"] == made["key_id"]
    assert json.loads(shell("init", "--suite", "ed25519", "--json", exits=2))["error"]["code"] == (
        "suite"
    )


def test_a_proof_can_go_to_standard_output(shell):
    child = shell.start("stamp", "report.txt", "-o", "/dev/stdout", stdout=subprocess.PIPE)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert lodestamp.Proof.parse(out.encode()).log.index == 0  # the proof and nothing else


@pytest.mark.parametrize(
    ("words", "exits", "code"),
    [
        (("stamp", "gone.txt"), 2, "source.missing"),
        (("stamp", "."), 2, "source.special"),
        (("stamp", "/dev/zero"), 2, "source.special"),
        (("stamp", "pipe"), 2, "source.special"),
        (("stamp", "report.txt/x"), 2, "source.unreadable"),
        (("stamp", "report.txt", "-o", "no/such/folder/p.json"), 2, "io"),
        (("stamp", "report.txt", "-o", "."), 2, "io"),
        (("stamp", "report.txt", "-o", "x" * 300), 2, "io"),
        (("stamp", "report.txt", "--claim", ""), 64, "usage"),
        (("verify", "gone.proof.json"), 2, "source.missing"),
        (("verify", "."), 2, "source.directory"),
        (("verify", "report.txt", "gone.txt"), 2, "source.missing"),
        (("verify", "report.txt", "--trust", "report.txt"), 64, "trust.not_json"),
        (("show", "report.txt"), 1, "format.not_json"),
        (("log", "prove", "sha256:00"), 1, "bad-address"),
        (("log", "prove", "sha256:" + "0" * 64), 1, "unknown-operation"),
        (("log", "consistency", "1", "9"), 64, "beyond-log"),
        (("log", "consistency", "0", "0"), 1, "size1_zero"),
        (("log", "checkpoint", "--size", "9"), 64, "beyond-log"),
        (("log", "checkpoint", "--size", str(1 << 70)), 64, "beyond-log"),
        (("stamp",), 64, "usage"),
        (("dance",), 64, "usage"),
        (("verify", "report.txt", "--dance"), 64, "usage"),
        (("log", "consistency", "one", "2"), 64, "usage"),
    ],
)
def test_bad_input_gets_a_typed_plain_error(shell, words, exits, code):
    os.mkfifo(shell.folder / "pipe")
    shell("init")
    said = shell.run(*words, "--json")
    assert said.returncode == exits, said.stdout + said.stderr
    document = json.loads(said.stdout)
    assert document["error"]["code"] == code
    assert set(document["error"]) == {"type", "code", "message", "hint"}
    in_words = shell.run(*words)
    assert in_words.returncode == exits
    assert in_words.stdout == ""
    assert in_words.stderr.startswith("lodestamp: ")
    assert shell.json("log", "audit")["checked"].get("operations", 0) == 0


def test_a_foreign_version_and_an_oversized_proof_are_told_apart(shell):
    shell("stamp", "report.txt")
    proof = json.loads((shell.folder / "report.txt.proof.json").read_text())
    proof["version"] = 2
    other = json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (shell.folder / "v2.json").write_text(other)
    unknown = shell.json("verify", "v2.json", exits=2)
    assert {leg["code"] for leg in unknown["legs"]} == {"format.unsupported"}
    (shell.folder / "big.json").write_bytes(b'{"a":"' + b"x" * (4 << 20) + b'"}')
    refuted = shell.json("verify", "big.json", exits=1)
    assert refuted["legs"][0]["code"] == "format.too_large"


def test_swapped_arguments_are_told_apart_from_forgery(shell):
    shell("stamp", "report.txt")
    assert "proof comes first" in shell("verify", "report.txt", "report.txt.proof.json", exits=1)


def test_an_output_that_cannot_be_written_is_no_verdict(shell):
    shell("stamp", "report.txt")
    with Path("/dev/full").open("w") as full:
        child = shell.start(
            "verify", "report.txt.proof.json", "report.txt", stdout=full, stderr=subprocess.PIPE
        )
        _, said = child.communicate(timeout=60)
    assert (child.returncode, "Traceback" in said) == (2, False)
    assert "cannot write the output" in said


def test_verbs_that_read_make_no_home(shell):
    for words in (("fsck",), ("log", "checkpoint"), ("log", "audit")):
        assert shell.json(*words, exits=2)["error"]["code"] == "no-home"
    assert not shell.home.exists()


def test_help_and_version(shell):
    assert "stamp" in shell("--help")
    assert "Example" in shell("stamp", "--help")
    assert shell("version").strip() == lodestamp.__version__
    assert "Usage" in shell(exits=64)


def test_a_proof_cannot_steer_the_terminal(shell):
    shell("stamp", "report.txt", "--claim", "a\x1b[31mred\x07 \u202edrow")
    for words in (("show",), ("verify", "--without-content")):
        out = shell(words[0], "report.txt.proof.json", *words[1:])
        assert not set(out) & {"\x1b", "\x07", "\u202e"}


def test_a_file_name_that_is_no_text_is_stamped_and_told_in_escapes(shell):
    name = os.fsdecode(b"caf\xe9\x1b[31m.txt")
    (shell.folder / name).write_bytes(b"x")
    assert "caf\\udce9\\u001b" in shell("stamp", name)
    assert json.loads(shell("stamp", name, "--force", "--json"))["path"] == name
    assert shell("verify", f"{name}.proof.json", name).startswith("ESTABLISHED")
    assert shell.json("stamp", name, "--force", "--name", exits=1)["error"]["code"] == "surrogate"
    missing = shell.run("stamp", name + "x")
    assert (missing.returncode, "\x1b" in missing.stderr) == (2, False)


def test_long_and_padded_words_cannot_paint_another_verdict(shell):
    fake = "ok" + " " * 50_000 + "ESTABLISHED  report.txt.proof.json" + "x" * 50_000
    shell("stamp", "report.txt", "--claim", fake)
    (shell.folder / "report.txt").write_text("changed")
    out = shell("verify", "report.txt.proof.json", "report.txt", exits=1)
    assert out.startswith("REFUTED")
    assert len(out) < 4_000
    assert len(shell("show", "report.txt.proof.json")) > 100_000  # which tells all


@pytest.mark.parametrize("verb", ["verify", "show"])
def test_a_narrow_terminal_encoding_ends_no_verdict(shell, verb):
    shell("stamp", "report.txt", "--claim", "done \u2013 \U0001f600")
    shell.environment["PYTHONIOENCODING"] = "latin-1"
    flags = ["--without-content"] if verb == "verify" else []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = shell.start(verb, "report.txt.proof.json", *flags, **pipes)
    out, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, "")
    assert "\\U0001f600" in out


def test_a_hostile_proof_is_shown_in_bounded_time(shell):
    shell("stamp", "report.txt")
    top = json.loads((shell.folder / "report.txt.proof.json").read_text())
    top["ledger"] = {**LEDGER, "header": {"a": [0] * 1_000_000}}
    text = json.dumps(top, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (shell.folder / "big.json").write_text(text)
    out = shell("show", "big.json")
    assert out.count("\n") == 10_001
    assert out.endswith("see --json\n")


def test_help_and_verify_start_without_a_database(shell):
    shell("stamp", "report.txt")
    probe = (
        "import sys; from lodestamp.faces.cli.program import run; code = run(sys.argv[1:]); "
        "heavy = {'sqlalchemy', 'alembic', 'cryptography', 'platformdirs'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr); sys.exit(code)"
    )
    for words in (("--help",), ("verify", "report.txt.proof.json", "report.txt"), ("version",)):
        done = subprocess.run(
            [sys.executable, "-c", probe, *words],
            cwd=shell.folder,
            env=shell.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr.strip() == "[]"


def test_a_reader_that_leaves_early_is_no_error(shell):
    shell("stamp", "report.txt")
    done = subprocess.run(
        f"{sys.executable} -m lodestamp show report.txt.proof.json | head -c 1",
        shell=True,
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_an_interrupt_ends_plainly(shell):
    big = shell.folder / "big.bin"
    with big.open("wb") as file:
        file.truncate(64 << 30)  # a hole: never read to its end
    child = shell.start("stamp", "big.bin", stderr=subprocess.PIPE)
    while not (shell.home / "checkpoint").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said == "interrupted\n"
    assert not (shell.folder / "big.bin.proof.json").exists()


def test_a_file_that_changes_while_it_is_read_is_not_stamped(shell):
    path = shell.folder / "growing.bin"
    path.write_bytes(bytes(200 << 20))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with path.open("ab") as file:
                file.write(b"x")
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with lodestamp.open(shell.home) as node, pytest.raises(SourceError) as refused:
            node.stamp(path)
    finally:
        stop.set()
        writer.join()
    assert refused.value.code == "source.changed"
    assert shell.json("log", "audit")["checked"].get("operations", 0) == 0


def test_verify_weighs_anchors_by_network_headers_and_trust(shell):
    """`--network`, `--headers FILE`, `--require time`; every way is offline."""
    proof, made = honest()
    (shell.folder / "a.json").write_bytes(file_with(made.anchor))
    (shell.folder / "hello").write_bytes(b"hello world\n")
    told = shell.json("verify", "a.json", "hello", "--json", exits=2)
    assert {leg["name"]: leg["code"] for leg in told["legs"]}["time"] == "time.network_not_accepted"
    told = shell.json("verify", "a.json", "hello", "--network", "regtest", "--json")
    assert told["verdict"] == "established"
    out = shell("verify", "a.json", "hello", "--network", "regtest")
    assert "existed no later than 2026-01-01 03:00:00 UTC" in out
    assert "regtest work proves nothing to strangers" in out
    chain = grown(REGTEST, 8)
    raw = b"".join(header.encode() for header in run_of(chain))
    (shell.folder / "headers").write_bytes(raw)
    options = ("--network", "regtest", "--headers", "headers")
    assert shell("verify", "a.json", "hello", *options).startswith("ESTABLISHED")
    low = complete(proof, height=4)
    (shell.folder / "low.json").write_bytes(file_with(low.anchor))
    out = shell("verify", "low.json", "hello", *options, exits=1)
    assert "time.not_in_best_chain" in out
    bad = shell.run("verify", "a.json", "hello", "--network", "main", "--headers", "headers")
    assert bad.returncode == 2
    assert "genesis block of main" in bad.stderr
    assert shell.run("verify", "a.json", "--network", "moon").returncode == 64


def test_verify_strict_lets_no_key_speak_for_itself(shell):
    shell("stamp", "report.txt")
    proof = ("verify", "report.txt.proof.json", "report.txt")
    assert shell(*proof).startswith("ESTABLISHED")
    told = shell.json(*proof, "--strict", "--json", exits=2)
    codes = {leg["name"]: leg["code"] for leg in told["legs"]}
    assert codes["checkpoint"] == "checkpoint.key_not_pinned"
    (shell.folder / "t.json").write_text('{"version":1,"unpinned":"self_asserted"}')
    assert shell(*proof, "--trust", "t.json").startswith("ESTABLISHED")
    shell(*proof, "--trust", "t.json", "--strict", exits=2)


def test_show_tells_cosignatures_and_anchors_without_judging(shell):
    proof, made = honest()
    whole = with_anchors(cosigned(proof, W1), made.anchor, pending(proof), honest_chain().anchor)
    (shell.folder / "a.json").write_bytes(whole.encode())
    out = shell("show", "a.json")
    for words in (
        "cosigned by witness.example/w1 (Ed25519), dated 2026-01-01 00:01:00 UTC",
        "main: by OpenTimestamps",
        "pending at https://calendar.example",
        f"block 930,000, {made.run[0].hash_display}",
        "regtest: by a covenant's chain of states",
        "6 headers",
    ):
        assert words in out
    raw = shell("show", "a.json", "--raw")
    assert f"headers: {made.anchor.as_json()['headers']}" in raw
    assert "cosigned by" not in raw
    assert shell.json("show", "a.json", "--json")["anchors"][1]["kind"] == "chain"
    broken = with_anchors(proof, replace(made.anchor, ots=b"\xf2\x00"))
    (shell.folder / "b.json").write_bytes(broken.encode())
    assert "the path cannot be read" in shell("show", "b.json")
