from __future__ import annotations

import pytest

from lodestamp.core.encoding import address_of
from lodestamp.core.keys import KeyEvent, SigningKey
from lodestamp.core.operations import (
    REFUTABLE_TYPES,
    Reference,
    attestation,
    build_cap,
    build_op,
    cap_references,
    confirm,
    derived_from,
    evidence,
    grant,
    key,
    notice,
    receipt,
    references,
    refutation,
    revocation,
)

SIGNER = SigningKey.from_seed("ed25519", bytes(32))
ID, CAP = address_of(b"id"), address_of(b"cap")
WRONG = "wrong-reference-type"
CAPABILITY = build_cap(
    SIGNER, audience=SIGNER.key_id, predicates=[], not_before=0, expires_at=1, nonce=bytes(16),
    parent=CAP,
)  # fmt: skip
ATTESTED = attestation(
    cap_id=CAP, claim_op=ID, subject="s", predicate="p", object=1, confidence_bp=1,
    provenance_commitment=address_of(b"c"), attested_at=1,
)  # fmt: skip


def op(kind, body, **options):
    return build_op(SIGNER, "n", kind, body, (), 1, version=2, seq=0, **options)


@pytest.mark.parametrize(
    ("kind", "body", "field", "types", "code"),
    [
        ("refutation", refutation(target=ID, reason="r"), "target",
         {"evidence", "claim", "refutation"}, "not-refutable"),
        ("attestation", ATTESTED, "claim_op", {"claim"}, WRONG),
        ("receipt", receipt(cap_id=CAP, revocation_op=ID, purged_attestations=0, statement="s"),
         "revocation_op", {"revocation"}, WRONG),
        ("notice", notice(attestation_op=ID, state="stale", audience=SIGNER.key_id),
         "attestation_op", {"attestation"}, WRONG),
        ("confirm", confirm(author=SIGNER.key_id, node="n", keep=ID, reason="r"), "keep",
         {"evidence", "claim", "refutation", "grant", "revocation", "attestation", "receipt",
          "key", "notice", "confirm"}, WRONG),
    ],
)  # fmt: skip
def test_s6_each_type_names_its_operation(kind, body, field, types, code):
    """S6, and S15 for what may be refuted."""
    named = op(kind, body)
    assert references(named) == (Reference(ID, frozenset(types), f"/body/{field}", code),)
    assert derived_from(named) == ()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("evidence", evidence(source="s", kind="k", content={"target": ID}, captured_at=1)),
        ("grant", grant(CAPABILITY)),
        ("revocation", revocation(cap_id=CAP, reason="r")),
        ("key", key(KeyEvent.inception("org", SIGNER.public_key, nonce=bytes(16)))),
    ],
)
def test_a_type_that_names_no_operation_refers_to_none(kind, body):
    assert references(op(kind, body)) == ()
    assert cap_references(op(kind, body)) == ()


def test_s6_the_capabilities_acted_and_attested_under_are_named_by_their_ids():
    other = address_of(b"other")
    seen = evidence(source="s", kind="k", content={}, captured_at=1)
    assert cap_references(op("evidence", seen, cap=other)) == (other,)
    assert cap_references(op("attestation", ATTESTED)) == (CAP,)
    assert cap_references(op("attestation", ATTESTED, cap=other)) == (other, CAP)
    assert cap_references(op("attestation", ATTESTED, cap=CAP)) == (CAP,)


def test_s15_what_may_be_refuted():
    assert {"evidence", "claim", "refutation"} == REFUTABLE_TYPES
