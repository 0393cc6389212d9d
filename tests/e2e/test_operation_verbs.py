"""The verbs of operations as people type them: fields, exit codes, words, refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from homes import assert_clean
from lodestamp.core.operations import parse_op, verify_op
from lodestamp.faces.cli.program import run

RECORDED = ["op_id", "cid", "log_index", "tree_size", "status"]
ALICE = "ed25519:" + "8a" * 32


@pytest.fixture
def shell(tmp_path, monkeypatch, capfd):
    """Runs the program on a home of its own, which the auditor looks at in the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODESTAMP_HOME", str(tmp_path / "home"))

    def shell(*words: str, exits: int = 0):
        capfd.readouterr()
        code = run(list(words))
        said = capfd.readouterr()
        assert code == exits, said
        return json.loads(said.out) if "--json" in words else said

    yield shell
    assert_clean(tmp_path / "home")


def record(shell, *more):
    words = ("--source", "calendar", "--kind", "event", "--content", '{"n": 1}')
    return shell("record", *words, "--json", *more)["op_id"]


def claim(shell, *more):
    said = ("--subject", "ada", "--predicate", "prefers.tea", "--object", "true")
    return shell("claim", *said, "--rationale", "because", *more, "--json")


def test_what_is_recorded_has_the_fields_of_its_verb(shell, tmp_path):
    (tmp_path / "a.txt").write_text("tea")
    told = shell("record", "--source", "s", "--kind", "k", "--file", "a.txt", "--json")
    assert list(told) == RECORDED
    seen = record(shell, "--captured-at", "2026-01-01T00:00:00Z", "--external-id", "x")
    derived = claim(shell, "--from", seen, "--deriver", "reader/1", "--confidence-bp", "9000")
    assert list(derived) == [*RECORDED, "superseded"]
    own = claim(shell, "--user")
    assert own["superseded"] == [derived["op_id"]]
    rehearsed = shell("refute", seen, "--reason", "no", "--dry-run", "--json")
    assert rehearsed["op_id"] is None
    refuted = shell("refute", seen, "--reason", "no", "--json")
    assert list(refuted) == [*RECORDED, "affected"]
    assert refuted["affected"] == rehearsed["affected"]
    assert refuted["affected"][1] == {
        "op_id": derived["op_id"],
        "before": "valid",
        "after": "source-invalid",
    }
    shown = shell("ops", "show", seen, "--json")
    assert list(shown) == ["operation", "status", "log_index", "cid", "authority"]
    assert (shown["status"], shown["operation"]["body"]["captured_at"]) == ("refuted", 1767225600)
    assert shell("ops", "show", seen, "--as-of", "2", "--json")["status"] == "valid"
    why = shell("ops", "why", derived["op_id"], "--json")
    assert list(why) == ["status", "causes", "path", "missing_authority"]
    assert why["causes"] == [refuted["op_id"]]
    listed = shell("ops", "list", "--type", "claim", "--limit", "1", "--json")
    assert listed["next"] == listed["operations"][0]["log_index"] == 2
    graph = shell("ops", "graph", seen, "--down", "--json")
    assert graph["edges"] == [[derived["op_id"], seen]]


def test_the_wire_form_is_printed_byte_by_byte(shell):
    wire = shell("ops", "show", record(shell), "--wire").out.encode()
    verify_op(parse_op(wire))


def test_the_verbs_of_authority_have_their_fields(shell, tmp_path):
    shell("key", "new", "--name", "agency")
    seen = record(shell)
    said = claim(shell, "--from", seen)["op_id"]
    terms = ("--predicate", "prefers.*", "--for", "30d", "--rate", "5/s", "--resource", "ada")
    given = shell("grant", "agency", *terms, "--json")
    assert list(given) == [*RECORDED, "cap_id", "chain"]
    cap_id = given["cap_id"]
    shown = shell("attest", cap_id, said, "--opening-out", "opening.json", "--json")
    assert list(shown) == [*RECORDED, "commitment"]
    assert json.loads((tmp_path / "opening.json").read_text())["derived_from"] == [seen]
    before = shell("receipts", cap_id, "--json")["caps"]
    assert before == [
        {"cap_id": cap_id, "status": "not-revoked", "issued": 1, "purged": None, "deadline": None}
    ]
    ended = shell("revoke", cap_id, "--reason", "over", "--deadline", "2h", "--json")
    assert list(ended) == [*RECORDED, "children"]
    shell("receipt", cap_id, "--revocation", ended["op_id"], exits=1)
    got = shell("--as", "agency", "receipt", cap_id, "--revocation", ended["op_id"], "--json")
    assert list(got) == [*RECORDED, "purged"]
    assert got["purged"] == 1
    [after] = shell("receipts", "--json")["caps"]
    assert (after["status"], after["issued"], after["purged"]) == ("acknowledged", 1, 1)
    assert "not proof of deletion" in shell("receipts").out
    shell("ops", "show", shown["op_id"], exits=1)


