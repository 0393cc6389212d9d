"""Who had the right to what: rules S14, S21 to S25, S31, S32 of the operations spec."""

from __future__ import annotations

from itertools import permutations

import pytest

from lodestamp.core.keys import KeyEvent, next_key_digest
from lodestamp.core.operations import (
    MemorySource,
    Position,
    ProvenanceGraph,
    Status,
    View,
    key,
)
from lodestamp.core.operations.graph.authority import Authority
from stories import AGENT, ROOT, SUB, Story
from worlds import NOW, signer


def under(cap):
    return {"who": "agent", "version": 2, "cap": cap.cap_id}


def test_s10_only_what_a_root_or_a_capability_stands_behind_is_valid():
    story = Story()
    assert story.status(story.seen()) == "VALID"
    stranger = story.seen("stranger")
    assert (story.status(stranger), story.lack(stranger)) == ("UNAUTHORISED", "no-authority")


def test_version_1_operations_act_for_roots_only():
    story = Story()
    story.granted(story.cap_1())
    assert story.status(story.seen("agent")) == "UNAUTHORISED"
    assert story.status(story.said(who="agent")) == "UNAUTHORISED"


def test_s21_a_grant_of_the_root_is_good():
    story = Story()
    assert story.status(story.granted(story.cap())) == "VALID"
    assert story.status(story.granted(story.cap_1())) == "VALID"


def test_s21_a_grant_in_anothers_name_is_not():
    story = Story()
    cap = story.cap()
    copied = story.granted(cap, who="stranger")
    assert story.lack(copied) == "bad-issuer"
    own = story.granted(story.cap(who="stranger"), who="stranger")
    assert story.lack(own) == "bad-issuer"


def test_s21_a_capability_may_begin_two_minutes_after_its_grant_but_no_later():
    story = Story()
    assert story.status(story.granted(story.cap(not_before=NOW + 120), ts=NOW)) == "VALID"
    late = story.granted(story.cap(not_before=NOW + 121, expires_at=NOW + 200), ts=NOW)
    assert story.lack(late) == "not-yet-valid"


def test_s21_a_window_that_is_empty_and_an_id_that_is_anothers_are_not_good():
    from lodestamp.core.encoding import address_of, base64_encode, canonical_json

    story = Story()
    document = dict(story.cap().document)
    other = dict(document, cap_id="sha256:" + "0" * 64)
    bad_id = story.write(0, "root", "grant", {"cap": other}, version=2)
    assert story.lack(bad_id) == "cap-id-mismatch"
    document["expires_at"] = document["not_before"]
    unsigned = {name: document[name] for name in document if name not in {"cap_id", "sig"}}
    sig = signer("root").sign(b"lodestamp/cap/2\n" + canonical_json(unsigned))
    document = {**unsigned, "sig": base64_encode(sig)}
    document["cap_id"] = address_of(canonical_json(document))
    empty = story.write(0, "root", "grant", {"cap": document}, version=2)
    assert story.lack(empty) == "bad-cap"
    forged = dict(document, expires_at=document["not_before"] + 9)
    del forged["cap_id"]
    forged["cap_id"] = address_of(canonical_json(forged))
    assert (
        story.lack(story.write(0, "root", "grant", {"cap": forged}, version=2)) == "bad-signature"
    )


def test_s21_a_grant_passed_on_needs_its_parent_and_acts_under_it():
    story = Story()
    commands = ["/claim", "/grant"]
    parent = story.cap(commands=commands, depth_left=1)
    story.granted(parent)
    terms = {"subject": ROOT, "parent": parent.cap_id, "commands": ["/claim"]}
    child = story.cap(who="agent", audience=SUB, **terms)
    good = story.granted(child, who="agent", acting=parent.cap_id)
    assert story.status(good) == "VALID"
    assert story.status(story.said(story.seen(), who="sub", version=2, cap=child.cap_id)) == "VALID"
    unacting = story.granted(story.cap(who="agent", audience=SUB, **terms), who="agent")
    assert story.lack(unacting) == "no-authority"
    wider = story.cap(who="agent", audience=SUB, **{**terms, "commands": ["/claim", "/sync"]})
    assert story.lack(story.granted(wider, who="agent", acting=parent.cap_id)) == "not-attenuated"
    orphan = story.cap(who="agent", audience=SUB, **{**terms, "parent": "sha256:" + "1" * 64})
    assert story.lack(story.granted(orphan, who="agent", acting=parent.cap_id)) == "chain-broken"


