from __future__ import annotations

import dataclasses
from hashlib import sha256

import pytest

from lodestamp.core.encoding import (
    INT_MAX,
    OP_CID_PREFIX,
    address_of,
    base64_encode,
    canonical_json,
)
from lodestamp.core.keys import SUITES, SigningKey
from lodestamp.core.operations import (
    NODE_LABEL_MAX,
    OP_SIZE_MAX,
    PREV_MAX,
    Reference,
    build_op,
    claim,
    derived_from,
    evidence,
    parse_op,
    references,
    verify_op,
    verify_ops,
)
from lodestamp.errors import EncodingError, LodestampError, OpError, SignatureError

SIGNER = SigningKey.from_seed("ed25519", bytes(32))
OTHER = SigningKey.from_seed("ed25519", bytes([1]) * 32)
IDS = sorted(address_of(bytes([number])) for number in range(PREV_MAX + 1))
EVIDENCE = evidence(source="calendar", kind="event", content={"title": "x"}, captured_at=7)
CLAIM = claim(
    subject="user",
    predicate="prefers.tea",
    object={"sig": "x", "op_id": "y"},
    confidence_bp=1,
    derived_from=[IDS[2], IDS[1]],
    deriver="model/1",
    rationale='she said ","sig":"AA==" and ","op_id":"sha256:',
)
ABSENT = object()


def built(body=EVIDENCE, type="evidence", node="laptop", prev=(), ts=9):  # noqa: A002
    return build_op(SIGNER, node, type, body, prev, ts)


def forged(signer=SIGNER, sig=None, op_id=None, **changes):
    """Return a wire form that is right in everything but the changed fields."""
    envelope = {
        "author": signer.key_id, "body": EVIDENCE, "node": "laptop", "prev": [], "ts": 9,
        "type": "evidence", "v": 1,
    } | changes  # fmt: skip
    envelope = {name: value for name, value in envelope.items() if value is not ABSENT}
    if sig is not ABSENT:
        envelope["sig"] = sig or base64_encode(signer.sign(canonical_json(envelope)))
    if op_id is not ABSENT:
        envelope["op_id"] = op_id or address_of(canonical_json(envelope))
    return canonical_json(envelope)


def refusal_of(wire):
    with pytest.raises(OpError) as refusal:
        parse_op(wire)
    return refusal.value.code, refusal.value.at


def build_refusal(**changes):
    with pytest.raises(LodestampError) as refusal:
        built(**changes)
    return refusal.value.code, refusal.value.at


def test_an_operation_carries_its_fields():
    op = built(prev=[IDS[1], IDS[0]])
    assert (op.v, op.type, op.author, op.node, op.ts) == (1, "evidence", SIGNER.key_id, "laptop", 9)
    assert op.prev == (IDS[0], IDS[1])
    assert op.body == EVIDENCE
    assert len(op.sig) == 64
    assert repr(op) == f"<Operation evidence {op.op_id}>"
    with pytest.raises(dataclasses.FrozenInstanceError):
        op.ts = 10  # type: ignore[misc]


def test_the_block_and_the_payload_are_the_wire_without_id_and_signature():
    for op in (built(), built(CLAIM, "claim", prev=IDS[:3])):
        signed = {
            "author": op.author, "body": op.body, "node": op.node, "prev": list(op.prev),
            "ts": op.ts, "type": op.type, "v": 1,
        }  # fmt: skip
        assert op.payload == canonical_json(signed)
        with_sig = signed | {"sig": base64_encode(op.sig)}
        assert op.block == canonical_json(with_sig)
        assert op.wire == canonical_json(with_sig | {"op_id": op.op_id})


def test_the_id_the_digest_the_cid_and_the_entry_are_one_digest():
    op = built()
    assert op.digest == sha256(op.block).digest()
    assert op.op_id == "sha256:" + op.digest.hex() == op.cid.op_id
    assert op.entry == OP_CID_PREFIX + op.digest == op.cid.encode()


