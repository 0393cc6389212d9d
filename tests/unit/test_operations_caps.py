from __future__ import annotations

import pytest

from lodestamp.core.encoding import INT_MAX, address_of, base64_encode, canonical_json
from lodestamp.core.keys import SUITES, KeyEvent, SigningKey
from lodestamp.core.operations import (
    COMMANDS_MAX,
    Rate,
    build_cap,
    build_cap_1,
    build_op,
    grant,
    parse_cap,
    parse_op,
    verify_cap,
    verify_op,
)
from lodestamp.errors import CapError, OpError, SignatureError

ALICE, BOB = (SigningKey.from_seed("ed25519", bytes([n]) * 32) for n in (1, 2))
DID = KeyEvent.inception("agent", BOB.public_key, nonce=bytes(16)).did
NONCE = bytes(range(16))


def two(signer=ALICE, **changes):
    fields = {
        "audience": BOB.key_id, "predicates": ["prefers.*"], "not_before": 10, "expires_at": 20,
        "nonce": NONCE,
    } | changes  # fmt: skip
    return build_cap(signer, **fields)


def one(**changes):
    fields = {
        "audience": BOB.key_id, "predicates": ["a"], "issued_at": 10, "expires_at": 20,
    } | changes  # fmt: skip
    return build_cap_1(ALICE, **fields)


def refusal_of(call, *args, **kwargs):
    with pytest.raises(CapError) as refusal:
        call(*args, **kwargs)
    return refusal.value.code


def changed(cap, scope=None, **changes):
    document = dict(cap.document) | changes
    if scope is not None:
        document["scope"] = dict(document["scope"]) | scope
    return document


def test_a_capability_reads_back_as_it_was_made():
    cap = two(
        commands=["/proof/create", "/claim"], resources=["b*", "a", "a"], rate=Rate(5, 60),
        parent=address_of(b"p"), depth_left=4, subject=DID, audience=DID, min_confidence_bp=7,
    )  # fmt: skip
    assert parse_cap(dict(cap.document)) == cap
    assert cap.commands == ("/claim", "/proof/create")
    assert cap.resources == ("a", "b*")
    assert (cap.rate, cap.nonce, cap.depth_left) == (Rate(5, 60), NONCE, 4)
    assert (cap.subject, cap.audience, cap.v) == (DID, DID, 2)
    verify_cap(cap)


def test_version_1_reads_claims_and_passes_nothing_on():
    cap = one(predicates=["b", "a", "a"])
    verify_cap(cap)
    assert (cap.v, cap.commands, cap.subject) == (1, ("/claim/read",), ALICE.key_id)
    assert (cap.not_before, cap.parent, cap.depth_left, cap.rate) == (10, None, 0, None)
    assert cap.predicates == ("a", "b")
    assert cap.nonce is None
    assert not cap.payload.startswith(b"lodestamp")
    assert two().payload.startswith(b"lodestamp/cap/2\n{")


def test_two_of_version_1_in_one_second_are_the_same_and_of_version_2_are_not():
    assert one() == one()
    assert two().cap_id != two(nonce=bytes(16)).cap_id


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_an_issuer_of_a_larger_suite_is_checked_with_its_key(suite):
    signer = SigningKey.from_seed(suite, bytes(SUITES[suite].seed_size))
    cap = two(signer)
    verify_cap(cap, {signer.key_id: signer.public_key})
    verify_cap(cap, {signer.key_id: signer.public_key}.get)
    assert refusal_of(verify_cap, cap) == "key-unknown"
    assert refusal_of(verify_cap, cap, {signer.key_id: ALICE.public_key}) == "key-unknown"


def test_a_capability_signed_by_another_is_refused():
    document = changed(two(), sig=base64_encode(BOB.sign(two().payload)))
    del document["cap_id"]
    document["cap_id"] = address_of(canonical_json(document))
    assert refusal_of(verify_cap, parse_cap(document)) == "bad-signature"


@pytest.mark.parametrize("cap", [one(), two()])
def test_a_changed_capability_has_another_id_and_no_signature(cap):
    document = changed(cap, expires_at=99)
    assert refusal_of(verify_cap, parse_cap(document)) == "cap-id-mismatch"
    del document["cap_id"]
    document["cap_id"] = address_of(canonical_json(document))
    assert refusal_of(verify_cap, parse_cap(document)) == "bad-signature"


def test_hole_g_a_window_that_ends_before_it_begins_is_refused_alone():
    """(g) expires_at <= issued_at parses, so that every log keeps it, and is never good."""
    for end in (10, 9):
        assert refusal_of(two, expires_at=end) == "bad-cap"
        assert refusal_of(one, expires_at=end) == "bad-cap"
        document = changed(one(), expires_at=end)
        del document["cap_id"]
        cap = parse_cap(document | {"cap_id": address_of(canonical_json(document))})
        assert refusal_of(verify_cap, cap) == "bad-cap"


def test_hole_h_the_bytes_accept_a_grant_whose_capability_is_not_its_authors():
    """(h) whose cap it is, and whether its id and signature hold, is state: the log keeps it."""
    foreign = changed(one(), cap_id=address_of(b"other"))
    op = build_op(BOB, "n", "grant", {"cap": foreign}, (), 1)
    verify_op(op)
    assert refusal_of(verify_cap, parse_cap(op.body["cap"])) == "cap-id-mismatch"


def test_hole_i_repeated_predicates_are_a_set():
    assert two(predicates=["b", "a", "b"]).predicates == ("a", "b")