def test_s21_a_chain_has_at_most_five_links():
    story = Story()
    terms = {"commands": ["/grant"], "audience": AGENT}
    cap = story.cap(depth_left=4, **terms)
    story.granted(cap)
    for depth in (3, 2, 1, 0):
        child = story.cap(who="agent", subject=ROOT, parent=cap.cap_id, depth_left=depth, **terms)
        last = story.granted(child, who="agent", acting=cap.cap_id)
        cap = child
    assert story.status(last) == "VALID"
    sixth = story.cap(who="agent", subject=ROOT, parent=cap.cap_id, depth_left=0, **terms)
    assert story.lack(story.granted(sixth, who="agent", acting=cap.cap_id)) == "chain-too-long"


def test_s22_a_capability_holds_from_its_first_second_to_before_its_last():
    story = Story()
    cap = story.cap(not_before=NOW + 10, expires_at=NOW + 20)
    story.granted(cap)
    codes = [story.lack(story.seen(**under(cap), ts=NOW + second)) for second in (9, 10, 19, 20)]
    assert codes == ["not-yet-valid", "", "", "expired"]


def test_s22_a_block_may_be_a_day_late_and_no_later():
    story = Story()
    cap = story.cap(expires_at=NOW + 20)
    story.granted(cap)
    seen = story.seen(**under(cap), ts=NOW + 1)
    last = (NOW + 20 + 86_400) * 1_000 + 999
    for time, code in ((last, ""), (last + 1, "expired")):
        story.positions[seen.op_id] = Position(1, 0, 1, time)
        assert story.lack(seen) == code


@pytest.mark.parametrize(
    ("terms", "said", "code"),
    [
        ({}, {}, ""),
        ({"commands": ["/evidence"]}, {}, "out-of-scope"),
        ({"commands": ["/proof/create"]}, {}, ""),
        ({"predicates": ["prefers.milk"]}, {}, "out-of-scope"),
        ({"predicates": ["prefers.tea.*"]}, {}, "out-of-scope"),
        ({"min_confidence_bp": 9_000}, {}, ""),
        ({"min_confidence_bp": 9_001}, {}, "out-of-scope"),
        ({"resources": ["us*"]}, {}, ""),
        ({"resources": ["us"]}, {}, "out-of-scope"),
        ({}, {"predicate": "lives.in"}, "out-of-scope"),
    ],
)
def test_s23_command_predicate_resource_and_confidence_must_be_covered(terms, said, code):
    story = Story()
    cap = story.cap(**terms)
    story.granted(cap)
    source = story.seen()
    assert story.lack(story.said(source, **under(cap), **said)) == code


def test_s20_a_user_claim_needs_a_root_or_a_command_of_its_own():
    story = Story()
    narrow, wide = story.cap(commands=["/claim/create"]), story.cap(commands=["/claim/user"])
    story.granted(narrow)
    story.granted(wide)
    assert story.lack(story.said(**under(narrow))) == "out-of-scope"
    assert story.lack(story.said(**under(wide))) == ""
    assert story.lack(story.said(story.seen(), **under(wide))) == "out-of-scope"


def test_only_the_audience_acts_under_a_capability():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    assert story.lack(story.seen("sub", version=2, cap=cap.cap_id)) == "no-authority"


def test_s14_a_root_the_author_and_a_capability_may_refute():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    mine = story.said(story.seen())
    theirs = story.seen("stranger")
    assert story.status(story.refuted(mine)) == "VALID"
    assert story.status(story.refuted(theirs, who="stranger")) == "VALID"
    assert story.status(story.refuted(mine, **under(cap))) == "VALID"
    assert story.status(theirs) == "UNAUTHORISED"


