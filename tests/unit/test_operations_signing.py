"""Envelopes of version 2, authors of every suite, and the attacks on both (operations spec §13)."""

from __future__ import annotations

import json

import pytest

from lodestamp.core.encoding import INT_MAX, address_of, base64_encode, canonical_json
from lodestamp.core.keys import SUITES, KeyEvent, SigningKey
from lodestamp.core.operations import (
    NODE_LABEL_MAX,
    author_key,
    build_op,
    evidence,
    key,
    parse_op,
    verify_op,
    verify_ops,
)
from lodestamp.errors import LodestampError, OpError, SignatureError, UsageError

SIGNERS = {
    suite: SigningKey.from_seed(suite, bytes([3]) * SUITES[suite].seed_size) for suite in SUITES
}
ALICE = SIGNERS["ed25519"]
KEYS = {signer.key_id: signer.public_key for signer in SIGNERS.values()}
CAP = address_of(b"cap")
EVIDENCE = evidence(source="s", kind="k", content={"sig": '","sig":"'}, captured_at=1)
TAG = b"lodestamp/op/2\n"


def built(signer=ALICE, body=EVIDENCE, type="evidence", **options):  # noqa: A002
    options = {"version": 2, "seq": 0} | options
    return build_op(signer, "laptop", type, body, (), 9, **options)


def envelope_of(op):
    return json.loads(op.wire)


def wire_of(envelope, signer=None, tag=TAG):
    """Return the wire form of an envelope with its id, signed anew if a signer is given."""
    rest = {name: envelope[name] for name in envelope if name != "op_id"}
    if signer is not None:
        signed = {name: rest[name] for name in rest if name != "sig"}
        rest["sig"] = base64_encode(signer.sign(tag + canonical_json(signed)))
    return canonical_json(rest | {"op_id": address_of(canonical_json(rest))})


def refusal_of(wire, keys=None):
    with pytest.raises(LodestampError) as refusal:
        verify_op(parse_op(wire), KEYS if keys is None else keys)
    return refusal.value.code, getattr(refusal.value, "at", None)


def changed(**changes):
    return wire_of(envelope_of(built()) | changes, ALICE)


@pytest.mark.parametrize("suite", list(SUITES))
def test_an_author_of_any_suite_signs_and_is_verified(suite):
    op = built(SIGNERS[suite], cap=CAP, seq=7)
    verify_op(op, KEYS)
    verify_op(op, KEYS.get)
    assert (op.v, op.alg, op.cap, op.seq) == (2, SUITES[suite].alg, CAP, 7)
    assert op.payload.startswith(TAG + b'{"alg":')
    assert op.op_id == address_of(op.block), "the id is over the untagged block"
    assert parse_op(op.wire) == op
    assert author_key(op, KEYS) == SIGNERS[suite].public_key


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_k11_a_key_that_is_not_at_hand_is_not_a_bad_signature(suite):
    op = built(SIGNERS[suite])
    wrong = {op.author: ALICE.public_key}
    for keys in (None, {}, wrong, lambda _: None):
        with pytest.raises(SignatureError) as refusal:
            verify_op(op, keys)
        assert refusal.value.code == "key-unknown"
    codes = [error.code if error else None for error in verify_ops([op, built()], {})]
    assert codes == ["key-unknown", None]
    assert verify_ops([op, built()], KEYS) == [None, None]


@pytest.mark.parametrize("suite", list(SUITES))
def test_k7_a_key_operation_carries_the_key_that_signed_it(suite):
    signer = SIGNERS[suite]
    event = KeyEvent.inception("org", signer.public_key, nonce=bytes(16))
    op = built(signer, key(event), "key")
    verify_op(op)
    envelope = envelope_of(op)
    other = KeyEvent.inception("org", SIGNERS["ed25519" if suite != "ed25519" else "hybrid"]
                               .public_key, nonce=bytes(16))  # fmt: skip
    wire = wire_of(envelope | {"body": {"event": other.document}}, signer)
    assert refusal_of(wire) == ("bad-body", "/body/event/key/id")
    broken = wire_of(envelope | {"sig": base64_encode(bytes(SUITES[suite].signature_size))})
    assert refusal_of(broken)[0] == "bad-signature"


