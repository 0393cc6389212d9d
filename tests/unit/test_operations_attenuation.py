from __future__ import annotations

import pytest

from lodestamp.core.keys import KeyEvent, SigningKey
from lodestamp.core.operations import (
    Rate,
    attenuates,
    build_cap,
    build_cap_1,
    build_op,
    check,
    check_chain,
    claim,
    confirm,
    evidence,
    needed_commands,
    predicate_covers,
    rate_within,
    resource_covers,
    resource_narrows,
)
from lodestamp.errors import CapError

KEYS = [SigningKey.from_seed("ed25519", bytes([n]) * 32) for n in range(8)]
ROOT, ONE, TWO, *OTHERS = KEYS
DID = KeyEvent.inception("agent", ONE.public_key, nonce=bytes(16)).did
PARENT = {
    "audience": ONE.key_id, "predicates": ["prefers.*", "meets"], "not_before": 10,
    "expires_at": 20, "nonce": bytes(16), "commands": ["/claim", "/grant/create"],
    "resources": ["mail/*", "cal"], "rate": Rate(10, 60), "depth_left": 2, "min_confidence_bp": 50,
}  # fmt: skip
CHILD = PARENT | {
    "audience": TWO.key_id, "predicates": ["prefers.tea"], "commands": ["/claim/create"],
    "resources": ["mail/2025/*"], "rate": Rate(5, 60), "depth_left": 1, "min_confidence_bp": 60,
    "subject": ROOT.key_id,
}  # fmt: skip


def root(**changes):
    return build_cap(ROOT, **PARENT | changes)


def child(parent, signer=ONE, **changes):
    return build_cap(signer, **CHILD | {"parent": parent.cap_id} | changes)


def refusal_of(call, *args, **kwargs):
    with pytest.raises(CapError) as refusal:
        call(*args, **kwargs)
    return refusal.value.code, refusal.value.link


def decided(chain, *, command="/claim/create", predicate="prefers.tea", confidence_bp=60,
            resource="mail/2025/7", at=15, **known):  # fmt: skip
    decision = check(chain, command, predicate, confidence_bp, resource, at, **known)
    assert decision.allowed == (decision.code == "")
    return decision.code, decision.link


def test_a_narrower_child_passes():
    attenuates(child(root()), root())


@pytest.mark.parametrize(
    "same",
    [
        "predicates",
        "commands",
        "resources",
        "rate",
        "min_confidence_bp",
        "not_before",
        "expires_at",
    ],
)
def test_a_child_as_wide_as_its_parent_passes(same):
    attenuates(child(root(), **{same: PARENT[same]}), root())


@pytest.mark.parametrize(
    ("changes", "wider"),
    [
        ({"subject": ONE.key_id}, "subject"),
        ({"depth_left": 2}, "depth"), ({"depth_left": 4}, "depth"),
        ({"commands": ["/proof/create"]}, "command"), ({"commands": ["/claims"]}, "command"),
        ({"commands": ["/claim/create", "/grant"]}, "command"),
        ({"predicates": ["prefers"]}, "predicate"), ({"predicates": ["meets.*"]}, "predicate"),
        ({"predicates": ["prefers.tea", "x"]}, "predicate"), ({"predicates": ["p.*"]}, "predicate"),
        ({"min_confidence_bp": 49}, "confidence"),
        ({"resources": []}, "resource"), ({"resources": ["cal*"]}, "resource"),
        ({"resources": ["mail"]}, "resource"), ({"resources": ["*"]}, "resource"),
        ({"resources": ["mai*"]}, "resource"),
        ({"rate": None}, "rate"), ({"rate": Rate(11, 60)}, "rate"), ({"rate": Rate(1, 5)}, "rate"),
        ({"not_before": 9}, "window"), ({"expires_at": 21}, "window"),
    ],
)  # fmt: skip
def test_a_wider_child_is_refused(changes, wider):
    wide = child(root(), **changes)
    with pytest.raises(CapError, match=wider) as refusal:
        attenuates(wide, root())
    assert refusal.value.code == "not-attenuated"
    assert decided([root(), wide]) == ("not-attenuated", 1)


def test_a_child_names_its_parent_and_is_issued_by_its_audience():
    other = root(nonce=bytes([1]) * 16)
    assert refusal_of(attenuates, child(other), root()) == ("chain-broken", None)
    assert refusal_of(attenuates, child(root(), TWO), root()) == ("bad-issuer", None)


def test_the_audience_may_be_a_did_whose_key_issues():
    parent = root(audience=DID)
    link = child(parent)
    assert refusal_of(attenuates, link, parent) == ("bad-issuer", None)

    def speaks_for(key_id, principal):
        return (key_id, principal) == (ONE.key_id, DID) or key_id == principal

    attenuates(link, parent, speaks_for=speaks_for)
    assert decided([parent, link], speaks_for=speaks_for) == ("", None)


def long_chain(links):
    """Return a chain of so many links, each as deep as the schema lets it be."""
    chain = [root(depth_left=4)]
    for depth in range(1, links):
        changes = {"audience": KEYS[depth + 1].key_id, "depth_left": max(0, 4 - depth)}
        chain.append(child(chain[-1], KEYS[depth], **changes))
    return chain


def test_a_chain_has_at_most_five_links():
    check_chain(long_chain(5))
    assert decided(long_chain(5)) == ("", None)
    assert refusal_of(check_chain, long_chain(6)) == ("chain-too-long", None)
    assert refusal_of(attenuates, long_chain(6)[5], long_chain(6)[4]) == ("not-attenuated", None)