def test_equal_wires_are_equal_operations():
    assert built() == built()
    assert len({built(), built(), built(ts=10)}) == 2
    assert built() != built(ts=10)
    assert built() != built().wire


def test_an_untouched_forgery_parses_so_that_each_defect_stands_alone():
    op = parse_op(forged())
    verify_op(op)
    assert op == built()


@pytest.mark.parametrize("version", [True, 0, 3, -1, "1", None, [1], {}])
def test_only_the_integers_one_and_two_are_versions(version):
    assert refusal_of(forged(v=version)) == ("bad-version", "/v")


def test_the_fields_are_exactly_nine():
    assert refusal_of(forged(seq=0)) == ("extra-field", "/seq")
    assert refusal_of(forged(**{"a/b": 0})) == ("extra-field", "/a~1b")
    assert refusal_of(forged(**{"": 0})) == ("extra-field", "/")
    for name in ("author", "body", "node", "prev", "ts", "type", "v", "sig", "op_id"):
        assert refusal_of(forged(**{name: ABSENT})) == ("missing-field", f"/{name}")
    assert refusal_of(b"{}") == ("missing-field", "/author")


@pytest.mark.parametrize(
    "kind",
    ["note", "", "Evidence", "evidence\n", "key", "notice", "confirm", None, 1, ["evidence"], {}],
)  # fmt: skip
def test_a_type_not_read_is_refused_with_the_types_that_are(kind):
    assert refusal_of(forged(type=kind)) == ("bad-type", "/type")
    with pytest.raises(OpError, match="version 1 has evidence, claim, refutation"):
        parse_op(forged(type=kind))


@pytest.mark.parametrize(
    "author",
    [
        "", None, 1, [], "ed25519:", SIGNER.key_id.upper(), SIGNER.key_id + "\n",
        SIGNER.key_id[8:], SIGNER.key_id[:-1], "mldsa65:" + "0" * 64, "hybrid:" + "0" * 64,
    ],
)  # fmt: skip
def test_an_author_is_an_ed25519_key_id(author):
    assert refusal_of(forged(author=author)) == ("bad-author", "/author")


@pytest.mark.parametrize("node", ["", None, 1, True, []])
def test_a_node_is_a_text_and_not_empty(node):
    assert refusal_of(forged(node=node)) == ("bad-node", "/node")


@pytest.mark.parametrize("ts", [-1, True, False, None, "9", []])
def test_a_time_is_an_integer_of_seconds(ts):
    assert refusal_of(forged(ts=ts)) == ("bad-ts", "/ts")
    for edge in (0, INT_MAX):
        assert parse_op(forged(ts=edge)).ts == edge


@pytest.mark.parametrize(
    ("prev", "at"),
    [
        (None, ""), ("", ""), ({}, ""), (IDS, ""), ([None], "/0"), ([IDS[0] + "\n"], "/0"),
        ([IDS[0], IDS[0]], "/1"), ([IDS[1], IDS[0]], "/1"), ([IDS[0], "x"], "/1"), ([[]], "/0"),
    ],
)  # fmt: skip
def test_parents_are_at_most_32_ascending_ids(prev, at):
    assert refusal_of(forged(prev=prev)) == ("bad-prev", f"/prev{at}")
    assert parse_op(forged(prev=IDS[:PREV_MAX])).prev == tuple(IDS[:PREV_MAX])


def test_a_bad_body_is_refused_with_its_pointer():
    assert refusal_of(forged(body=[])) == ("bad-body", "/body")
    assert refusal_of(forged(body=EVIDENCE | {"x": 1})) == ("bad-body", "/body/x")
    assert refusal_of(forged(type="claim")) == ("bad-body", "/body/subject")


GOOD_SIG = base64_encode(bytes(64))