COMMANDS = [f"/c{n:02}" for n in range(COMMANDS_MAX + 1)]


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1}, {"v": True}, {"v": 3}, {"v": None}, {"x": 1},
        {"issuer": DID}, {"issuer": "x"}, {"audience": "did:web:x"}, {"audience": None},
        {"subject": ""}, {"commands": []}, {"commands": "/claim"}, {"commands": ["/b", "/a"]},
        {"commands": ["/a", "/a"]}, {"commands": COMMANDS}, {"commands": ["claim"]},
        {"commands": ["/a/b/c/d/e"]}, {"commands": ["/A"]}, {"commands": ["/a\n"]},
        {"commands": ["/a/"]}, {"commands": ["/" + "a" * 33]}, {"commands": [1]},
        {"not_before": -1}, {"not_before": True}, {"expires_at": "20"},
        {"nonce": base64_encode(bytes(15))}, {"nonce": None}, {"parent": "x"}, {"parent": 0},
        {"depth_left": 5}, {"depth_left": -1}, {"depth_left": False}, {"cap_id": "x"},
        {"sig": "AA=="}, {"sig": base64_encode(bytes(65))}, {"sig": base64_encode(bytes(3373))},
        {"scope": None}, {"scope": {}}, {"issued_at": 1},
    ],
)  # fmt: skip
def test_a_capability_outside_the_schema_of_version_2_is_refused(change):
    assert refusal_of(parse_cap, dict(two().document) | change) == "bad-cap"


@pytest.mark.parametrize(
    "scope",
    [
        {"include_evidence": True}, {"include_evidence": 0}, {"include_evidence": None},
        {"predicates": "a"}, {"predicates": [""]}, {"predicates": [1]}, {"x": 1},
        {"min_confidence_bp": 10_001}, {"min_confidence_bp": True}, {"min_confidence_bp": -1},
        {"resources": None}, {"resources": [""]}, {"rate": {}}, {"rate": {"count": 1}},
        {"rate": {"count": 1, "per_s": 0}}, {"rate": {"count": -1, "per_s": 1}}, {"rate": 5},
        {"rate": {"count": True, "per_s": 1}}, {"rate": {"count": 1, "per_s": INT_MAX + 1}},
    ],
)  # fmt: skip
def test_a_scope_outside_the_schema_is_refused(scope):
    assert refusal_of(parse_cap, changed(two(), scope)) == "bad-cap"
    if scope.keys() <= {"include_evidence", "predicates", "min_confidence_bp", "x"}:
        assert refusal_of(parse_cap, changed(one(), scope)) == "bad-cap"


@pytest.mark.parametrize(
    "document",
    [None, [], "x", 1, {}, {"v": 2}, {"cap_id": 0.5}, {"a": "\ud800"}, {"a": b"x"}, {1: 2}],
)
def test_what_is_no_capability_raises_nothing_but_our_error(document):
    assert refusal_of(parse_cap, document) == "bad-cap"


@pytest.mark.parametrize("name", ["resources", "rate"])
def test_version_1_has_no_field_of_version_2(name):
    assert refusal_of(parse_cap, changed(one(), {name: []})) == "bad-cap"
    for change in ({"subject": ALICE.key_id}, {"nonce": base64_encode(NONCE)}, {"parent": None}):
        assert refusal_of(parse_cap, changed(one(), **change)) == "bad-cap"


def test_version_1_knows_ed25519_ids_only():
    hybrid = "hybrid:" + "0" * 64
    for change in ({"issuer": hybrid}, {"audience": hybrid}, {"audience": DID}):
        assert refusal_of(parse_cap, changed(one(), **change)) == "bad-cap"
    assert refusal_of(one, audience=hybrid) == "bad-cap"


def test_each_version_of_the_envelope_grants_capabilities_of_its_own_version():
    assert build_op(ALICE, "n", "grant", grant(one()), (), 1).body["cap"] == one().document
    op = build_op(ALICE, "n", "grant", grant(two()), (), 1, version=2, seq=0)
    assert parse_cap(op.body["cap"]) == two()
    for cap, options in ((two(), {}), (one(), {"version": 2, "seq": 0})):
        with pytest.raises(OpError) as refusal:
            build_op(ALICE, "n", "grant", grant(cap), (), 1, **options)
        assert refusal.value.code == "bad-body"
        assert refusal.value.at.startswith("/body/cap/")


def test_hole_k_the_bytes_of_a_capability_are_no_operation():
    """(k) Its document, its payload and its signature are each refused as an operation's."""
    for cap in (one(), two()):
        for wire in (canonical_json(dict(cap.document)), cap.payload):
            with pytest.raises(Exception) as refusal:  # noqa: PT011  the type is asserted
                parse_op(wire)
            assert type(refusal.value).__module__ == "lodestamp.errors"
    op = build_op(ALICE, "n", "grant", grant(two()), (), 1, version=2, seq=0)
    envelope = {
        "alg": op.alg, "author": op.author, "body": dict(op.body), "cap": None, "node": "n",
        "prev": [], "seq": 0, "sig": base64_encode(two().sig), "ts": 1, "type": "grant", "v": 2,
    }  # fmt: skip
    forged = canonical_json(envelope | {"op_id": address_of(canonical_json(envelope))})
    with pytest.raises(SignatureError):
        verify_op(parse_op(forged))


def test_a_value_json_cannot_hold_is_refused_when_building():
    assert refusal_of(two, not_before=0.5) == "bad-cap"
    assert refusal_of(two, nonce=b"") == "bad-cap"


def test_a_capability_shows_its_parties_and_no_more():
    assert repr(two()) == f"<Cap {two().cap_id} from {ALICE.key_id} to {BOB.key_id}>"
