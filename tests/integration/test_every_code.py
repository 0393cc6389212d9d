"""Every code that the rules name is produced: E6, V3, capabilities, what logs reject, what lacks.

The tables have one way to each. A code that is listed without a way, or the other way round, fails.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from homes import ALICE, NOW, audited_node, reading
from lodestamp.core.encoding import address_of, base64_encode, canonical_json, content_address
from lodestamp.core.keys import KeyEvent, SigningKey, next_key_digest
from lodestamp.core.operations import (
    OP_SIZE_MAX,
    Purge,
    View,
    attestation,
    build_cap,
    build_op,
    check,
    claim,
    evidence,
    grant,
    key,
    parse_cap,
    parse_op,
    receipt,
    refutation,
    revocation,
    verify_cap,
    verify_op,
)
from lodestamp.errors import LodestampError

BOB = SigningKey.from_seed("ed25519", b"b" * 32)
EVE = SigningKey.from_seed("ed25519", b"e" * 32)
HYBRID = SigningKey.from_seed("hybrid", b"h" * 64)
BODY = evidence(source="s", kind="k", content={}, captured_at=0)
NOWHERE = address_of(b"nowhere")

E6 = "too-large not-utf8 not-json not-object too-deep float int-range surrogate not-canonical"
V3 = """bad-version extra-field missing-field bad-type bad-author bad-node bad-ts bad-prev bad-alg
bad-cap bad-seq bad-body bad-sig-encoding bad-op-id op-id-mismatch bad-signature"""
CAP = """bad-cap cap-id-mismatch bad-signature bad-issuer chain-broken chain-too-long not-attenuated
not-yet-valid expired revoked out-of-scope key-unknown"""
REJECTED = """missing-causal-reference wrong-reference-type not-refutable seq-gap rejected-parent
pending held clock-behind"""
LACKS = """no-authority equivocation may-not-refute may-not-revoke key-event bad-receipt
bad-attestation revoked expired out-of-scope"""


# What E6 refuses


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


WIRES = {
    "too-large": b'{"a":"' + b"x" * OP_SIZE_MAX + b'"}',
    "not-utf8": b'{"a":"\xff"}',
    "not-json": b"{",
    "not-object": b"[]",
    "too-deep": nested(33),
    "float": b'{"a":1.5}',
    "int-range": b'{"a":9007199254740992}',
    "surrogate": rb'{"a":"\ud800"}',
    "not-canonical": b'{"b":1,"a":1}',
}

# What V3 refuses


def envelope(**changed: Any) -> bytes:
    import json

    op = build_op(ALICE, "n", "evidence", BODY, [], NOW, version=2, seq=0)
    fields = json.loads(op.wire)
    fields.update(changed)
    return canonical_json({name: value for name, value in fields.items() if value is not ...})


def resigned() -> bytes:
    import json

    fields = json.loads(envelope(sig=base64_encode(bytes(64)), op_id=...))
    return canonical_json({**fields, "op_id": content_address(fields)})


ENVELOPES = {
    "bad-version": envelope(v=3),
    "extra-field": envelope(more=1),
    "missing-field": envelope(ts=...),
    "bad-type": envelope(type="rumour"),
    "bad-author": envelope(author="alice"),
    "bad-node": envelope(node=""),
    "bad-ts": envelope(ts=-1),
    "bad-prev": envelope(prev=[NOWHERE, NOWHERE]),
    "bad-alg": envelope(alg="mldsa65"),
    "bad-cap": envelope(cap="a cap"),
    "bad-seq": envelope(seq=-1),
    "bad-body": envelope(body={}),
    "bad-sig-encoding": envelope(sig="@"),
    "bad-op-id": envelope(op_id="sha256:0"),
    "op-id-mismatch": envelope(op_id=NOWHERE),
    "bad-signature": resigned(),
}

# Capabilities (§5)


def cap(signer=ALICE, audience=BOB, **changed: Any):
    said = {"predicates": ["p"], "not_before": NOW, "expires_at": NOW + 100, "nonce": bytes(16)}
    said |= {"depth_left": 4} | changed
    return build_cap(signer, audience=audience.key_id, **said)


def altered(**changed: Any):
    """A capability whose document was changed after it was signed; its id is made to fit."""
    document = {**cap().document, **changed}
    block = {name: value for name, value in document.items() if name != "cap_id"}
    return parse_cap({**document, "cap_id": content_address(block)})


def cut(parent, **changed: Any):
    said = {"parent": parent.cap_id, "depth_left": parent.depth_left - 1, **changed}
    return cap(BOB, BOB, subject=ALICE.key_id, **said)


def chain_of(length: int):
    caps = [cap()]
    while len(caps) < length:
        caps.append(cut(caps[-1], depth_left=max(0, caps[-1].depth_left - 1)))
    return caps


def asked(caps, at=NOW, predicate="p", **more: Any):
    return check(caps, "/claim/read", predicate, 0, "r", at, **more).code


CAPS = {
    "bad-cap": lambda: parse_cap({}),
    "cap-id-mismatch": lambda: verify_cap(parse_cap({**cap().document, "cap_id": NOWHERE})),
    "bad-signature": lambda: verify_cap(altered(expires_at=NOW + 101)),
    "key-unknown": lambda: verify_cap(cap(HYBRID)),
    "bad-issuer": lambda: asked([cap(), cap(EVE, parent=cap().cap_id, subject=ALICE.key_id)]),
    "chain-broken": lambda: asked([]),
    "chain-too-long": lambda: asked(chain_of(6)),
    "not-attenuated": lambda: asked([cap(), cut(cap(), predicates=["q"])]),
    "not-yet-valid": lambda: asked([cap()], NOW - 1),
    "expired": lambda: asked([cap()], NOW + 100),
    "revoked": lambda: asked([cap()], revoked=[cap().cap_id]),
    "out-of-scope": lambda: asked([cap()], predicate="q"),
}


def code_of(produce) -> str:
    try:
        return produce()
    except LodestampError as error:
        return error.code


# What logs reject or put aside (S2, S6, S9, S15, V2)


def rejections(home) -> dict[str, str]:
    now = int(time.time())

    def signed(type_, body, prev, seq, ts=now, *, node="n"):
        return build_op(ALICE, node, type_, body, prev, ts, version=2, seq=seq)

    with audited_node(home) as node:
        first = signed("evidence", BODY, [], 0)
        given = signed("grant", grant(cap()), [first.op_id], 1)
        drawn = claim(
            subject="s", predicate="p", object=1, confidence_bp=1, rationale="r", deriver="d/1",
            derived_from=[NOWHERE],
        )  # fmt: skip
        cases = {
            "missing-causal-reference": signed("claim", drawn, [], 0, node="a"),
            "wrong-reference-type": signed(
                "claim", {**drawn, "derived_from": [given.op_id]}, [given.op_id], 0, node="b"
            ),
            "not-refutable": signed(
                "refutation",
                refutation(target=given.op_id, reason="r"),
                [given.op_id],
                0,
                node="c",
            ),
            "seq-gap": signed("evidence", BODY, [given.op_id], 5),
            "pending": signed("evidence", BODY, [NOWHERE], 0, node="d"),
            "held": signed("evidence", BODY, [], 0, now + 999, node="e"),
            "clock-behind": signed("evidence", BODY, [first.op_id], 0, now - 999, node="f"),
        }
        lost = cases["seq-gap"].op_id
        cases["rejected-parent"] = signed("evidence", BODY, [lost], 0, node="g")
        node.append([first.wire, given.wire])
        found = {}
        for code, op in cases.items():
            [answer] = node.append([op.wire])
            if isinstance(answer, LodestampError):
                found[code] = answer.code
            else:
                found[code] = next(iter(answer.flags), answer.status.value)
    return found


# What an operation lacks in the log's state (S7, S13, S14, S21-S25, S29)


class History:
    """Operations one after another, each with all before it in its past."""

    def __init__(self):
        self.ops = []
        self.seqs = {}

    def write(self, signer, type_, body, *, under=None, ts=NOW, seq=None, prev=None):
        place = self.seqs.get(signer.key_id, 0)
        self.seqs[signer.key_id] = place + 1
        above = [self.ops[-1].op_id] if self.ops else []
        op = build_op(
            signer, "n", type_, body, above if prev is None else prev, ts,
            version=2, seq=place if seq is None else seq, cap=under,
        )  # fmt: skip
        self.ops.append(op)
        return op

    def lack(self, op) -> str:
        return View(self.ops, {}, [ALICE.key_id]).graph.why(op.op_id).missing_authority[0].code


def lacking(code: str) -> str:
    past = History()
    seen = past.write(ALICE, "evidence", BODY)
    given = cap(commands=["/evidence/create", "/claim/read"], resources=["s"])
    past.write(ALICE, "grant", grant(given))
    if code == "no-authority":
        return past.lack(past.write(EVE, "evidence", BODY))
    if code == "equivocation":
        past.write(ALICE, "evidence", {**BODY, "kind": "k2"}, seq=1, prev=[seen.op_id])
        return past.lack(past.write(ALICE, "evidence", BODY, seq=2))
    if code == "may-not-refute":
        body = refutation(target=seen.op_id, reason="r")
        return past.lack(past.write(EVE, "refutation", body))
    if code == "may-not-revoke":
        return past.lack(past.write(EVE, "revocation", revocation(cap_id=given.cap_id, reason="r")))
    if code == "key-event":
        began = KeyEvent.inception(
            "human", BOB.public_key, nonce=bytes(16), next=next_key_digest(ALICE.key_id), owner=None
        )
        past.write(BOB, "key", key(began))
        return past.lack(past.write(EVE, "key", key(began.rotation(EVE.public_key, next=None))))
    if code == "expired":
        return past.lack(past.write(BOB, "evidence", BODY, under=given.cap_id, ts=given.expires_at))
    if code == "out-of-scope":
        body = {**BODY, "source": "elsewhere"}
        return past.lack(past.write(BOB, "evidence", body, under=given.cap_id))
    drawn = claim(
        subject="s", predicate="p", object=1, confidence_bp=1, rationale="r", deriver="d/1",
        derived_from=[seen.op_id],
    )  # fmt: skip
    said = past.write(ALICE, "claim", drawn)
    if code == "bad-attestation":
        body = attestation(
            cap_id=given.cap_id, claim_op=said.op_id, subject="s", predicate="p", object=2,
            confidence_bp=1, provenance_commitment=NOWHERE, attested_at=NOW,
        )  # fmt: skip
        return past.lack(past.write(ALICE, "attestation", body))
    ended = past.write(ALICE, "revocation", revocation(cap_id=given.cap_id, reason="r"))
    if code == "revoked":
        return past.lack(past.write(BOB, "evidence", BODY, under=given.cap_id))
    body = receipt(
        cap_id=given.cap_id, revocation_op=ended.op_id, purged_attestations=0, statement="s"
    )
    return past.lack(past.write(EVE, "receipt", body))


@pytest.mark.parametrize("code", E6.split())
def test_E6_every_code_of_the_bytes_is_produced(code):
    assert code_of(lambda: parse_op(WIRES[code])) == code


@pytest.mark.parametrize("code", V3.split())
def test_V3_every_code_of_the_envelope_is_produced(code):
    assert code_of(lambda: verify_op(parse_op(ENVELOPES[code]))) == code


@pytest.mark.parametrize("code", CAP.split())
def test_every_code_of_a_capability_is_produced(code):
    assert code_of(CAPS[code]) == code


def test_every_code_of_what_a_log_rejects_or_puts_aside_is_produced(tmp_path):
    found = rejections(tmp_path / "home")
    assert found == {code: code for code in REJECTED.split()}


@pytest.mark.parametrize("code", LACKS.split())
def test_every_code_of_what_an_operation_lacks_is_produced(code):
    assert lacking(code) == code


def test_no_way_is_left_without_a_code():
    for listed, ways in ((E6, WIRES), (V3, ENVELOPES), (CAP, CAPS)):
        assert set(listed.split()) == set(ways)


def test_every_state_of_a_receipt_is_produced(tmp_path):
    """S30: the six words of the report; `test_questions` has those that a receipt decides."""
    now = int(time.time())
    with audited_node(tmp_path / "home") as node:
        node.record(**reading(1))
        given = node.grant(BOB.key_id, predicates=["p"], expires_at=now + 60)
        told = {node.revocation_report(given.cap_id).status}
        node.revoke(given.cap_id, reason="r")
        told.add(node.revocation_report(given.cap_id).status)
        told.add(node.revocation_report(given.cap_id, now + 90_000).status)
    decided_by_receipts = {Purge.ACKNOWLEDGED, Purge.INCOMPLETE, Purge.UNKNOWN_ATTESTATIONS}
    assert told | decided_by_receipts == set(Purge)
    assert not told & decided_by_receipts