def test_a_bad_event_is_refused_with_its_pointer():
    event = KeyEvent.inception("org", ALICE.public_key, nonce=bytes(16)).document
    for change, at in (({"nonce": ""}, "/nonce"), ({"x": 1}, "/x"), ({"key": {}}, "/key")):
        with pytest.raises(OpError) as refusal:
            built(body={"event": event | change}, type="key")
        assert (refusal.value.code, refusal.value.at) == ("bad-body", "/body/event" + at)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"alg": "mldsa65"}, ("bad-alg", "/alg")), ({"alg": "none"}, ("bad-alg", "/alg")),
        ({"alg": None}, ("bad-alg", "/alg")), ({"alg": ["ed25519"]}, ("bad-alg", "/alg")),
        ({"alg": "Ed25519"}, ("bad-alg", "/alg")), ({"alg": "ed25519\n"}, ("bad-alg", "/alg")),
        ({"cap": "x"}, ("bad-cap", "/cap")), ({"cap": CAP + "\n"}, ("bad-cap", "/cap")),
        ({"cap": 0}, ("bad-cap", "/cap")), ({"cap": CAP.upper()}, ("bad-cap", "/cap")),
        ({"seq": -1}, ("bad-seq", "/seq")), ({"seq": True}, ("bad-seq", "/seq")),
        ({"seq": None}, ("bad-seq", "/seq")), ({"seq": "0"}, ("bad-seq", "/seq")),
        ({"node": "a\x00b"}, ("bad-node", "/node")), ({"node": "\x7f"}, ("bad-node", "/node")),
        ({"node": "n" * (NODE_LABEL_MAX + 1)}, ("bad-node", "/node")),
        ({"node": ""}, ("bad-node", "/node")), ({"type": "moon"}, ("bad-type", "/type")),
        ({"author": "ed25519:x"}, ("bad-author", "/author")),
        ({"v": 3}, ("bad-version", "/v")), ({"x": 1}, ("extra-field", "/x")),
    ],
)  # fmt: skip
def test_v2_each_field_is_checked(changes, refused):
    assert refusal_of(changed(**changes)) == refused


def test_v2_has_exactly_twelve_fields():
    envelope = envelope_of(built())
    assert len(envelope) == 12
    for name in ("alg", "cap", "seq", "sig", "author"):
        cut = {field: envelope[field] for field in envelope if field != name}
        assert refusal_of(wire_of(cut)) == ("missing-field", f"/{name}")


def test_v3_the_checks_come_in_order():
    defects = {
        "bad-version": {"v": 3}, "extra-field": {"z": 0}, "bad-type": {"type": "note"},
        "bad-author": {"author": "x"}, "bad-node": {"node": ""}, "bad-ts": {"ts": -1},
        "bad-prev": {"prev": [1]}, "bad-alg": {"alg": "x"}, "bad-cap": {"cap": "x"},
        "bad-seq": {"seq": -1}, "bad-body": {"body": {}}, "bad-sig-encoding": {"sig": "x"},
    }  # fmt: skip
    envelope = envelope_of(built())
    for position, code in enumerate(defects):
        broken = dict(envelope)
        for later in list(defects.values())[position:]:
            broken |= later
        assert refusal_of(wire_of(broken))[0] == code
    assert refusal_of(canonical_json(envelope | {"op_id": "x"}))[0] == "bad-op-id"
    assert refusal_of(canonical_json(envelope | {"op_id": CAP}))[0] == "op-id-mismatch"
    assert refusal_of(wire_of(envelope | {"ts": 1}))[0] == "bad-signature"


@pytest.mark.parametrize("seq", [0, 1, INT_MAX])
def test_the_payload_is_the_wire_without_id_and_signature_after_the_tag(seq):
    op = built(SIGNERS["hybrid"], seq=seq)
    signed = {
        name: value for name, value in envelope_of(op).items() if name not in ("sig", "op_id")
    }
    assert op.payload == TAG + canonical_json(signed)


