"""A delegate sees what was granted to it and nothing else (Y5, S26-S28)."""

from __future__ import annotations

import json
import time

import pytest

import lodestamp
from homes import ALICE, assert_clean
from listeners import served
from lodestamp.core.encoding import address_of
from lodestamp.core.operations import (
    attestation,
    build_cap,
    build_op,
    claim,
    evidence,
    grant,
    notice,
    refutation,
    revocation,
)
from lodestamp.errors import PeerError
from lodestamp.node.keyring import AUTHOR_KEY, load_key

HIDDEN_SOURCE = "mail/secret-source-7f3a"
HIDDEN_CONTENT = "the-secret-content-91c2"


class Owner:
    """An owner's operations, written as the recorder would, in one chain."""

    def __init__(self, node):
        self.node = node
        self.key = load_key(node.home / "keys", AUTHOR_KEY)
        self.prev: tuple[str, ...] = ()
        self.now = int(time.time())

    def write(self, kind, body, version=1):
        seq = {"version": 2, "seq": self.count(), "cap": None} if version == 2 else {}
        label = "owner" if version == 1 else "owner-2"
        op = build_op(self.key, label, kind, body, self.prev, self.now, **seq)
        [answer] = self.node.append([op.wire])
        assert not isinstance(answer, lodestamp.LodestampError), answer
        assert answer.log_index is not None, answer
        self.prev = (op.op_id,)
        return op

    def count(self):
        self._chained = getattr(self, "_chained", -1) + 1
        return self._chained

    def grant(self, audience, **changed):
        said = {"audience": audience, "predicates": ["prefers.tea"], "not_before": self.now - 10}
        said |= {"expires_at": self.now + 1000, "nonce": bytes(16), **changed}
        cap = build_cap(self.key, **said)
        return cap, self.write("grant", grant(cap), 2)

    def attest(self, cap, claimed):
        body = attestation(
            cap_id=cap.cap_id,
            claim_op=claimed.op_id,
            subject="user",
            predicate="prefers.tea",
            object=True,
            confidence_bp=9_000,
            provenance_commitment=address_of(b"commitment"),
            attested_at=self.now,
        )
        return self.write("attestation", body)


@pytest.fixture
def scene(tmp_path):
    """An owner with a claim drawn from secret evidence, and a delegate with a home of its own."""
    homes = tmp_path / "owner", tmp_path / "delegate"
    with lodestamp.open(homes[0]) as node, lodestamp.open(homes[1]) as delegate:
        owner = Owner(node)
        body = evidence(
            source=HIDDEN_SOURCE, kind="mail", content={"text": HIDDEN_CONTENT}, captured_at=0
        )
        found = owner.write("evidence", body)
        drawn = claim(
            subject="user",
            predicate="prefers.tea",
            object=True,
            confidence_bp=9_000,
            derived_from=[found.op_id],
            deriver="model/1",
            rationale="because",
        )
        owner.found, owner.claimed = found, owner.write("claim", drawn)
        with served(node) as listening:
            yield owner, delegate, listening
    for home in homes:
        assert_clean(home)


def kept(delegate, cap):
    return [op.type for op in delegate.peers.shallow.operations(cap.cap_id)]


def test_a_delegate_gets_the_grant_and_what_was_attested_under_it(scene):
    owner, delegate, listening = scene
    cap, _ = owner.grant(delegate.key_id)
    owner.attest(cap, owner.claimed)
    report = delegate.sync(listening.url, delegated=cap.cap_id)
    assert (report.received, report.rejected, report.complete) == (2, (), True)
    assert kept(delegate, cap) == ["grant", "attestation"]
    again = delegate.sync(listening.url, delegated=cap.cap_id)
    assert (again.received, again.relation) == (0, "equal")
    owner.attest(cap, owner.claimed)
    assert delegate.sync(listening.url, delegated=cap.cap_id).received == 1


def test_no_evidence_reaches_the_delegates_disk(scene):
    """S27: a scan of every byte of its store finds no source, content or derivation."""
    owner, delegate, listening = scene
    cap, _ = owner.grant(delegate.key_id)
    attested = owner.attest(cap, owner.claimed)
    delegate.sync(listening.url, delegated=cap.cap_id)
    stored = b"".join(
        path.read_bytes() for path in sorted(delegate.home.rglob("*")) if path.is_file()
    )
    assert attested.op_id.encode() in stored
    for secret in (HIDDEN_SOURCE, HIDDEN_CONTENT, "derived_from", owner.found.op_id):
        assert secret.encode() not in stored
    assert owner.found.digest not in stored