def test_a_chain_begins_at_its_root():
    first = root()
    assert decided([]) == ("chain-broken", None)
    assert decided([child(first)]) == ("chain-broken", 0)
    assert decided([child(first), first]) == ("chain-broken", 0)
    assert decided([first, root()]) == ("chain-broken", 1)
    assert decided([root(subject=TWO.key_id)]) == ("bad-issuer", 0)


def test_s22_a_capability_is_usable_from_its_beginning_until_its_end():
    """S22: not_before <= t < expires_at, of every link."""
    chain = [root(), child(root(), not_before=12, expires_at=18)]
    times = {at: decided(chain, at=at) for at in (9, 10, 11, 12, 17, 18, 19, 20)}
    assert times == {
        9: ("not-yet-valid", 0), 10: ("not-yet-valid", 1), 11: ("not-yet-valid", 1),
        12: ("", None), 17: ("", None), 18: ("expired", 1), 19: ("expired", 1), 20: ("expired", 0),
    }  # fmt: skip


def test_s24_a_revoked_link_takes_its_children_with_it():
    chain = [root(), child(root())]
    assert decided(chain, revoked={chain[0].cap_id}) == ("revoked", 0)
    assert decided(chain, revoked={chain[1].cap_id}) == ("revoked", 1)
    assert decided(chain[:1], revoked={chain[1].cap_id}, confidence_bp=50) == ("", None)


@pytest.mark.parametrize(
    "asked",
    [
        {"command": "/claim"}, {"command": "/proof/create"}, {"command": "/claim/creates"},
        {"predicate": "prefers"}, {"predicate": "prefers.tea.green"}, {"predicate": "Prefers.tea"},
        {"confidence_bp": 59}, {"resource": "mail/2025"}, {"resource": "cal"}, {"resource": ""},
    ],
)  # fmt: skip
def test_s23_what_is_not_covered_is_out_of_scope(asked):
    assert decided([root(), child(root())], **asked) == ("out-of-scope", 1)


def test_what_a_command_does_not_concern_is_not_asked():
    chain = [root(), child(root())]
    assert decided(chain, predicate=None, confidence_bp=None, resource=None) == ("", None)
    assert decided([root(resources=[])], resource="anything", confidence_bp=50) == ("", None)


def test_version_1_matches_predicates_exactly():
    """Hole (i): exact match."""
    cap = build_cap_1(
        ROOT, audience=ONE.key_id, predicates=["prefers.*", "a"], issued_at=10, expires_at=20
    )
    reading = {"command": "/claim/read"}
    assert decided([cap], predicate="prefers.*", **reading) == ("", None)
    assert decided([cap], predicate="prefers.tea", **reading) == ("out-of-scope", 0)
    assert decided([cap]) == ("out-of-scope", 0)
    assert decided([cap, child(cap)])[0] == "not-attenuated"


def test_predicates_cover_what_is_below_them():
    assert predicate_covers("a", "a")
    assert predicate_covers("a.*", "a.b")
    assert predicate_covers("a.*", "a.b.c")
    assert predicate_covers("a.*", "a.b.*")
    assert predicate_covers("a.*", "a.*")
    for held, asked in (
        ("a.*", "a"), ("a.*", "a."), ("a.*", "ab"), ("a", "a.b"), ("*", "a"), ("a*", "ab"),
        ("a.b.*", "a.*"), ("a.*", "b.c"), ("a.b", "a.*"),
    ):  # fmt: skip
        assert not predicate_covers(held, asked), (held, asked)
    assert not predicate_covers("a.*", "a.b", version=1)


def test_resources_cover_what_begins_as_they_do():
    assert resource_covers("a*", "a")
    assert resource_covers("*", "")
    assert not resource_covers("a", "ab")
    assert not resource_covers("a*b", "axb")
    assert resource_narrows("a*", "a*")
    assert resource_narrows("ab*", "a*")
    assert not resource_narrows("a*", "ab*")
    assert not resource_narrows("a*", "a")
    assert not resource_narrows("a*", "a**"), "a** covers only what begins with a*"


def test_rates_are_compared_as_fractions():
    assert rate_within(Rate(1, 3), Rate(2, 6))
    assert not rate_within(Rate(1, 3), Rate(333_333, 1_000_000))
    assert rate_within(None, None)
    assert rate_within(Rate(1, 1), None)
    assert not rate_within(None, Rate(1, 1))
    assert rate_within(Rate(0, 1), Rate(0, 9))


def test_each_type_needs_one_of_its_commands():
    def op(kind, body):
        return build_op(ROOT, "n", kind, body, (), 1, version=2, seq=0)

    seen = op("evidence", evidence(source="s", kind="k", content={}, captured_at=1))
    stated = {"subject": "s", "predicate": "p", "object": 1, "confidence_bp": 1, "rationale": "r"}
    derived = op("claim", claim(**stated, derived_from=[seen.op_id], deriver="m"))
    user = op("claim", claim(**stated, derived_from=[], deriver="user"))
    kept = op("confirm", confirm(author=ROOT.key_id, node="n", keep=seen.op_id, reason="r"))
    assert needed_commands(seen) == ("/evidence/create", "/proof/create")
    assert needed_commands(derived) == ("/claim/create", "/proof/create")
    assert needed_commands(user) == ("/claim/user",)
    assert needed_commands(kept) == ()
