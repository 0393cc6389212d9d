"""What became of a capability: rules S29 and S30."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import View, purged_root_of, revocation_report
from lodestamp.errors import UsageError
from stories import Story
from worlds import NOW


def shown_two(replicas=1):
    story = Story(replicas=replicas)
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    shown = [story.shown(story.said(), cap) for _ in range(2)]
    return story, cap, shown


def report(story, cap, at=NOW + 100, **how):
    return revocation_report(story.graph, cap.cap_id, at, **how)


def test_s30_what_nobody_revoked_is_not_revoked():
    story, cap, shown = shown_two()
    found = report(story, cap)
    assert (found.status, found.due) == ("not-revoked", None)
    assert found.attestations == tuple(op.op_id for op in shown)
    story.revoked(cap, who="stranger")
    assert report(story, cap).status == "not-revoked"


def test_s30_a_receipt_is_requested_for_a_day_and_then_overdue():
    story, cap, _ = shown_two()
    revoked = story.revoked(cap, ts=NOW)
    due = NOW + 86_400
    assert [report(story, cap, at=at).status for at in (due, due + 1)] == ["requested", "overdue"]
    assert report(story, cap, at=NOW + 61, due_s=60).status == "overdue"
    assert report(story, cap).revocations == (revoked.op_id,)


@pytest.mark.parametrize(
    ("purged", "status"),
    [(2, "acknowledged"), (1, "incomplete"), (0, "incomplete"), (3, "unknown-attestations")],
)
def test_s29_s30_a_receipt_counts_against_what_was_shown(purged, status):
    story, cap, _ = shown_two()
    revoked = story.revoked(cap)
    received = story.received(cap, revoked, purged)
    assert story.status(received) == "VALID"
    found = report(story, cap, at=NOW + 10**6)
    assert found.status == status
    assert [each.op_id for each in found.receipts] == [received.op_id]
    assert found.caveat == "a receipt is a signed statement, not proof of deletion"


def test_s29_the_root_over_what_was_purged_must_be_theirs_too():
    story, cap, shown = shown_two()
    revoked = story.revoked(cap)
    story.received(cap, revoked, 2, purged_root=purged_root_of([shown[0].op_id]))
    assert report(story, cap).status == "unknown-attestations"
    right = purged_root_of([op.op_id for op in reversed(shown)])
    story.received(cap, revoked, 2, purged_root=right)
    found = report(story, cap)
    assert (found.status, found.purged_root) == ("acknowledged", right)


def test_s29_only_the_audience_acknowledges_and_only_for_that_capability():
    story, cap, _ = shown_two()
    other = story.cap(commands=["/claim/read"])
    story.granted(other)
    revoked, again = story.revoked(cap), story.revoked(other)
    forged = story.received(cap, revoked, 2, who="stranger")
    replayed = story.received(cap, again, 2)
    ineffective = story.revoked(cap, who="stranger")
    unfounded = story.received(cap, ineffective, 2)
    assert [story.lack(op) for op in (forged, replayed, unfounded)] == ["bad-receipt"] * 3
    assert report(story, cap).status == "requested"


def test_s29_a_receipt_of_version_1_is_the_audiences_without_any_other_right():
    story = Story()
    cap = story.cap_1()
    story.granted(cap)
    revoked = story.revoked(cap)
    assert story.status(story.received(cap, revoked, 0, version=1)) == "VALID"
    assert report(story, cap).status == "acknowledged"


def test_what_was_shown_beside_the_revocation_still_counts_as_shown():
    story, cap, shown = shown_two(replicas=2)
    story.sync(0, 1)
    story.revoked(cap)
    beside = story.shown(story.said(at=1), cap, at=1)
    assert story.lack(beside) == "revoked"
    found = revocation_report(View(story.ops, {}, story.roots), cap.cap_id, NOW)
    assert set(found.attestations) == {op.op_id for op in (*shown, beside)}


def test_an_unknown_capability_is_not_revoked_and_no_id_is_refused():
    story = Story()
    assert revocation_report(story.graph, "sha256:" + "0" * 64, NOW).status == "not-revoked"
    with pytest.raises(UsageError):
        revocation_report(story.graph, "mine", NOW)
