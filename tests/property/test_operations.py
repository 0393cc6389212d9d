from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.encoding import INT_MAX, address_of, canonical_json, parse_canonical
from lodestamp.core.keys import KeyEvent, SigningKey, did_key_decode, multikey_decode
from lodestamp.core.operations import (
    Rate,
    build_cap,
    build_op,
    claim,
    evidence,
    grant,
    key,
    parse_cap,
    parse_op,
    verify_cap,
    verify_op,
)
from lodestamp.errors import LodestampError

SIGNER = SigningKey.from_seed("ed25519", bytes(range(32)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
SPECIAL = st.sampled_from(["sig", "op_id", '","sig":"', "prev", "😀", "\uff61", "v", "\U0010ffff"])
KEYS = TEXTS | SPECIAL
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | TEXTS | SPECIAL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
SECONDS = st.integers(0, INT_MAX)
IDS = st.binary(max_size=4).map(address_of)
EVIDENCE = st.builds(
    evidence,
    source=WORDS,
    kind=WORDS,
    content=st.dictionaries(KEYS, VALUES, max_size=4),
    captured_at=SECONDS,
    external_id=st.none() | WORDS,
)
DERIVED = st.builds(
    claim,
    subject=WORDS,
    predicate=WORDS,
    object=VALUES,
    confidence_bp=st.integers(0, 10_000),
    derived_from=st.lists(IDS, min_size=1, max_size=4, unique=True),
    deriver=WORDS.filter(lambda word: word != "user"),
    rationale=WORDS,
)
BODIES = st.tuples(st.just("evidence"), EVIDENCE) | st.tuples(st.just("claim"), DERIVED)
NODES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)
PREVS = st.sets(IDS, max_size=32)


@given(BODIES, NODES, PREVS, SECONDS)
def test_what_is_built_parses_to_itself_and_verifies(body, node, prev, ts):
    op = build_op(SIGNER, node, body[0], body[1], prev, ts)
    again = parse_op(op.wire)
    verify_op(again)
    assert again == op
    assert (again.type, again.body, again.node, again.ts) == (*body, node, ts)
    assert again.prev == tuple(sorted(prev))
    assert op.cid.matches(op.block)
    signed = {
        "author": op.author, "body": op.body, "node": node, "prev": sorted(prev), "ts": ts,
        "type": op.type, "v": 1,
    }  # fmt: skip
    assert op.payload == canonical_json(signed)


def accepts(wire):
    """Tell whether these bytes are a signed operation; nothing but our errors may say no."""
    try:
        verify_op(parse_op(wire))
    except LodestampError:
        return False
    return True


@given(BODIES, NODES, PREVS, SECONDS, st.data())
def test_no_flipped_bit_is_accepted(body, node, prev, ts, data):
    op = build_op(SIGNER, node, body[0], body[1], prev, ts)
    wire = bytearray(op.wire)
    bit = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[bit // 8] ^= 1 << bit % 8
    assert not accepts(bytes(wire))


def test_no_flipped_bit_of_one_whole_operation_is_accepted():
    body = evidence(source="s", kind="k", content={"😀": 1, "\uff61": [None]}, captured_at=1)
    wire = build_op(SIGNER, "n", "evidence", body, [address_of(b"")], 1).wire
    assert accepts(wire)
    for bit in range(len(wire) * 8):
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        assert not accepts(bytes(changed)), f"bit {bit}"


@given(BODIES, st.data())
def test_no_cut_or_lengthened_wire_is_accepted(body, data):
    wire = build_op(SIGNER, "n", body[0], body[1], (), 0).wire
    start = data.draw(st.integers(0, len(wire)))
    end = data.draw(st.integers(start, len(wire)))
    extra = data.draw(st.binary(min_size=start == end, max_size=3))
    changed = wire[:start] + extra + wire[end:]
    assert accepts(changed) == (changed == wire)


FIELDS = ["author", "body", "node", "op_id", "prev", "sig", "ts", "type", "v", "seq", "cap", "alg"]
ODD = (
    VALUES
    | IDS
    | st.sampled_from([SIGNER.key_id, "claim", "evidence", "grant", "A" * 86 + "==", 1, 2])
)


@given(st.dictionaries(st.sampled_from(FIELDS), ODD))
@settings(max_examples=300)
def test_any_envelope_of_odd_values_raises_only_our_errors(envelope):
    assert not accepts(canonical_json(envelope))


@given(st.sampled_from(FIELDS[:9]), ODD)
@settings(max_examples=300)
def test_no_replaced_field_is_accepted_under_the_old_signature(name, value):
    body = evidence(source="s", kind="k", content={}, captured_at=1)
    op = build_op(SIGNER, "n", "evidence", body, (), 1)
    envelope = {
        "author": op.author, "body": op.body, "node": "n", "op_id": op.op_id, "prev": [],
        "sig": op.wire.split(b'"sig":"')[1][:88].decode(), "ts": 1, "type": "evidence", "v": 1,
    }  # fmt: skip
    assert canonical_json(envelope) == op.wire
    changed = canonical_json(envelope | {name: value})
    assert accepts(changed) == (changed == op.wire)


HYBRID = SigningKey.from_seed("hybrid", bytes(64))
QUANTUM_OP = build_op(
    HYBRID, "n", "key", key(KeyEvent.inception("org", HYBRID.public_key, nonce=bytes(16))), (), 1,
    version=2, seq=0,
)  # fmt: skip


@given(BODIES, NODES, PREVS, SECONDS, st.tuples(SECONDS, st.none() | IDS))
def test_what_is_built_in_version_2_parses_to_itself(typed, node, prev, ts, added):
    (kind, body), (seq, cap) = typed, added
    op = build_op(SIGNER, node, kind, body, prev, ts, version=2, seq=seq, cap=cap)
    again = parse_op(op.wire)
    verify_op(again)
    assert again == op
    assert (again.seq, again.cap, again.alg, again.body) == (seq, cap, "ed25519", body)
    signed = {
        "alg": "ed25519", "author": op.author, "body": op.body, "cap": cap, "node": node,
        "prev": sorted(prev), "seq": seq, "ts": ts, "type": kind, "v": 2,
    }  # fmt: skip
    assert op.payload == b"lodestamp/op/2\n" + canonical_json(signed)


def test_no_flipped_bit_of_a_grant_of_version_2_is_accepted():
    cap = build_cap(
        SIGNER, audience=SIGNER.key_id, predicates=["a.*"], not_before=1, expires_at=2,
        nonce=bytes(16), rate=Rate(1, 2), resources=["b*"],
    )  # fmt: skip
    wire = build_op(SIGNER, "n", "grant", grant(cap), (), 1, version=2, seq=0).wire
    assert accepts(wire)
    for bit in range(len(wire) * 8):
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        assert not accepts(bytes(changed)), f"bit {bit}"
    block = canonical_json(dict(cap.document))
    for bit in range(len(block) * 8):
        changed = bytearray(block)
        changed[bit // 8] ^= 1 << bit % 8
        assert not _is_cap(bytes(changed)), f"bit {bit}"


def _is_cap(block):
    try:
        verify_cap(parse_cap(parse_canonical(block)))
    except LodestampError:
        return False
    return True


@given(st.integers(0, len(QUANTUM_OP.wire) * 8 - 1))
@settings(max_examples=300)
def test_no_flipped_bit_of_a_hybrid_is_accepted(bit):
    assert accepts(QUANTUM_OP.wire)
    changed = bytearray(QUANTUM_OP.wire)
    changed[bit // 8] ^= 1 << bit % 8
    assert not accepts(bytes(changed))


@given(VALUES | st.dictionaries(KEYS, VALUES))
def test_any_value_is_an_event_a_capability_or_our_error(value):
    for call in (KeyEvent.parse, parse_cap):
        with pytest.raises(LodestampError):
            call(value)


@given(st.text(max_size=60) | st.text("123abcz", max_size=60).map(lambda text: "z6Mk" + text))
def test_any_text_is_a_multikey_or_our_error(text):
    for call, given_text in ((multikey_decode, text), (did_key_decode, "did:key:" + text)):
        with pytest.raises(LodestampError):
            call(given_text)


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_our_errors(data):
    with pytest.raises(LodestampError):
        parse_op(data)