def test_s14_what_others_refute_stays_as_it_is():
    story = Story()
    cap = story.cap(predicates=["lives.in"])
    story.granted(cap)
    mine = story.said(story.seen())
    disputes = [story.refuted(mine, who="stranger"), story.refuted(mine, **under(cap))]
    assert [story.status(each) for each in disputes] == ["INEFFECTIVE", "INEFFECTIVE"]
    assert [story.lack(each) for each in disputes] == ["may-not-refute", "out-of-scope"]
    assert story.status(mine) == "VALID"


def test_s14_refuting_a_refutation_needs_what_its_target_needs():
    story = Story()
    cap = story.cap(predicates=["prefers.tea"])
    story.granted(cap)
    tea, milk = story.said(story.seen()), story.said(story.seen(), predicate="prefers.milk")
    against = [story.refuted(tea), story.refuted(milk)]
    back = [story.refuted(each, **under(cap)) for each in against]
    assert [story.status(each) for each in back] == ["VALID", "INEFFECTIVE"]
    assert [story.status(tea), story.status(milk)] == ["VALID", "REFUTED"]


@pytest.mark.parametrize(
    ("who", "version", "may"),
    [("root", 2, True), ("agent", 2, True), ("sub", 2, True), ("stranger", 2, False)],
)
def test_s24_issuers_roots_and_the_audience_of_version_2_may_revoke(who, version, may):
    story = Story()
    parent = story.cap(commands=["/grant", "/evidence"], depth_left=1)
    story.granted(parent)
    child = story.cap(
        who="agent", audience=SUB, subject=ROOT, parent=parent.cap_id, commands=["/evidence"]
    )
    granted = story.granted(child, who="agent", acting=parent.cap_id)
    revoked = story.revoked(child, who=who, version=version)
    assert story.status(revoked) == ("VALID" if may else "UNAUTHORISED")
    assert story.status(granted) == ("REVOKED" if may else "VALID")
    after = story.seen("sub", version=2, cap=child.cap_id)
    assert story.lack(after) == ("revoked" if may else "")


def test_s24_the_audience_of_version_1_may_not_revoke():
    story = Story()
    cap = story.cap_1()
    granted = story.granted(cap)
    assert story.lack(story.revoked(cap, who="agent")) == "may-not-revoke"
    assert story.status(granted) == "VALID"


def test_s24_children_fall_with_their_parent():
    story = Story()
    parent = story.cap(commands=["/grant", "/evidence"], depth_left=1)
    first = story.granted(parent)
    child = story.cap(
        who="agent", audience=SUB, subject=ROOT, parent=parent.cap_id, commands=["/evidence"]
    )
    second = story.granted(child, who="agent", acting=parent.cap_id)
    before = story.seen("sub", version=2, cap=child.cap_id)
    story.revoked(parent)
    assert [story.status(first), story.status(second)] == ["REVOKED", "REVOKED"]
    assert story.lack(story.seen("sub", version=2, cap=child.cap_id)) == "revoked"
    assert story.status(before) == "VALID"


def test_s24_a_revocation_of_an_unknown_capability_counts_once_it_is_known():
    story = Story(replicas=2)
    cap = story.cap(audience=AGENT)
    revoked = story.revoked(cap, who="agent", at=1, version=2)
    assert story.lack(revoked) == "may-not-revoke"
    granted = story.granted(cap)
    assert story.status(revoked) == "VALID"
    assert story.status(granted) == "REVOKED"


def test_s24_a_revocation_never_depends_on_another():
    story = Story()
    cap = story.cap()
    granted = story.granted(cap)
    story.revoked(cap)
    assert story.status(story.revoked(cap, who="agent", version=2)) == "VALID"
    assert story.status(granted) == "REVOKED"


def test_s31_s32_a_revocation_counts_for_what_comes_after_it():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    before = story.seen(**under(cap))
    story.revoked(cap)
    after = story.seen(**under(cap))
    assert [story.status(before), story.lack(after)] == ["VALID", "revoked"]