@pytest.mark.parametrize(
    "sig",
    [
        "AA==", "x", GOOD_SIG[:-1], GOOD_SIG[:-3] + "B==", GOOD_SIG + "\n", GOOD_SIG + GOOD_SIG,
        base64_encode(bytes(63)), base64_encode(bytes(65)), "-" * 86 + "==", "é", [GOOD_SIG], 1,
    ],
)  # fmt: skip
def test_a_signature_is_strict_base64_of_64_bytes(sig):
    assert refusal_of(forged(sig=sig)) == ("bad-sig-encoding", "/sig")


@pytest.mark.parametrize("op_id", ["x", IDS[0].upper(), IDS[0] + "\n", IDS[0][7:], 1, [IDS[0]]])
def test_an_id_is_an_address(op_id):
    assert refusal_of(forged(op_id=op_id)) == ("bad-op-id", "/op_id")


def test_an_id_is_the_address_of_this_block_and_the_refusal_carries_both():
    with pytest.raises(OpError) as refusal:
        parse_op(forged(op_id=IDS[0]))
    error = refusal.value
    assert (error.code, error.expected, error.actual) == (
        "op-id-mismatch",
        parse_op(forged()).op_id,
        IDS[0],
    )


@pytest.mark.parametrize("after", [{}, {"prev": [], "sig": GOOD_SIG, "ts": 9}, {"z": 0}])
def test_an_id_repeated_in_the_body_is_not_the_id_that_is_cut_out(after):
    body = EVIDENCE | {"content": {"a": 0, "op_id": IDS[0]} | after}
    op = parse_op(forged(body=body))
    verify_op(op)
    with pytest.raises(OpError) as refusal:
        parse_op(forged(body=body, op_id=IDS[0]))
    assert (refusal.value.code, refusal.value.expected) == ("op-id-mismatch", op.op_id)


def test_the_checks_come_in_the_order_of_the_rules():
    defects = {
        "bad-version": {"v": 3},
        "extra-field": {"seq": 0},
        "bad-type": {"type": "note"},
        "bad-author": {"author": "x"},
        "bad-node": {"node": ""},
        "bad-ts": {"ts": -1},
        "bad-prev": {"prev": [1]},
        "bad-body": {"body": {}},
        "bad-sig-encoding": {"sig": "x"},
        "bad-op-id": {"op_id": "x"},
    }
    for position, code in enumerate(defects):
        changes = {}
        for later in list(defects.values())[position:]:
            changes |= later
        assert refusal_of(forged(**changes))[0] == code
    assert refusal_of(forged(seq=0, node=ABSENT))[0] == "extra-field"
    assert refusal_of(forged(node=ABSENT, type="note"))[0] == "missing-field"


def test_encoding_comes_before_every_rule():
    with pytest.raises(EncodingError) as refusal:
        parse_op(b'{"v":3, "x":1}')
    assert refusal.value.code == "not-canonical"


def test_a_signature_of_anyone_else_or_of_anything_else_is_refused():
    op = built()
    broken = base64_encode(OTHER.sign(op.payload)), GOOD_SIG, base64_encode(SIGNER.sign(op.block))
    for sig in broken:
        with pytest.raises(SignatureError) as refusal:
            verify_op(parse_op(forged(sig=sig)))
        assert refusal.value.code == "bad-signature"


def test_an_author_that_is_no_point_or_a_small_one_never_verifies():
    for raw in (bytes(32), bytes([1]) + bytes(31), b"\xff" * 32):
        wire = forged(author="ed25519:" + raw.hex(), sig=base64_encode(raw + bytes(32)))
        with pytest.raises(SignatureError):
            verify_op(parse_op(wire))


def test_many_are_verified_each_in_its_place():
    good, bad = built(), parse_op(forged(sig=GOOD_SIG))
    first, second, third = verify_ops([good, bad, good])
    assert first is third is None
    assert isinstance(second, SignatureError)
    assert verify_ops([]) == []


