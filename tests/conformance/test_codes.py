"""Every code that a reader or a log refuses with is produced by some case (V3, E6, admission)."""

from __future__ import annotations

import base64
import json
import re
import time

from conftest import REPOSITORY, load_json
from homes import ALICE, NOW, audited_node, foreign_claim
from lodestamp.core.encoding import address_of, canonical_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    OP_SIZE_MAX,
    build_op,
    evidence,
    parse_op,
    refutation,
    revocation,
    verify_op,
)
from lodestamp.errors import LodestampError

E6 = {
    "too-large", "not-utf8", "not-json", "not-object", "too-deep", "float", "int-range",
    "surrogate", "not-canonical",
}  # fmt: skip
V3 = {
    "bad-version", "extra-field", "missing-field", "bad-type", "bad-author", "bad-node", "bad-ts",
    "bad-prev", "bad-alg", "bad-cap", "bad-seq", "bad-body", "bad-sig-encoding", "bad-op-id",
    "op-id-mismatch", "bad-signature",
}  # fmt: skip
BESIDE = {"bad-address", "bad-command", "bad-commitment", "bad-issuer", "bad-scope"}
"""Codes of capabilities, commitments and addresses, which have lists of their own."""


def code_of(wire: bytes) -> str | None:
    try:
        verify_op(parse_op(wire))
    except LodestampError as error:
        return error.code
    return None


def test_V3_and_E6_every_code_of_parsing_and_verifying_is_produced(vectors):
    """By the vectors, which say which code each case must give, and one case too large for them."""
    folder = vectors / "operations" / "lodestamp"
    produced, count = {code_of(b"{" + b" " * OP_SIZE_MAX)}, 0
    for name in ("fp1_refused", "v2_refused"):
        for case in load_json(folder / f"{name}.json")["cases"]:
            code = code_of(base64.b64decode(case["wire_base64"]))
            assert code in case["codes"], case["name"]
            produced.add(code)
            count += 1
    assert count == 53 + 15
    assert produced == E6 | V3


def test_V3_the_list_is_what_the_code_refuses_with():
    """Each code of the list stands in the rooms that read operations, and no `bad-` code beside."""
    rooms = (REPOSITORY / "src/lodestamp/core" / room for room in ("encoding", "operations"))
    text = "".join(file.read_text() for room in rooms for file in room.glob("*.py"))
    found = set(re.findall(r'"([a-z]+(?:-[a-z0-9]+)+|float|surrogate)"', text))
    assert {code for code in V3 | E6 if code not in found} == set()
    assert {code for code in found if code.startswith("bad-")} - V3 == BESIDE


def with_signature_of(op, other) -> bytes:
    """The wire form of an operation under another's signature, with the id that this gives."""
    document = json.loads(op.wire) | {"sig": json.loads(other.wire)["sig"]}
    del document["op_id"]
    return canonical_json(document | {"op_id": address_of(canonical_json(document))})


class Admitting:
    """A log of one evidence, and what it answers to operations of others."""

    def __init__(self, node) -> None:
        self.node = node
        self.first = self.write("evidence", self.say(0), ())

    def say(self, number: int):
        return evidence(source="s", kind="k", content={"n": number}, captured_at=NOW)

    def write(self, kind, body, prev, **more):
        prev = sorted(op.op_id for op in prev)
        label = more.pop("node", "n")
        version = {"version": 2, **more} if more else {}
        return build_op(more.pop("by", ALICE), label, kind, body, prev, NOW, **version)

    def answer(self, *ops) -> str:
        """Hand operations in one by one; what is said to the last."""
        for op in ops:
            [said] = self.node.append([op.wire])
        return said.code if isinstance(said, LodestampError) else str(said.status)


ADMISSION = {
    "new", "known", "pending", "held", "missing-causal-reference", "wrong-reference-type",
    "not-refutable", "seq-gap", "key-unknown", "bad-signature", "rejected-parent",
}  # fmt: skip
"""Every answer that the table of docs/spec/recorder.md lists, and the two of what is admitted."""


def test_every_answer_of_admission_is_produced(tmp_path):
    """S2, S4, S6, S9, S15, S18, V2, K11."""
    with audited_node(tmp_path / "home") as node:
        log = Admitting(node)
        first = log.first
        beside = log.write("evidence", log.say(1), (), node="m")
        gap = log.write("evidence", log.say(2), (first,), node="g", seq=1)
        refuted = log.write("refutation", refutation(target=first.op_id, reason="r"), (first,))
        revoked = log.write("revocation", revocation(cap_id=first.op_id, reason="r"), (refuted,))
        hybrid = SigningKey.from_seed("hybrid", b"h" * 64)
        unknown = build_op(
            hybrid, "h", "evidence", log.say(3), (), NOW, version=2, seq=0
        )  # its key is nowhere
        ahead = build_op(ALICE, "t", "evidence", log.say(4), (), int(time.time()) + 1_000)
        produced = {
            log.answer(first): "new",
            log.answer(first, first): "known",
            log.answer(log.write("evidence", log.say(5), (beside,))): "pending",
            log.answer(beside, refuted, revoked): "new",
            log.answer(ahead): "held",
            log.answer(foreign_claim((first.op_id,), (beside.op_id,))): "missing-causal-reference",
            log.answer(foreign_claim((refuted.op_id,), (refuted.op_id,))): "wrong-reference-type",
            log.answer(
                log.write("refutation", refutation(target=revoked.op_id, reason="r"), (revoked,))
            ): "not-refutable",
            log.answer(gap): "seq-gap",
            log.answer(log.write("evidence", log.say(6), (gap,))): "rejected-parent",
            log.answer(unknown): "key-unknown",
        }
        assert all(said == wanted for said, wanted in produced.items()), produced
        signed_by_another = with_signature_of(first, beside)
        assert code_of(signed_by_another) == "bad-signature"
        [refusal] = node.append([signed_by_another])
        assert {*produced, refusal.code} == ADMISSION
