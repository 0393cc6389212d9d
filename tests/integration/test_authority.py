"""A slice is granted, shown, revoked and receipted, by the verbs of a node (S21 to S33)."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

import lodestamp
from homes import ALICE, assert_clean, audited_node, reading
from listeners import served
from lodestamp.core.encoding import address_of, base64_decode
from lodestamp.core.operations import Rate, Status, open_commitment
from lodestamp.errors import CapError, PeerError, RecordError, UsageError

NEVER = address_of(b"nothing of this id")


@pytest.fixture
def node(tmp_path):
    with audited_node(tmp_path / "home") as node:
        yield node


def soon() -> int:
    return int(time.time()) + 3_600


def drawn(node, predicate="prefers.tea", *, value=True, **changed):
    """Evidence and a claim drawn from it."""
    seen = node.record(**reading(changed.pop("number", 1)))
    said = {"subject": "user", "predicate": predicate, "object": value, "rationale": "read there"}
    said |= {"derived_from": [seen.op_id], "deriver": "reader/1", "confidence_bp": 9_000}
    return seen, node.claim(**said | changed)


def test_a_slice_is_granted_shown_revoked_and_receipted(tmp_path):
    """S24, S25, S28, S29, S30: from the grant to the acknowledged receipt, over HTTP."""
    with ExitStack() as stack:
        owner = stack.enter_context(lodestamp.open(tmp_path / "owner"))
        delegate = stack.enter_context(lodestamp.open(tmp_path / "delegate"))
        listening = stack.enter_context(served(owner))
        _, claimed = drawn(owner)
        given = owner.grant(delegate.key_id, predicates=["prefers.*"], expires_at=soon())
        assert owner.status(given.op_id) is Status.VALID
        shown = owner.attest(given.cap_id, claimed.op_id)
        assert owner.status(shown.op_id) is Status.VALID
        assert owner.revocation_report(given.cap_id).status == "not-revoked"
        report = delegate.sync(listening.url, delegated=given.cap_id)
        assert (report.received, report.rejected) == (2, ())
        kept = delegate.peers.shallow.operations(given.cap_id)
        commitment = kept[1].body["provenance_commitment"].encode()
        assert commitment in _stored(delegate)

        revoked = owner.revoke(given.cap_id, reason="moved on")
        assert owner.revocation_report(given.cap_id).status == "requested"
        delegate.sync(listening.url, delegated=given.cap_id)
        receipt = delegate.receipt(given.cap_id, revocation_op=revoked.op_id)
        assert receipt.purged == 1
        assert commitment not in _stored(delegate)
        assert delegate.sync(listening.url, delegated=given.cap_id).sent == 1
        assert delegate.sync(listening.url, delegated=given.cap_id).sent == 0
        report = owner.revocation_report(given.cap_id)
        assert report.status == "acknowledged"
        assert [each.purged for each in report.receipts] == [1]
        assert owner.status(receipt.op_id) is Status.VALID
    assert_clean(tmp_path / "owner")
    assert_clean(tmp_path / "delegate")


def _stored(node) -> bytes:
    return b"".join(path.read_bytes() for path in node.home.glob("lodestamp.db*"))


def test_an_opening_opens_the_commitment_it_came_with(node):
    """§6: the same claim attested twice gives two commitments, and the salt stays here."""
    seen, claimed = drawn(node)
    given = node.grant(ALICE.key_id, predicates=["prefers.tea"], expires_at=soon())
    first, second = (node.attest(given.cap_id, claimed.op_id) for _ in range(2))
    assert first.commitment != second.commitment
    salt = base64_decode(first.opening["salt"])
    assert open_commitment(first.commitment, claimed.op_id, [seen.op_id], salt=salt)
    assert not open_commitment(second.commitment, claimed.op_id, [seen.op_id], salt=salt)


def test_S25_an_attestation_may_lower_confidence_and_never_raise_it(node):
    _, claimed = drawn(node)
    given = node.grant(ALICE.key_id, predicates=["prefers.tea"], expires_at=soon())
    lower = node.attest(given.cap_id, claimed.op_id, confidence_bp=8_000)
    assert node.status(lower.op_id) is Status.VALID
    higher = node.attest(given.cap_id, claimed.op_id, confidence_bp=9_500)
    assert node.status(higher.op_id) is Status.UNAUTHORISED
    [lack] = node.why(higher.op_id).missing_authority
    assert lack.code == "bad-attestation"


def test_S23_what_is_out_of_scope_is_recorded_without_effect(node):
    _, claimed = drawn(node, predicate="health.blood")
    given = node.grant(ALICE.key_id, predicates=["prefers.*"], expires_at=soon())
    shown = node.attest(given.cap_id, claimed.op_id)
    assert [lack.code for lack in node.why(shown.op_id).missing_authority] == ["out-of-scope"]


def test_S26_an_attestation_goes_stale_with_its_claim_and_comes_back(node):
    _, claimed = drawn(node)
    given = node.grant(ALICE.key_id, predicates=["prefers.tea"], expires_at=soon())
    shown = node.attest(given.cap_id, claimed.op_id)
    refuted = node.refute(claimed.op_id, reason="a misreading")
    changed = {change.op_id: (change.before, change.after) for change in refuted.affected}
    assert changed[shown.op_id] == (Status.VALID, Status.STALE)
    node.refute(refuted.op_id, reason="it was right after all")
    assert node.status(shown.op_id) is Status.VALID


def test_S26_the_next_session_tells_the_delegate_what_went_stale_and_what_came_back(tmp_path):
    with ExitStack() as stack:
        owner = stack.enter_context(lodestamp.open(tmp_path / "owner"))
        delegate = stack.enter_context(lodestamp.open(tmp_path / "delegate"))
        listening = stack.enter_context(served(owner))
        _, claimed = drawn(owner)
        given = owner.grant(delegate.key_id, predicates=["prefers.*"], expires_at=soon())
        owner.attest(given.cap_id, claimed.op_id)

        def kept():
            assert delegate.sync(listening.url, delegated=given.cap_id).rejected == ()
            return [op.type for op in delegate.peers.shallow.operations(given.cap_id)]

        assert kept() == ["grant", "attestation"]
        fallen = owner.refute(claimed.op_id, reason="a misreading")
        assert kept() == ["grant", "notice"]
        assert kept() == ["grant", "notice"]
        owner.refute(fallen.op_id, reason="it was right after all")
        assert kept() == ["grant", "attestation", "notice", "notice"]
        assert owner.notify(given.cap_id) == []
        assert owner.notify(NEVER) == []
    assert_clean(tmp_path / "owner")
    assert_clean(tmp_path / "delegate")


def test_S24_children_fall_with_their_parent(node):
    other = node.identities.new(alias="helper")
    given = node.grant(
        "helper",
        predicates=["prefers.*"],
        commands=["/claim/read", "/grant/create", "/attest"],
        depth=2,
        expires_at=soon(),
        rate=Rate(10, 60),
    )
    with node_as(node, "helper"):
        child = node.grant(
            ALICE.key_id,
            predicates=["prefers.tea"],
            expires_at=soon() - 60,
            parent=given.cap_id,
            rate=Rate(1, 60),
        )
    assert child.chain == (given.cap_id, child.cap_id)
    assert node.status(child.op_id) is Status.VALID
    assert node.op(child.op_id).author == other.key_id
    revoked = node.revoke(given.cap_id, reason="over")
    assert revoked.children == (child.cap_id,)
    assert node.status(child.op_id) is Status.REVOKED
    assert node.why(child.op_id).causes == (revoked.op_id,)


class node_as:  # noqa: N801  reads as a block
    """Let a node sign as somebody else for as long as a block lasts."""

    def __init__(self, node, named):
        self.node, self.named = node, named

    def __enter__(self):
        self.node.author_as(self.named)

    def __exit__(self, *_):
        self.node.author_as("author")


@pytest.mark.parametrize(
    ("wider", "code"),
    [
        ({"predicates": ["health.blood"]}, "not-attenuated"),
        ({"depth": 2}, "not-attenuated"),
        ({"expires_at": soon() + 9_000}, "not-attenuated"),
        ({"commands": ["/refute"]}, "not-attenuated"),
        ({"parent": NEVER}, "chain-broken"),
    ],
)
def test_a_wider_child_is_refused_before_it_is_recorded(node, wider, code):
    given = node.grant(node.key_id, predicates=["prefers.*"], depth=1, expires_at=soon())
    terms = {"predicates": ["prefers.tea"], "expires_at": soon() - 60, "parent": given.cap_id}
    with pytest.raises(CapError) as caught:
        node.grant(ALICE.key_id, **terms | wider)
    assert caught.value.code == code


def test_a_child_of_a_grant_to_somebody_else_is_refused(node):
    given = node.grant(ALICE.key_id, predicates=["prefers.*"], depth=1, expires_at=soon())
    with pytest.raises(CapError) as caught:
        node.grant(
            ALICE.key_id, predicates=["prefers.a"], expires_at=soon() - 60, parent=given.cap_id
        )
    assert caught.value.code == "bad-issuer"


def test_a_grant_of_version_1_is_granted_attested_and_revoked(node):
    _, claimed = drawn(node)
    given = node.grant(ALICE.key_id, predicates=["prefers.tea"], expires_at=soon(), fp1=True)
    assert node.op(given.op_id).v == 1
    assert node.status(given.op_id) is Status.VALID
    shown = node.attest(given.cap_id, claimed.op_id)
    assert node.status(shown.op_id) is Status.VALID
    node.revoke(given.cap_id, reason="over")
    assert node.status(given.op_id) is Status.REVOKED
    with pytest.raises(UsageError):
        node.grant(ALICE.key_id, predicates=["a"], expires_at=soon(), fp1=True, depth=1)


def test_a_stranger_may_not_revoke_and_an_unknown_grant_may_be_revoked_before_it_comes(node):
    """S24: unauthorised, no effect; unknown, effective once known."""
    node.identities.new(alias="stranger")
    given = node.grant(ALICE.key_id, predicates=["a"], expires_at=soon())
    with node_as(node, "stranger"):
        revoked = node.revoke(given.cap_id, reason="mine now")
    assert [each.code for each in node.why(revoked.op_id).missing_authority] == ["may-not-revoke"]
    assert node.status(given.op_id) is Status.VALID
    early = node.revoke(NEVER, reason="should it ever come")
    assert node.status(early.op_id) is Status.VALID


def test_a_receipt_of_this_very_log_erases_and_survives_a_new_start(tmp_path):
    """S28, S33: the bodies go, ids and leaves stand, and the report is the same after a restart."""
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        node.identities.new(alias="reader")
        _, claimed = drawn(node)
        given = node.grant("reader", predicates=["prefers.*"], expires_at=soon())
        shown = node.attest(given.cap_id, claimed.op_id)
        revoked = node.revoke(given.cap_id, reason="over")
        with pytest.raises(RecordError) as caught:
            node.receipt(given.cap_id, revocation_op=revoked.op_id)
        assert caught.value.code == "not-audience"
        with node_as(node, "reader"):
            with pytest.raises(RecordError) as caught:
                node.receipt(given.cap_id, revocation_op=claimed.op_id)
            assert caught.value.code == "not-revoked"
            assert node.op(shown.op_id).type == "attestation"
            receipt = node.receipt(given.cap_id, revocation_op=revoked.op_id)
        assert receipt.purged == 1
        with pytest.raises(RecordError) as caught:
            node.op(shown.op_id)
        assert caught.value.code == "purged"
        assert node.revocation_report(given.cap_id).status == "acknowledged"
    with lodestamp.open(home) as node:
        assert node.revocation_report(given.cap_id).status == "acknowledged"
        assert node.prove(receipt.op_id).log.size == 7
    assert_clean(home)


def test_S30_a_deadline_of_our_own_makes_a_receipt_overdue(node):
    given = node.grant(ALICE.key_id, predicates=["a"], expires_at=soon())
    now = int(time.time())
    node.revoke(given.cap_id, reason="over", deadline=now + 600)
    assert node.revocation_report(given.cap_id, now + 599).status == "requested"
    report = node.revocation_report(given.cap_id, now + 601)
    assert (report.status, report.due) == ("overdue", now + 600)
    assert [each.cap_id for each in node.receipts()] == [given.cap_id]


def test_a_grant_to_sync_ends_with_the_next_request(tmp_path):
    """T7: who was let in under a grant is refused by the next request after its revocation."""
    with ExitStack() as stack:
        owner = stack.enter_context(lodestamp.open(tmp_path / "owner"))
        peer = stack.enter_context(lodestamp.open(tmp_path / "peer"))
        listening = stack.enter_context(served(owner))
        given = owner.grant(peer.key_id, predicates=["a"], commands=["/sync"], expires_at=soon())
        assert peer.sync(listening.url, merge=True, cap=given.cap_id).complete
        owner.revoke(given.cap_id, reason="over")
        with pytest.raises(PeerError) as caught:
            peer.sync(listening.url, merge=True, cap=given.cap_id)
        assert caught.value.code == "forbidden"
    assert_clean(tmp_path / "owner")
    assert_clean(tmp_path / "peer")