def test_s31_a_back_dated_operation_does_not_escape_a_revocation():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    story.revoked(cap, ts=NOW + 500)
    assert story.lack(story.seen(**under(cap), ts=NOW + 1)) == "revoked"


def test_s31_of_concurrent_ones_the_revocation_wins_unless_the_ledger_has_it_later():
    story = Story(replicas=2)
    cap = story.cap()
    story.granted(cap)
    story.sync(0, 1)
    acted, revoked = story.seen(**under(cap)), story.revoked(cap, at=1)
    first, second = Position(1, 0, 1, 0), Position(1, 0, 2, 0)
    codes = []
    for positions in (
        {}, {acted: first}, {acted: first, revoked: second}, {acted: second, revoked: first},
        {revoked: second},
    ):  # fmt: skip
        story.positions = {op.op_id: position for op, position in positions.items()}
        codes.append(story.lack(acted))
    assert codes == ["revoked", "revoked", "", "revoked", "revoked"]


def test_s32_refuting_and_revoking_do_not_imply_one_another():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    first, second = story.seen(**under(cap)), story.seen(**under(cap))
    story.refuted(first)
    story.revoked(cap)
    assert [story.status(first), story.status(second)] == ["REFUTED", "VALID"]


def test_s25_an_attestation_repeats_a_valid_claim_to_the_audience():
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said(story.seen())
    assert story.status(story.shown(told, cap)) == "VALID"
    assert story.status(story.shown(told, cap, confidence_bp=8_000)) == "VALID"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"confidence_bp": 9_001}, "bad-attestation"),
        ({"subject": "house"}, "bad-attestation"),
        ({"predicate": "prefers.milk"}, "bad-attestation"),
        ({"object": True}, "bad-attestation"),
        ({"attested_at": NOW - 1}, "not-yet-valid"),
        ({"attested_at": NOW + 1_000}, "expired"),
        ({"who": "agent"}, "no-authority"),
    ],
)
def test_s25_an_attestation_that_says_something_else_is_not_valid(changes, code):
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said(story.seen(), value=1)
    assert story.lack(story.shown(told, cap, **changes)) == code


def test_s25_an_attestation_out_of_scope_or_naming_a_source_is_not_valid():
    story = Story()
    wrong, low, write = (
        story.cap(commands=["/claim/read"], predicates=["lives.in"]),
        story.cap(commands=["/claim/read"], min_confidence_bp=9_500),
        story.cap(commands=["/claim/create"]),
    )
    for cap in (wrong, low, write):
        story.granted(cap)
    source = story.seen()
    told = story.said(source)
    assert {story.lack(story.shown(told, cap)) for cap in (wrong, low, write)} == {"out-of-scope"}
    good = story.cap(commands=["/claim/read"])
    story.granted(good)
    leak = story.shown(told, good, provenance_commitment=source.op_id)
    assert story.lack(leak) == "bad-attestation"


def test_s25_only_the_issuer_attests():
    story = Story()
    issuing, reading = story.cap(), story.cap(commands=["/claim/read"])
    story.granted(issuing)
    story.granted(reading)
    told = story.said(story.seen())
    other = story.shown(told, reading, who="agent", acting=issuing)
    assert story.lack(other) == "bad-attestation"


def test_s25_what_was_invalid_when_attested_stays_an_attestation_of_the_invalid():
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said(story.seen())
    against = story.refuted(told)
    shown = story.shown(told, cap)
    assert story.status(shown) == "SOURCE_INVALID"
    story.refuted(against)
    assert [story.status(told), story.status(shown)] == ["VALID", "SOURCE_INVALID"]


def test_s25_a_refutation_that_the_issuer_could_not_know_makes_it_stale_instead():
    story = Story(replicas=2)
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said(story.seen())
    story.sync(0, 1)
    story.refuted(told, at=1)
    assert story.status(story.shown(told, cap)) == "STALE"


