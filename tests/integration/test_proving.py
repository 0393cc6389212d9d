"""Proofs that a real home makes of what identities and delegates did, judged by the verifier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

import lodestamp
from authorities import COMMANDS
from conftest import REPOSITORY
from lodestamp.core.keys import KeyEvent, SigningKey
from lodestamp.core.operations import (
    Operation,
    build_cap,
    build_op,
    evidence,
    grant,
    parse_op,
    refutation,
    revocation,
)
from lodestamp.core.proof import AuthorPin, LogPin, Trust, verify
from lodestamp.errors import UnknownOperation
from lodestamp.node.clock import now_s
from proofs import STRANGER, key

ROOT, AGENT, TOOL = key("root"), key("agent 1"), key("agent 2")


class Story:
    """A home whose root is a key of ours, and what is written into it."""

    def __init__(self, node: lodestamp.Node) -> None:
        self.node = node
        self.now = now_s()
        self.seqs: dict[str, int] = {}
        self.last: tuple[str, ...] = ()

    def write(self, signer: SigningKey, kind: str, body: Any, cap: str | None = None) -> Operation:
        seq = self.seqs.get(signer.key_id, 0)
        self.seqs[signer.key_id] = seq + 1
        op = build_op(signer, "n", kind, body, self.last, self.now, version=2, seq=seq, cap=cap)
        (answer,) = self.node.append([op.wire])
        assert getattr(answer, "status", answer) == "new"
        self.last = (op.op_id,)
        return op

    def grant(self, signer: SigningKey, audience: str, parent: Any = None) -> Any:
        cap = build_cap(
            signer,
            audience=audience,
            predicates=["p"],
            commands=COMMANDS,
            not_before=self.now - 60,
            expires_at=self.now + 60,
            nonce=bytes(16),
            depth_left=parent.depth_left - 1 if parent else 3,
            parent=parent.cap_id if parent else None,
            subject=parent.subject if parent else None,
        )
        self.write(signer, "grant", grant(cap), cap.parent)
        return cap

    def evidence(self, signer: SigningKey, cap: str | None = None) -> Operation:
        body = evidence(source="mail/1", kind="k", content={"at": len(self.seqs)}, captured_at=1)
        return self.write(signer, "evidence", body, cap)

    def trust(self, *authors: str) -> Trust:
        logs = (LogPin(self.node.origin, (self.node.log_key,)),)
        return Trust(logs=logs, authors=tuple(AuthorPin(each) for each in authors))

    def judged(self, op: Operation, *authors: str, state: bool = False) -> Any:
        data = self.node.prove(op.op_id, state=state).encode()
        return verify(data, self.trust(*authors) if authors else None)


@pytest.fixture
def story(tmp_path):
    with lodestamp.open(tmp_path / "home", roots=[ROOT.key_id]) as node:
        yield Story(node)


def test_a_delegate_is_proved_by_the_chain_from_the_root(story):
    parent = story.grant(ROOT, AGENT.key_id)
    cap = story.grant(AGENT, TOOL.key_id, parent)
    subject = story.evidence(TOOL, cap.cap_id)
    proof = story.node.prove(subject.op_id)
    assert proof.authority is not None
    assert [each["op_id"] for each in proof.authority.grants] == [
        op.op_id for op in _log(story.node) if op.type == "grant"
    ]
    assert (proof.authority.keys, proof.authority.state) == ((), None)
    verdict = story.judged(subject, ROOT.key_id)
    assert verdict.exit_code == 0
    assert verdict.leg("authority").basis == "pinned root grant; revocations not shown"
    signed = story.judged(subject, ROOT.key_id, state=True)
    assert signed.exit_code == 0
    assert "as of log size 3, on the log's word" in signed.leg("authority").basis
    assert story.judged(subject, STRANGER.key_id).exit_code == 2


def _log(node: lodestamp.Node) -> list[Operation]:
    from lodestamp.node import recorder

    with node._database.reading("a test") as connection:
        size = recorder.read_head(connection).size
        return [parse_op(wire) for wire in recorder.read_wires(connection, range(size))]


def test_the_log_says_what_was_refuted_and_what_was_never_allowed(story):
    good, bad = story.evidence(ROOT), story.evidence(STRANGER)
    story.write(ROOT, "refutation", refutation(target=good.op_id, reason="no"))
    for op, code in ((good, "authority.refuted"), (bad, "authority.unauthorised")):
        assert story.judged(op, state=True).leg("authority").code == code
        assert story.judged(op).leg("authority").code == "authority.not_carried"


def test_the_log_says_that_a_grant_was_revoked_before(story):
    """S31: what was done before the revocation stays valid, what comes after does not."""
    cap = story.grant(ROOT, AGENT.key_id)
    before = story.evidence(AGENT, cap.cap_id)
    story.write(ROOT, "revocation", revocation(cap_id=cap.cap_id, reason="over"))
    after = story.evidence(AGENT, cap.cap_id)
    assert story.judged(before, ROOT.key_id, state=True).exit_code == 0
    assert story.judged(after, ROOT.key_id).exit_code == 0
    assert story.judged(after, state=True).leg("authority").code == "authority.unauthorised"
    granted = next(op for op in _log(story.node) if op.type == "grant")
    assert story.judged(granted, state=True).leg("authority").code == "authority.revoked"


@pytest.mark.parametrize("suite", ["ed25519", "mldsa65", "hybrid"])
def test_an_identity_is_proved_by_its_keys_before_and_after_a_rotation(tmp_path, suite):
    """K9: each proof carries the events in the operation's past, so the key then in force."""
    with lodestamp.open(tmp_path / "home") as node:
        made = node.identities.new(suite=suite, entity="agent", alias="robot")
        node.author_as("robot")
        first = node.record(source="s", kind="k", content={"n": 1})
        rotated = node.identities.rotate("robot", suite=suite)
        node.author_as("robot")
        second = node.record(source="s", kind="k", content={"n": 2})
        trust = Trust(
            logs=(LogPin(node.origin, (node.log_key,)),), authors=(AuthorPin(str(made.did)),)
        )
        for recorded, events, key_id in ((first, 1, made.key_id), (second, 2, rotated.key_id)):
            proof = node.prove(recorded.op_id)
            assert proof.authority is not None
            assert len(proof.authority.keys) == events
            assert proof.subject.operation["author"] == key_id
            verdict = verify(proof.encode(), trust)
            assert verdict.exit_code == 0, verdict
            assert verdict.leg("operation").facts["did"] == made.did