def test_attack_version_2_stripped_to_version_1_is_not_signed():
    envelope = envelope_of(built())
    for name in ("alg", "cap", "seq"):
        del envelope[name]
    assert refusal_of(wire_of(envelope | {"v": 1}))[0] == "bad-signature"


def test_attack_version_1_dressed_as_version_2_is_not_signed():
    envelope = envelope_of(build_op(ALICE, "laptop", "evidence", EVIDENCE, (), 9))
    dressed = envelope | {"v": 2, "alg": "ed25519", "cap": None, "seq": 0}
    assert refusal_of(wire_of(dressed))[0] == "bad-signature"
    assert refusal_of(wire_of(dressed, ALICE, tag=b""))[0] == "bad-signature"
    assert refusal_of(wire_of(dressed, ALICE, tag=b"lodestamp/cap/2\n"))[0] == "bad-signature"


def test_attack_a_hybrid_stripped_to_a_half_is_refused():
    signer = SIGNERS["hybrid"]
    op = built(signer)
    envelope, raw = envelope_of(op), signer.public_key.raw
    for half in (op.sig[:64], op.sig[64:]):
        assert refusal_of(wire_of(envelope | {"sig": base64_encode(half)}))[0] == "bad-sig-encoding"
    for kept in (op.sig[:64] + bytes(3309), bytes(64) + op.sig[64:]):
        assert refusal_of(wire_of(envelope | {"sig": base64_encode(kept)}))[0] == "bad-signature"
    as_ed25519 = {"author": "ed25519:" + raw[:32].hex(), "alg": "ed25519"}
    stripped = envelope | as_ed25519 | {"sig": base64_encode(op.sig[:64])}
    assert refusal_of(wire_of(stripped))[0] == "bad-signature"


def test_attack_another_suites_prefix_on_a_hash_id_finds_no_key():
    hybrid, quantum = SIGNERS["hybrid"], SIGNERS["mldsa65"]
    envelope = envelope_of(built(quantum))
    digits = quantum.key_id.partition(":")[2]
    swapped = {"author": "hybrid:" + digits, "alg": "ed25519+mldsa65"}
    sig = base64_encode(hybrid.sign(b"x"))
    keys = {"hybrid:" + digits: hybrid.public_key}
    assert refusal_of(wire_of(envelope | swapped | {"sig": sig}), keys)[0] == "key-unknown"
    assert refusal_of(wire_of(envelope | {"alg": "ed25519+mldsa65"}))[0] == "bad-alg"


@pytest.mark.parametrize("raw", [bytes(32), bytes([1]) + bytes(31), b"\xff" * 32])
def test_attack_a_small_order_key_signs_nothing(raw):
    envelope = envelope_of(built()) | {"author": "ed25519:" + raw.hex()}
    for sig in (bytes(64), raw + bytes(32)):
        assert refusal_of(wire_of(envelope | {"sig": base64_encode(sig)}))[0] == "bad-signature"


def test_attack_s_plus_the_group_order_is_another_signature_and_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    op = built()
    s = int.from_bytes(op.sig[32:], "little") + order
    sig = base64_encode(op.sig[:32] + s.to_bytes(32, "little"))
    assert refusal_of(wire_of(envelope_of(op) | {"sig": sig}))[0] == "bad-signature"


def test_version_1_has_neither_seq_nor_cap_and_there_is_no_version_3():
    for options in ({"seq": 0}, {"cap": CAP}):
        with pytest.raises(UsageError):
            build_op(ALICE, "n", "evidence", EVIDENCE, (), 1, **options)
    with pytest.raises(OpError) as refusal:
        build_op(ALICE, "n", "evidence", EVIDENCE, (), 1, version=3)
    assert refusal.value.code == "bad-version"
    with pytest.raises(OpError) as refusal:
        built(seq=None)
    assert refusal.value.code == "bad-seq"


def test_k3_two_signatures_of_one_payload_differ_and_so_do_their_ids():
    one, two = built(SIGNERS["mldsa65"]), built(SIGNERS["mldsa65"])
    assert one.payload == two.payload
    assert one.op_id != two.op_id
