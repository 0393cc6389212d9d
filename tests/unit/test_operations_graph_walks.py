"""Why an operation has its status, what a refutation would change, what lies above and below."""

from __future__ import annotations

import pytest

from lodestamp.core.operations import Lack, Status
from lodestamp.errors import UsageError
from stories import ROOT, SUB, Story


def ids(*ops):
    return tuple(op.op_id for op in ops)


def test_s19_why_names_every_cause_once_and_a_path_to_each():
    story = Story()
    one, other = story.seen(), story.seen()
    middle = story.said(one, other)
    last = story.said(middle, one)
    against = [story.refuted(one), story.refuted(other)]
    story.refuted(story.seen())
    why = story.graph.why(last.op_id)
    assert why.status is Status.SOURCE_INVALID
    assert why.causes == ids(*against)
    assert why.path == (ids(last, one), ids(last, middle, other))
    assert why.missing_authority == ()
    assert set(why.sources) == set(ids(middle, one))


def test_s19_only_effective_refutations_are_causes():
    story = Story()
    claim = story.said(story.seen())
    first, second = story.refuted(claim), story.refuted(claim)
    story.refuted(claim, who="stranger")
    back = story.refuted(first)
    why = story.graph.why(claim.op_id)
    assert (why.status, why.causes, why.path) == (Status.REFUTED, ids(second), (ids(claim),))
    why = story.graph.why(first.op_id)
    assert (why.status, why.causes, why.path) == (Status.INEFFECTIVE, ids(back), (ids(first),))


def test_s19_missing_authority_is_told_with_its_code_and_path():
    story = Story()
    source = story.seen("stranger")
    claim = story.said(source)
    why = story.graph.why(claim.op_id)
    assert why.missing_authority == (Lack(source.op_id, "no-authority"),)
    assert (why.causes, why.path) == ((), (ids(claim, source),))


def test_s19_a_disputed_refutation_and_a_revoked_grant_say_why():
    story = Story()
    cap = story.cap()
    granted = story.granted(cap)
    disputed = story.refuted(story.seen(), who="stranger")
    revoked = story.revoked(cap)
    why = story.graph.why(disputed.op_id)
    assert why.missing_authority == (Lack(disputed.op_id, "may-not-refute"),)
    why = story.graph.why(granted.op_id)
    assert (why.status, why.causes) == (Status.REVOKED, ids(revoked))


def test_s19_an_attestation_of_what_was_invalid_says_so():
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said()
    story.refuted(told)
    shown = story.shown(told, cap)
    assert Lack(shown.op_id, "source-invalid") in story.graph.why(shown.op_id).missing_authority


def test_why_of_the_healthy_tells_its_grants_root_first_and_its_sources():
    story = Story()
    parent = story.cap(commands=["/grant", "/claim"], depth_left=1)
    first = story.granted(parent)
    child = story.cap(
        who="agent", audience=SUB, subject=ROOT, parent=parent.cap_id, commands=["/claim"]
    )
    second = story.granted(child, who="agent", acting=parent.cap_id)
    source = story.seen()
    claim = story.said(source, who="sub", version=2, cap=child.cap_id)
    why = story.graph.why(claim.op_id)
    assert why.status is Status.VALID
    assert why.authority == ids(first, second)
    assert (why.sources, why.causes, why.path) == (ids(source), (), ())


def test_a_cascade_is_told_without_happening():
    story = Story()
    source = story.seen()
    claim, beside = story.said(source), story.said(story.seen())
    graph = story.graph
    before = graph.digest()
    told = {change.op_id: change.after.name for change in graph.cascade(source.op_id)}
    assert told == {source.op_id: "REFUTED", claim.op_id: "SOURCE_INVALID"}
    assert beside.op_id not in told
    assert graph.digest() == before


def test_what_cannot_be_refuted_has_no_cascade():
    story = Story()
    granted = story.granted(story.cap())
    with pytest.raises(UsageError) as refusal:
        story.graph.cascade(granted.op_id)
    assert refusal.value.code == "not-refutable"


def test_sources_and_derived_go_level_by_level():
    story = Story()
    one, other = story.seen(), story.seen()
    middle = story.said(one, other)
    last = story.said(middle)
    graph = story.graph
    assert graph.sources(last.op_id) == list(ids(middle, one, other))
    assert graph.sources(last.op_id, depth=1) == list(ids(middle))
    assert graph.derived(one.op_id) == list(ids(middle, last))
    assert graph.derived(one.op_id, depth=0) == []