def test_a_decision_goes_from_open_to_done(shell, tmp_path):
    intent = {
        "action": "book", "reasoning": "tea", "alternatives": [], "risk": "critical",
        "model": {"name": "m", "version": "1"}, "inputs": [], "period": {"start": 1},
        "requires_review": True,
    }  # fmt: skip
    outcome = {"result": "done", "summary": "ok", "outputs": [], "period": {"start": 1, "end": 2}}
    (tmp_path / "intent.json").write_text(json.dumps(intent, indent=2))
    shell("key", "new", "--name", "robot", "--entity", "agent")
    decided = shell("decide", "--content-file", "intent.json", "--json")
    assert (list(decided)[-1], decided["state"]) == ("state", "open")
    done = shell("conclude", decided["op_id"], "--content", json.dumps(outcome), "--json")
    assert done["state"] == "unreviewed"
    words = shell("review", done["op_id"], "--verdict", "rejected", "--note", "ask first")
    assert f"lodestamp refute {done['op_id']}" in words.out
    shell("review", done["op_id"], "--verdict", "maybe", exits=1)
    shell("conclude", done["op_id"], "--content", json.dumps(outcome), exits=1)


def test_what_has_no_effect_is_recorded_and_told(shell):
    shell("key", "new", "--name", "stranger")
    seen = record(shell)
    said = shell("--as", "stranger", "--node", "tab-2", "refute", seen, "--reason", "I say so")
    assert "affected   nothing" in said.out
    assert said.err == "lodestamp: recorded, but ineffective: may-not-refute\n"
    theirs = shell("ops", "list", "--author", "stranger", "--json")["operations"]
    assert [each["type"] for each in theirs] == ["key", "refutation"]
    assert theirs[-1]["node"] == "tab-2"


def test_a_helper_acts_under_its_grant(shell):
    """The global --as and --cap, on a verb that records; without the grant it has no right."""
    shell("key", "new", "--name", "helper")
    terms = ("--predicate", "x", "--command", "/evidence/create", "--expires-at", "4000000000")
    cap_id = shell("grant", "helper", *terms, "--json")["cap_id"]
    words = ("record", "--source", "s", "--kind", "k", "--content", "{}")
    assert shell("--as", "helper", "--cap", cap_id, *words).err == ""
    assert "no-authority" in shell("--as", "helper", *words).err
    shell("revoke", cap_id, "--reason", "over")
    assert "revoked" in shell("--as", "helper", "--cap", cap_id, *words).err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--object", "0.5", "--user"), """'"0.5"'"""),
        (("--object", "[1e3]", "--user"), """'"1e3"'"""),
        (("--object", "NaN", "--user"), "quote it"),
        (("--object", "tea", "--user"), "quotes of its own"),
        (("--object", '{"a":1,"a":2}', "--user"), "twice"),
        (("--object", "9007199254740992", "--user"), "cannot be recorded"),
        (("--object", "true"), "--user"),
        (("--object", "true", "--user", "--from", "x"), "--user"),
        (("--object", "true", "--user", "--deriver", "x"), "--deriver"),
    ],
)
def test_an_object_or_a_source_that_makes_no_sense_is_a_question_of_usage(shell, words, told):
    record(shell)
    said = ("--subject", "s", "--predicate", "p", "--rationale", "r")
    assert told in shell("claim", *said, *words, exits=64).err


@pytest.mark.parametrize(
    "words",
    [
        ("grant", ALICE, "--predicate", "p"),
        ("grant", ALICE, "--predicate", "p", "--for", "30"),
        ("grant", ALICE, "--predicate", "p", "--for", "1d", "--expires-at", "1"),
        ("grant", ALICE, "--predicate", "p", "--expires-at", "tomorrow"),
        ("grant", ALICE, "--predicate", "p", "--for", "1d", "--rate", "often"),
        ("grant", "nobody", "--predicate", "p", "--for", "1d"),
        ("receipts", "--at", "2026-02-30T00:00:00Z"),
        ("ops", "list", "--type", "rumour"),
        ("ops", "graph", "sha256:" + "0" * 64, "--format", "png"),
        ("record", "--source", "s", "--kind", "k"),
        ("record", "--source", "s", "--kind", "k", "--content", "[]"),
        ("record", "--source", "s", "--kind", "k", "--content", "{}", "--file", "x"),
    ],
)
def test_words_that_make_no_sense_exit_64(shell, words):
    record(shell)
    shell(*words, exits=64)


def test_an_operation_that_the_log_does_not_hold_exits_1(shell):
    record(shell)
    nowhere = "sha256:" + "0" * 64
    for verb in ("show", "why", "graph"):
        shell("ops", verb, nowhere, exits=1)
    shell("refute", nowhere, "--reason", "r", exits=1)
    shell("attest", nowhere, nowhere, exits=1)


def test_graphs_are_drawn_as_tree_dot_and_prov_json(shell):
    seen = record(shell)
    first = claim(shell, "--from", seen)["op_id"]
    second = claim(shell, "--from", first, "--from", seen)["op_id"]
    tree = shell("ops", "graph", second).out
    assert tree.count("(again)") == 1
    assert tree.splitlines()[0] == "claim valid: ada prefers.tea"
    dot = shell("ops", "graph", second, "--format", "dot").out
    assert dot.startswith("digraph provenance {\n")
    assert dot.count(" -> ") == 3
    prov = json.loads(shell("ops", "graph", second, "--format", "prov-json").out)
    assert len(prov["wasDerivedFrom"]) == 3


@pytest.mark.parametrize("words", ["--help", "grant --help", "version", "ops graph --help"])
def test_help_imports_neither_database_nor_server(words, tmp_path, monkeypatch):
    script = (
        "import sys; from lodestamp.faces.cli.program import run; code = run(sys.argv[1:]);"
        "heavy = {'sqlalchemy', 'litestar', 'httpx', 'alembic'} & set(sys.modules);"
        "sys.exit(9 if heavy else code)"
    )
    monkeypatch.chdir(tmp_path)
    path = [str(Path(each).resolve()) for each in sys.path if each]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {script}", *words.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