def test_s26_later_invalidity_makes_an_attestation_stale_and_restoring_restores_it():
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    source = story.seen()
    shown = story.shown(story.said(source), cap)
    against = story.refuted(source)
    assert story.status(shown) == "STALE"
    story.refuted(against)
    assert story.status(shown) == "VALID"


def test_a_revoked_capability_carries_no_attestation():
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    told = story.said(story.seen())
    before = story.shown(told, cap)
    story.revoked(cap)
    assert [story.status(before), story.lack(story.shown(told, cap))] == ["VALID", "revoked"]


def test_k9_a_root_did_speaks_with_the_key_in_force():
    first = KeyEvent.inception(
        "human", signer("did-0").public_key, nonce=bytes(16),
        next=next_key_digest(signer("did-1").key_id),
    )  # fmt: skip
    story = Story(replicas=2, roots=[first.did])
    early = story.seen("did-0")
    story.write(0, "did-0", "key", key(first), version=2)
    mine = story.seen("did-0")
    story.sync(0, 1)
    rotation = first.rotation(signer("did-1").public_key)
    story.write(0, "did-1", "key", key(rotation), version=2)
    beside = story.seen("did-0", at=1)
    after, new = story.seen("did-0"), story.seen("did-1")
    assert [story.status(op) for op in (early, mine, beside, after, new)] == [
        "UNAUTHORISED", "VALID", "VALID", "UNAUTHORISED", "VALID",
    ]  # fmt: skip


def test_k9_a_rotation_acts_on_what_the_ledger_placed_after_it():
    first = KeyEvent.inception(
        "human", signer("did-0").public_key, nonce=bytes(16),
        next=next_key_digest(signer("did-1").key_id),
    )  # fmt: skip
    story = Story(replicas=2, roots=[first.did])
    story.write(0, "did-0", "key", key(first), version=2)
    story.sync(0, 1)
    rotated = story.write(
        0, "did-1", "key", key(first.rotation(signer("did-1").public_key)), version=2
    )
    beside = story.seen("did-0", at=1)
    story.positions = {rotated.op_id: Position(1, 0, 0, 0), beside.op_id: Position(2, 0, 0, 0)}
    assert story.status(beside) == "UNAUTHORISED"


def test_k8_a_stolen_current_key_cannot_rotate_and_a_fork_waits_for_the_ledger():
    first = KeyEvent.inception(
        "human", signer("did-0").public_key, nonce=bytes(16),
        next=next_key_digest(signer("did-1").key_id),
    )  # fmt: skip
    story = Story(replicas=2, roots=[first.did])
    story.write(0, "did-0", "key", key(first), version=2)
    stolen = story.write(
        0, "did-0", "key", key(first.rotation(signer("did-0").public_key)), version=2
    )
    assert story.lack(stolen) == "key-event"
    story.sync(0, 1)
    one = first.rotation(signer("did-1").public_key)
    other = first.rotation(signer("did-1").public_key, next=next_key_digest(signer("did-2").key_id))
    left = story.write(0, "did-1", "key", key(one), version=2)
    right = story.write(1, "did-1", "key", key(other), version=2, node="elsewhere")
    said = story.seen("did-1")
    assert [story.lack(left), story.lack(right)] == ["key-event", "key-event"]
    assert story.status(said) == "UNAUTHORISED"
    story.positions = {left.op_id: Position(2, 0, 0, 0), right.op_id: Position(3, 0, 0, 0)}
    assert [story.lack(left), story.lack(right), story.status(said)] == ["", "key-event", "VALID"]


def test_a_did_holds_a_capability_with_the_key_in_force():
    first = KeyEvent.inception("agent", signer("agent").public_key, nonce=bytes(16))
    story = Story()
    cap = story.cap(audience=first.did)
    story.granted(cap)
    assert story.lack(story.seen(**under(cap))) == "no-authority"
    story.write(0, "agent", "key", key(first), version=2)
    assert story.lack(story.seen(**under(cap))) == ""
    story.write(0, "agent", "key", key(first.deactivation(signer("agent").public_key)), version=2)
    assert story.lack(story.seen(**under(cap))) == "no-authority"