def test_foreign_and_unknown_grants_answer_the_same(scene):
    """Y5: nobody learns whether a grant exists."""
    owner, delegate, listening = scene
    foreign, _ = owner.grant(ALICE.key_id)
    answers = []
    for cap_id in (foreign.cap_id, address_of(b"nothing"), "nonsense"):
        key = load_key(delegate.home / "keys", AUTHOR_KEY)
        answer = listening.ask(key, "GET", f"/v1/sync/delegated?cap={cap_id}&after=0")
        answers.append((answer.status_code, answer.content))
    assert {status for status, _ in answers} == {404}
    assert len({content for _, content in answers}) == 1
    with pytest.raises(PeerError) as caught:
        delegate.sync(listening.url, delegated=foreign.cap_id)
    assert caught.value.code == "not-found"


def test_other_grants_do_not_show(scene):
    owner, delegate, listening = scene
    mine, _ = owner.grant(delegate.key_id)
    theirs, _ = owner.grant(ALICE.key_id, nonce=bytes(15) + b"1")
    owner.attest(theirs, owner.claimed)
    delegate.sync(listening.url, delegated=mine.cap_id)
    key = load_key(delegate.home / "keys", AUTHOR_KEY)
    answer = listening.ask(key, "GET", f"/v1/sync/delegated?cap={mine.cap_id}&after=0")
    *lines, last = answer.content.splitlines()
    assert json.loads(last) == {"end": True, "count": 1, "heads": []}
    assert [json.loads(line)["type"] for line in lines] == ["grant"]
    assert theirs.cap_id.encode() not in answer.content


def test_a_revocation_comes_and_the_attestations_go(scene):
    """S28: bodies are overwritten where they stood; the ids stay."""
    owner, delegate, listening = scene
    cap, _ = owner.grant(delegate.key_id)
    attested = owner.attest(cap, owner.claimed)
    delegate.sync(listening.url, delegated=cap.cap_id)
    owner.write("revocation", revocation(cap_id=cap.cap_id, reason="over"))
    delegate.sync(listening.url, delegated=cap.cap_id)
    assert kept(delegate, cap) == ["grant", "revocation"]
    stored = b"".join(path.read_bytes() for path in delegate.home.glob("lodestamp.db*"))
    assert attested.body["provenance_commitment"].encode() not in stored
    assert attested.digest in stored
    assert delegate.peers.shallow.purge(cap.cap_id) == [attested.digest]
    assert delegate.sync(listening.url, delegated=cap.cap_id).received == 0


def test_a_stale_attestation_is_dropped_and_a_restored_one_comes_back(scene):
    """S26."""
    owner, delegate, listening = scene
    cap, _ = owner.grant(delegate.key_id)
    attested = owner.attest(cap, owner.claimed)
    delegate.sync(listening.url, delegated=cap.cap_id)
    said = {"attestation_op": attested.op_id, "audience": delegate.key_id}
    wrong = owner.write("refutation", refutation(target=owner.claimed.op_id, reason="wrong"))
    owner.write("notice", notice(state="stale", **said), 2)
    delegate.sync(listening.url, delegated=cap.cap_id)
    assert kept(delegate, cap) == ["grant", "notice"]
    owner.write("refutation", refutation(target=wrong.op_id, reason="it was right"))
    owner.write("notice", notice(state="restored", **said), 2)
    delegate.sync(listening.url, delegated=cap.cap_id)
    assert kept(delegate, cap) == ["grant", "attestation", "notice", "notice"]


def test_a_grant_to_sync_lets_its_holder_in(scene):
    """§11: an owner peer is a root, or holds a grant of the command /sync."""
    owner, delegate, listening = scene
    reading_, _ = owner.grant(delegate.key_id)
    syncing, _ = owner.grant(delegate.key_id, commands=["/sync"], nonce=bytes(15) + b"2")
    for cap in (None, reading_.cap_id, address_of(b"nothing")):
        with pytest.raises(PeerError) as caught:
            delegate.sync(listening.url, merge=True, cap=cap)
        assert caught.value.code == "forbidden"
    assert delegate.sync(listening.url, merge=True, cap=syncing.cap_id).complete
    owner.write("revocation", revocation(cap_id=syncing.cap_id, reason="over"))
    with pytest.raises(PeerError):
        delegate.sync(listening.url, merge=True, cap=syncing.cap_id)