def test_an_operation_may_fill_its_size_and_no_more():
    room = OP_SIZE_MAX - len(built(EVIDENCE | {"source": "x"}).wire)
    op = built(EVIDENCE | {"source": "x" * (room + 1)})
    assert len(op.wire) == OP_SIZE_MAX
    assert parse_op(op.wire) == op
    with pytest.raises(EncodingError) as refusal:
        built(EVIDENCE | {"source": "x" * (room + 2)})
    assert refusal.value.code == "too-large"
    with pytest.raises(EncodingError) as refusal:
        parse_op(b"\xff" * (OP_SIZE_MAX + 1))
    assert refusal.value.code == "too-large"


def test_an_operation_has_at_most_32_open_containers():
    nested = []
    for _ in range(28):
        nested = [nested]
    op = built(EVIDENCE | {"content": {"a": nested}})
    assert parse_op(op.wire) == op
    assert build_refusal(body=EVIDENCE | {"content": {"a": [nested]}})[0] == "too-deep"
    with pytest.raises(EncodingError) as refusal:
        parse_op(forged(body=EVIDENCE | {"content": {"a": [nested]}}))
    assert refusal.value.code == "too-deep"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"type": "key"}, ("bad-type", "/type")),
        ({"node": ""}, ("bad-node", "/node")),
        ({"node": "x" * (NODE_LABEL_MAX + 1)}, ("bad-node", "/node")),
        ({"node": "a\nb"}, ("bad-node", "/node")),
        ({"node": "a\x85b"}, ("bad-node", "/node")),
        ({"ts": True}, ("bad-ts", "/ts")),
        ({"ts": -1}, ("bad-ts", "/ts")),
        ({"ts": INT_MAX + 1}, ("int-range", "/ts")),
        ({"ts": 1.5}, ("float", "/ts")),
        ({"prev": [IDS[0], IDS[0]]}, ("bad-prev", "/prev/1")),
        ({"prev": [1, "x"]}, ("bad-prev", "/prev/0")),
        ({"prev": IDS}, ("bad-prev", "/prev")),
        ({"body": {}}, ("bad-body", "/body/source")),
        ({"body": EVIDENCE | {"content": {"a": 0.5}}}, ("float", "/body/content/a")),
        ({"body": EVIDENCE | {"content": {"a": "\ud800"}}}, ("surrogate", "/body/content/a")),
        ({"body": EVIDENCE | {"content": {"a": b"x"}}}, ("not-json", "/body/content/a")),
    ],
)
def test_nothing_is_built_that_could_not_be_read(changes, refused):
    assert build_refusal(**changes) == refused


def test_a_label_we_would_not_write_is_still_read():
    label = "x" * (NODE_LABEL_MAX + 1)
    assert parse_op(forged(node=label)).node == label
    assert len(built(node="é" * NODE_LABEL_MAX).node) == NODE_LABEL_MAX


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_version_one_is_signed_with_ed25519_only(suite):
    signer = SigningKey.from_seed(suite, bytes(SUITES[suite].seed_size))
    with pytest.raises(OpError) as refusal:
        build_op(signer, "laptop", "evidence", EVIDENCE, (), 0)
    assert refusal.value.code == "bad-author"


def test_a_body_given_to_be_signed_is_not_kept():
    body = dict(EVIDENCE)
    op = built(body)
    body["source"] = "changed"
    assert op.body == EVIDENCE


def test_a_claim_names_its_sources_in_its_own_order():
    op = built(CLAIM, "claim")
    assert derived_from(op) == (IDS[2], IDS[1])
    types = frozenset({"evidence", "claim"})
    assert references(op) == (
        Reference(IDS[2], types, "/body/derived_from/0"),
        Reference(IDS[1], types, "/body/derived_from/1"),
    )


def test_evidence_names_no_operation():
    op = built(EVIDENCE | {"content": {"derived_from": [IDS[0]]}}, prev=[IDS[0]])
    assert derived_from(op) == references(op) == ()