def test_what_a_stranger_writes_about_a_capability_decides_nothing_for_others():
    story = Story()
    cap = story.cap()
    story.granted(cap)
    acted = story.seen(**under(cap))
    bogus = [story.revoked(cap, who="stranger"), story.granted(cap, who="stranger")]
    graph = story.graph
    decides = [graph.authority.decides(graph.index_of(op.op_id)) for op in bogus]
    assert decides == [False, False]
    assert story.status(acted) == "VALID"
    real = story.revoked(cap)
    graph = story.graph
    assert graph.authority.decides(graph.index_of(real.op_id))


def test_k8_key_events_that_nobody_promised_cost_nothing(monkeypatch):
    """Anybody can sign them, of anybody's identity: each is judged once, and alone."""
    story = Story()
    judged = []
    judge = Authority.judge
    monkeypatch.setattr(
        Authority, "judge", lambda self, index: judged.append(index) or judge(self, index)
    )
    graph = ProvenanceGraph.load(MemorySource(), roots=[ROOT, story.did])
    graph.add(story.write(0, "did-0", "key", key(story.inception), version=2))
    graph.add(story.seen("did-0"))
    judged.clear()
    forged = story.inception.rotation(signer("stranger").public_key)
    for number in range(50):
        prior = "sha256:" + number.to_bytes(32, "big").hex()
        for event in (
            KeyEvent.parse({**forged.document, "prior": prior}),
            KeyEvent.parse({**forged.document, "index": 1 + number}),
        ):
            graph.add(story.write(0, "stranger", "key", key(event), version=2))
    assert judged == list(range(2, 102))
    assert set(graph.statuses()[2:]) == {Status.UNAUTHORISED}


def test_s1_key_events_in_any_order_give_one_state():
    """One may come before what it follows: its carrier need not stand on that one's."""
    first = KeyEvent.inception(
        "human", signer("a").public_key, nonce=bytes(16), next=next_key_digest(signer("b").key_id)
    )
    second = first.rotation(signer("b").public_key, next=next_key_digest(signer("c").key_id))
    rival = first.rotation(signer("b").public_key)
    third = second.rotation(signer("c").public_key)
    story = Story(replicas=4, roots=[ROOT, first.did])
    for at, (who, event) in enumerate((("a", first), ("b", second), ("c", third), ("b", rival))):
        story.write(at, who, "key", key(event), version=2)
    for source in range(3):
        story.sync(source, 0)
    after = story.seen("c")
    for ops, status in (([*story.ops[:3], after], "VALID"), (story.ops, "UNAUTHORISED")):
        digests = set()
        for order in permutations(ops):
            graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
            waiting = list(order)
            while waiting:
                ready = next(
                    op for op in waiting if all(graph.find(each) is not None for each in op.prev)
                )
                waiting.remove(ready)
                graph.add(ready)
            digests.add(graph.digest())
        swept = View(ops, {}, story.roots).graph
        assert digests == {swept.digest()}
        assert swept.status(after.op_id).name == status


def test_s31_a_revocation_judges_nothing_that_came_before_it(monkeypatch):
    """One who holds a grant may give it back, a thousand times: what was done under it stands."""
    story = Story()
    cap = story.cap()
    story.granted(cap)
    done = [story.seen("agent", version=2, cap=cap.cap_id) for _ in range(10)]
    judged = []
    judge = Authority.judge
    graph = ProvenanceGraph.load(MemorySource(), roots=story.roots)
    for op in story.ops:
        graph.add(op)
    monkeypatch.setattr(
        Authority, "judge", lambda self, index: judged.append(index) or judge(self, index)
    )
    for _ in range(10):
        graph.add(story.revoked(cap, who="agent", version=2))
    assert not set(judged) & {graph.index_of(op.op_id) for op in done}
    late = story.seen("agent", version=2, cap=cap.cap_id)
    graph.add(late)
    assert graph.status(late.op_id).name == "UNAUTHORISED"
    assert graph.digest() == story.graph.digest()
    assert len(graph.why(story.ops[0].op_id).causes) == 10