def test_an_event_that_cannot_follow_stays_out_of_the_proof(tmp_path):
    with lodestamp.open(tmp_path / "home") as node:
        node.identities.new(entity="agent", alias="robot")
        node.author_as("robot")
        head = node.op(node.record(source="s", kind="k", content={}).op_id)
        inception = next(op for op in _log(node) if op.type == "key")
        thief = key("thief")
        event = KeyEvent.parse(inception.body["event"]).rotation(thief.public_key)
        stolen = build_op(
            thief, "n", "key", {"event": event.document}, [head.op_id], now_s(), version=2, seq=0
        )
        assert node.append([stolen.wire])[0].status == "new"
        proof = node.prove(node.record(source="s", kind="k", content={"n": 2}).op_id)
        assert proof.authority is not None
        assert [each["op_id"] for each in proof.authority.keys] == [inception.op_id]
        assert verify(proof.encode()).exit_code == 0


def test_who_acts_in_the_own_right_has_no_such_section(story):
    assert story.node.prove(story.evidence(ROOT).op_id).authority is None


def test_no_state_is_signed_of_what_the_log_does_not_hold(story):
    with pytest.raises(UnknownOperation):
        story.node.prove("sha256:" + "0" * 64, state=True)


@pytest.mark.slow
def test_the_command_line_proves_shows_and_verifies(tmp_path, story):
    cap = story.grant(ROOT, AGENT.key_id)
    subject = story.evidence(AGENT, cap.cap_id)
    home = tmp_path / "home"
    story.node.close()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lodestamp", "--home", str(home), *words]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    made = run("prove", subject.op_id, "--json")
    assert json.loads(made.stdout) == {
        "op_id": subject.op_id,
        "log_index": 1,
        "tree_size": 2,
        "disclosed": 0,
        "grants": 1,
        "keys": 0,
        "state": False,
        "proof": f"{subject.op_id[7:23]}.proof.json",
    }
    assert run("prove", subject.op_id).returncode == 1
    told = run("prove", subject.op_id, "--state", "-o", "with.proof.json")
    assert "the log's word for its status" in told.stdout
    plain = run("verify", f"{subject.op_id[7:23]}.proof.json")
    assert plain.returncode == 0
    assert "revocations not shown" in plain.stdout
    assert "prove OP --state" in plain.stdout
    words = run("verify", "with.proof.json")
    assert f"1 grant from {ROOT.key_id}" in words.stdout
    assert "not revoked and not refuted as of log size 2, on the log's word" in words.stdout
    (leg,) = [
        each
        for each in json.loads(run("verify", "with.proof.json", "--json").stdout)["legs"]
        if each["name"] == "authority"
    ]
    assert leg["basis"].startswith("self-asserted root grant; not revoked")
    assert leg["facts"]["cap_id"] == cap.cap_id
    shown = run("show", "with.proof.json").stdout
    assert "authority — by what right" in shown
    assert f"{story.node.origin}/state" in shown
    source = run("prove", subject.op_id, "-o", "x.proof.json", "--disclose", "sha256:" + "0" * 64)
    assert source.returncode == 1
