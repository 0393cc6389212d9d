"""What the log admits and what it refuses, by the operation's past alone (operations spec §7)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from homes import ALICE, NOW, audited_node, foreign_claim, foreign_evidence, reading
from lodestamp.core.keys import KeyEvent, SigningKey
from lodestamp.core.operations import (
    MemorySource,
    ProvenanceGraph,
    attestation,
    build_cap,
    build_op,
    confirm,
    evidence,
    grant,
    key,
    receipt,
    refutation,
    revocation,
)
from lodestamp.errors import RecordError
from lodestamp.node.recorder import (
    DatabaseGraphSource,
    Equivocated,
    RecordStatus,
    Released,
    read_chain,
)

BOB = SigningKey.from_seed("ed25519", b"b" * 32)
QUANTUM = SigningKey.from_seed("mldsa65", b"q" * 32)
NOBODY = "sha256:" + "0" * 64
NONCE = bytes(16)


def op(kind, body, prev=(), *, seq=0, cap=None, node="two", signer=ALICE, ts=NOW):
    """An operation of version 2."""
    return build_op(signer, node, kind, body, prev, ts, version=2, seq=seq, cap=cap)


def note(number, prev=(), **rest):
    body = evidence(source="s", kind="k", content={"n": number}, captured_at=NOW)
    return op("evidence", body, prev, **rest)


def a_cap():
    return build_cap(
        ALICE,
        audience=BOB.key_id,
        predicates=["p"],
        not_before=NOW,
        expires_at=NOW + 1000,
        nonce=bytes(16),
        commands=["/claim/read", "/evidence/create"],
    )


def said(node, *ops):
    """What the log answers: a status, or the code of a refusal."""
    answers = node.append([each.wire for each in ops])
    return [str(getattr(each, "code", None) or each.status) for each in answers]


def rows(home: Path, query: str) -> list[tuple]:
    with sqlite3.connect(home / "lodestamp.db") as database:
        return database.execute(query).fetchall()


def test_every_type_leaves_the_rows_that_its_bytes_give(tmp_path):
    """§10: each table is filled in the transaction of the operation; the auditor derives it too."""
    cap = a_cap()
    first = foreign_evidence(1)
    claimed = foreign_claim((first.op_id,), (first.op_id,))
    granted = op("grant", grant(cap), (claimed.op_id,))
    refuted = op(
        "refutation", refutation(target=claimed.op_id, reason="r"), (granted.op_id,), seq=1
    )
    attested = op(
        "attestation",
        attestation(
            cap_id=cap.cap_id,
            claim_op=claimed.op_id,
            subject="s",
            predicate="p",
            object=True,
            confidence_bp=9_000,
            provenance_commitment=NOBODY,
            attested_at=NOW,
        ),
        (refuted.op_id,),
        seq=2,
    )
    revoked = op("revocation", revocation(cap_id=cap.cap_id, reason="r"), (attested.op_id,), seq=3)
    answered = op(
        "receipt",
        receipt(
            cap_id=cap.cap_id, revocation_op=revoked.op_id, purged_attestations=1, statement="gone"
        ),
        (revoked.op_id,),
        signer=BOB,
    )
    event = KeyEvent.inception("human", BOB.public_key, nonce=bytes(16))
    begun = op("key", key(event), (answered.op_id,), seq=1, signer=BOB)
    acting = note(7, (begun.op_id,), seq=2, signer=BOB, cap=cap.cap_id)
    ops = [first, claimed, granted, refuted, attested, revoked, answered, begun, acting]
    home = tmp_path / "home"
    with audited_node(home) as node:
        assert said(node, *ops) == ["new"] * 9
    assert rows(home, "SELECT target, seq FROM refutes") == [(1, 3)]
    assert rows(home, "SELECT grant_seq, expires_at FROM cap") == [(2, NOW + 1000)]
    assert rows(home, "SELECT seq, claim_seq, master_salt FROM attestation") == [(4, 1, None)]
    assert rows(home, "SELECT seq, deadline FROM revocation") == [(5, None)]
    assert rows(home, "SELECT seq, revocation_seq, purged FROM receipt") == [(6, 5, 1)]
    assert rows(home, "SELECT did, event_index, seq FROM key_event") == [(event.did, 0, 7)]
    assert rows(home, "SELECT cap_ref, author_seq FROM operation WHERE seq = 8") == [(2, 2)]


def test_what_is_named_must_be_in_the_past_and_of_its_type(tmp_path):
    """S6, S18: a source is evidence or a claim, whatever else the log holds."""
    first = foreign_evidence(1)
    refuted = op("refutation", refutation(target=first.op_id, reason="r"), (first.op_id,))
    with audited_node(tmp_path / "home") as node:
        assert said(node, first, refuted) == ["new", "new"]
        wrong = foreign_claim((refuted.op_id,), (refuted.op_id,))
        assert said(node, wrong) == ["wrong-reference-type"]
        absent = op("refutation", refutation(target=NOBODY, reason="r"), (), node="three")
        assert said(node, absent) == ["missing-causal-reference"]
        beside = op("refutation", refutation(target=first.op_id, reason="r"), (), node="four")
        assert said(node, beside) == ["missing-causal-reference"]


def test_the_grant_of_an_acting_cap_must_be_in_the_past(tmp_path):
    """S6."""
    cap = a_cap()
    granted = op("grant", grant(cap))
    with audited_node(tmp_path / "home") as node:
        assert said(node, note(1, signer=BOB, cap=cap.cap_id)) == ["missing-causal-reference"]
        assert said(node, granted) == ["new"]
        assert said(node, note(2, signer=BOB, cap=cap.cap_id)) == ["missing-causal-reference"]
        assert said(node, note(3, (granted.op_id,), signer=BOB, cap=cap.cap_id)) == ["new"]


def test_a_grant_that_bears_the_id_of_another_grants_nothing(tmp_path):
    """S6, S21, S37: the store says so as the graph does, and the true grant is found behind it."""
    cap = a_cap()
    own = build_cap(
        BOB, audience=BOB.key_id, predicates=["p"], not_before=NOW, expires_at=NOW + 9, nonce=NONCE
    )
    forged = op("grant", {"cap": {**own.document, "cap_id": cap.cap_id}}, signer=BOB)
    acting = note(1, (forged.op_id,), seq=1, cap=cap.cap_id, signer=BOB)
    true = op("grant", grant(cap))
    graph = ProvenanceGraph.load(MemorySource(), roots=[ALICE.key_id])
    graph.add(forged)
    with pytest.raises(RecordError) as refused:
        graph.add(acting)
    with audited_node(tmp_path / "home") as node:
        assert said(node, forged, acting, true) == ["new", refused.value.code, "new"]
        with node._database.reading("reading a grant") as connection:
            assert read_chain(connection, cap.cap_id, [ALICE.key_id]).cap == cap
        stored = ProvenanceGraph.load(DatabaseGraphSource(node._database), roots=[ALICE.key_id])
    graph.add(true)
    assert stored.digest() == graph.digest()


@pytest.mark.parametrize("kind", ["grant", "revocation", "key"])
def test_what_decides_authority_is_not_refutable(tmp_path, kind):
    """S15."""
    bodies = {
        "grant": grant(a_cap()),
        "revocation": revocation(cap_id=a_cap().cap_id, reason="r"),
        "key": key(KeyEvent.inception("human", ALICE.public_key, nonce=bytes(16))),
    }
    target = op(kind, bodies[kind])
    against = op("refutation", refutation(target=target.op_id, reason="r"), (target.op_id,), seq=1)
    with audited_node(tmp_path / "home") as node:
        assert said(node, target, against) == ["new", "not-refutable"]


def test_a_refutation_can_be_refuted(tmp_path):
    """S13: the log admits it."""
    first = foreign_evidence(1)
    against = op("refutation", refutation(target=first.op_id, reason="r"), (first.op_id,))
    again = op("refutation", refutation(target=against.op_id, reason="r"), (against.op_id,), seq=1)
    with audited_node(tmp_path / "home") as node:
        assert said(node, first, against, again) == ["new"] * 3


def test_a_chain_has_no_gaps(tmp_path):
    """V2: number n needs number n-1 in its past, not merely in the log."""
    zero = note(0)
    with audited_node(tmp_path / "home") as node:
        assert said(node, note(1, seq=1)) == ["seq-gap"]
        assert said(node, zero) == ["new"]
        assert said(node, note(2, seq=1)) == ["seq-gap"]
        one = note(3, (zero.op_id,), seq=1)
        assert said(node, note(4, (one.op_id,), seq=3), one) == ["seq-gap", "new"]


def test_what_stands_on_a_rejected_operation_is_rejected(tmp_path):
    """S6: at once, later, and when it waited for it."""
    bad = note(1, seq=5)
    child = note(2, (bad.op_id,), node="c")
    grandchild = note(3, (child.op_id,), node="d")
    events = []
    with audited_node(tmp_path / "home") as node:
        node.listen(events.append)
        assert said(node, grandchild) == ["pending"]
        assert said(node, bad, child) == ["seq-gap", "rejected-parent"]
        assert said(node, grandchild) == ["rejected-parent"]
        assert said(node, note(9, (bad.op_id,), node="e")) == ["rejected-parent"]
    assert events == [Released(grandchild.op_id, RecordStatus.REJECTED, code="rejected-parent")]


def test_two_operations_at_one_place_are_an_equivocation(tmp_path):
    """S7, N7: both stay, the second is recorded in its transaction and told as an event."""
    zero, other = note(0), note(1)
    one = note(2, (zero.op_id, other.op_id), seq=1)
    events = []
    home = tmp_path / "home"
    with audited_node(home) as node:
        node.listen(events.append)
        ids = sorted([zero, other], key=lambda each: each.op_id)
        assert said(node, zero, other) == ["new", "new"]
        assert said(node, one) == ["new"]
        kept = op(
            "confirm",
            confirm(author=ALICE.key_id, node="two", keep=one.op_id, reason="r"),
            (one.op_id,),
            signer=BOB,
        )
        assert said(node, kept) == ["new"]
    assert events == [Equivocated(ALICE.key_id, "two", ids[0].op_id, ids[1].op_id)]
    assert rows(home, "SELECT seq_a, seq_b, confirmed_by FROM equivocation") == [(0, 1, 3)]


def test_version_1_operations_beside_each_other_are_an_equivocation(tmp_path):
    """S7: each contradicting operation is recorded with the first it contradicts."""
    chain = [foreign_evidence(0)]
    for number in range(1, 30):
        chain.append(foreign_evidence(number, (chain[-1].op_id,)))
    fork = foreign_evidence(100, (chain[9].op_id,))
    after = foreign_evidence(101, (fork.op_id,))
    merged = foreign_evidence(102, tuple(sorted((after.op_id, chain[-1].op_id))))
    home = tmp_path / "home"
    with audited_node(home) as node:
        assert set(said(node, *chain)) == {"new"}
        assert said(node, fork) == ["new"]
        assert said(node, after) == ["new"]
        assert said(node, merged) == ["new"]
    assert rows(home, "SELECT seq_a, seq_b FROM equivocation ORDER BY seq_b") == [
        (10, 30),
        (10, 31),
    ]


def test_an_author_known_by_a_digest_needs_its_key_event_in_the_past(tmp_path):
    """K11: elsewhere in the log does not count, or logs would disagree."""
    event = KeyEvent.inception("agent", QUANTUM.public_key, nonce=bytes(16))
    begun = op("key", key(event), signer=QUANTUM)
    with audited_node(tmp_path / "home") as node:
        assert said(node, note(1, signer=QUANTUM)) == ["key-unknown"]
        assert said(node, begun) == ["new"]
        assert said(node, note(2, signer=QUANTUM, node="x")) == ["key-unknown"]
        assert said(node, note(3, (begun.op_id,), seq=1, signer=QUANTUM)) == ["new"]
        forged = note(4, (begun.op_id,), signer=QUANTUM, node="y")
        wire = forged.wire.replace(b'"n":4', b'"n":5')
        assert said(node, _resealed(wire)) == ["bad-signature"]


def _resealed(wire: bytes):
    import json

    from lodestamp.core.encoding import address_of, canonical_json
    from lodestamp.core.operations import parse_op

    envelope = json.loads(wire)
    del envelope["op_id"]
    envelope["op_id"] = address_of(canonical_json(envelope))
    return parse_op(canonical_json(envelope))


def test_an_operation_far_behind_its_parents_is_flagged(tmp_path):
    """S9."""
    parent = foreign_evidence(1)
    late = foreign_evidence(2, (parent.op_id,), ts=NOW - 121)
    with audited_node(tmp_path / "home") as node:
        first, second = node.append([parent.wire, late.wire])
        assert (first.flags, second.flags) == ((), ("clock-behind",))


def test_what_lies_below_a_head_among_many_can_be_claimed_from(tmp_path):
    """S5: with more than 32 heads, what an operation refers to is still in its past."""
    base = foreign_evidence(0)
    heads = [foreign_evidence(n, (base.op_id,)) for n in range(1, 41)]
    deep = foreign_evidence(99)
    above = foreign_evidence(98, (deep.op_id,))
    words = {"subject": "s", "predicate": "p", "object": 1, "rationale": "r", "deriver": "d"}
    with audited_node(tmp_path / "home") as node:
        said(node, deep, above, base)
        said(node, *heads)
        made = node.claim(derived_from=[deep.op_id, base.op_id], **words)
        assert len(node.op(made.op_id).prev) == 32
        for _ in range(3):
            node.record(**reading(1))
        assert rows(tmp_path / "home", "SELECT count(*) FROM head") == [(1,)]


def test_sources_on_more_branches_than_there_are_parents_are_refused_by_name(tmp_path):
    branches = [foreign_evidence(n) for n in range(40)]
    words = {"subject": "s", "predicate": "p", "object": 1, "rationale": "r", "deriver": "d"}
    with audited_node(tmp_path / "home") as node:
        said(node, *branches)
        from lodestamp.errors import RecordError

        with pytest.raises(RecordError) as refused:
            node.claim(derived_from=[each.op_id for each in branches], **words)
        assert refused.value.code == "too-many-heads"
        node.record(**reading(1))
        made = node.claim(derived_from=[each.op_id for each in branches], **words)
        assert made.status is RecordStatus.NEW


def test_own_operations_are_a_chain_of_version_2(tmp_path):
    """N5: numbers are given inside the writer, whoever asks."""
    with audited_node(tmp_path / "home") as node:
        futures = [node.record_future(**reading(n)) for n in range(50)]
        made = [node.op(each.result().op_id) for each in futures]
    assert [each.seq for each in made] == list(range(50))
    assert {each.v for each in made} == {2}
    assert rows(tmp_path / "home", "SELECT count(*) FROM equivocation") == [(0,)]
