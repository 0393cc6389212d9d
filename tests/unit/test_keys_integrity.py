from __future__ import annotations

import pytest

from lodestamp.core.encoding import base58btc_encode
from lodestamp.core.keys import (
    SigningKey,
    did_key_encode,
    multikey_encode,
    proof_hash,
    verify_data_integrity,
)
from lodestamp.core.keys.integrity import PROOFS_MAX
from lodestamp.errors import EncodingError, LodestampError, SignatureError

SIGNER = SigningKey.from_seed("ed25519", bytes(32))
DID = did_key_encode(SIGNER.public_key)
METHOD = f"{DID}#{DID[8:]}"
DOCUMENT = {"@context": ["https://one.example", "https://two.example"], "name": "x"}
ABSENT = object()


def signed(document=DOCUMENT, value=None, covered=(), **changes):
    """Return a document with a proof that is right in everything but the changed options."""
    options = {
        "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": METHOD, "proofPurpose": "assertionMethod",
    } | changes  # fmt: skip
    options = {name: option for name, option in options.items() if option is not ABSENT}
    hashed = document | ({"proof": list(covered)} if covered else {})
    signature = SIGNER.sign(proof_hash(hashed, options))
    return document | {
        "proof": options | {"proofValue": value or "z" + base58btc_encode(signature)}
    }


def refusal_of(document, keys=None):
    with pytest.raises(LodestampError) as refusal:
        verify_data_integrity(document, keys)
    return refusal.value.code


def test_a_proof_says_who_and_to_what_end():
    (held,) = verify_data_integrity(signed(id="urn:1", created="2025-01-02T03:04:05Z"))
    assert (held.key, held.purpose, held.id) == (SIGNER.public_key, "assertionMethod", "urn:1")


def test_every_changed_member_breaks_it():
    document = signed(created="2025-01-02T03:04:05Z", domain="a")
    assert refusal_of(document | {"name": "y"}) == "bad-signature"
    assert refusal_of(document | {"more": 1}) == "bad-signature"
    for change in ({"created": "2025-01-02T03:04:06Z"}, {"domain": "b"}, {"nonce": "1"}):
        assert refusal_of(document | {"proof": document["proof"] | change}) == "bad-signature"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "Ed25519Signature2020"}, "bad-proof"),
        ({"cryptosuite": "eddsa-rdfc-2022"}, "bad-cryptosuite"),
        ({"cryptosuite": ABSENT}, "bad-cryptosuite"),
        ({"verificationMethod": ABSENT}, "bad-proof"),
        ({"verificationMethod": {"id": METHOD}}, "bad-proof"),
        ({"proofPurpose": ABSENT}, "bad-proof"),
        ({"verificationMethod": "https://example/key"}, "key-unknown"),
        ({"verificationMethod": DID}, "key-unknown"),
        ({"verificationMethod": f"{DID}#other"}, "key-unknown"),
        ({"verificationMethod": "did:key:zz#zz"}, "bad-proof"),
        ({"created": "yesterday"}, "bad-proof"),
        ({"created": "2025-13-01T00:00:00Z"}, "bad-proof"),
        ({"created": "2025-01-01T00:00:00"}, "bad-proof"),
        ({"created": 7}, "bad-proof"),
        ({"id": 7}, "bad-proof"),
        ({"previousProof": "urn:none"}, "bad-proof"),
        ({"previousProof": 7}, "bad-proof"),
        ({"previousProof": [7]}, "bad-proof"),
        ({"id": "urn:1", "previousProof": ["urn:1"]}, "bad-proof"),
        ({"@context": ["https://two.example"]}, "bad-proof"),
        ({"value": "z"}, "bad-proof"),
        ({"value": "u" + "A" * 86}, "bad-proof"),
        ({"value": "z0"}, "bad-proof"),
        ({"value": "z" + base58btc_encode(bytes(64))}, "bad-signature"),
    ],
)
def test_a_proof_outside_the_format_is_refused(changes, code):
    assert refusal_of(signed(**changes)) == code


def test_the_key_of_another_codec_is_refused():
    other = multikey_encode("x25519", bytes(32))
    assert refusal_of(signed(verificationMethod=f"did:key:{other}#{other}")) == "bad-proof"


def test_a_key_may_be_handed_in():
    method = "did:pn:org:" + "0" * 64 + "#0"
    document = signed(verificationMethod=method)
    assert refusal_of(document) == "key-unknown"
    (held,) = verify_data_integrity(document, {method: SIGNER.public_key})
    assert held.verification_method == method
    hybrid = SigningKey.from_seed("hybrid", bytes(64)).public_key
    assert refusal_of(document, {method: hybrid}) == "key-unknown"


@pytest.mark.parametrize("context", ["https://one.example", ["https://one.example"]])
def test_the_document_begins_with_the_contexts_of_the_proof(context):
    options = signed()["proof"] | {"@context": context}
    del options["proofValue"]
    signature = SIGNER.sign(proof_hash(DOCUMENT, options))
    proof = options | {"proofValue": "z" + base58btc_encode(signature)}
    assert verify_data_integrity(DOCUMENT | {"proof": proof})


def test_of_several_proofs_every_one_must_hold():
    good = signed()["proof"]
    bad = good | {"domain": "x"}
    assert len(verify_data_integrity(DOCUMENT | {"proof": [good, good]})) == 2
    assert refusal_of(DOCUMENT | {"proof": [good, bad]}) == "bad-signature"
    assert refusal_of(DOCUMENT | {"proof": [bad, good]}) == "bad-signature"


def test_a_chained_proof_falls_with_the_one_it_covers():
    first = signed(id="urn:1")["proof"]
    second = signed(covered=[first], previousProof="urn:1")["proof"]
    assert len(verify_data_integrity(DOCUMENT | {"proof": [first, second]})) == 2
    other = signed(id="urn:1", domain="x")["proof"]
    assert refusal_of(DOCUMENT | {"proof": [other, second]}) == "bad-signature"
    assert refusal_of(DOCUMENT | {"proof": [second]}) == "bad-proof"
    odd = signed()["proof"] | {"id": ["urn:1"]}
    assert refusal_of(DOCUMENT | {"proof": [first, second, odd]}) == "bad-proof"
    cut = {name: value for name, value in second.items() if name != "previousProof"}
    assert refusal_of(DOCUMENT | {"proof": [first, cut]}) == "bad-signature"


@pytest.mark.parametrize(
    "document", [{}, None, [], {"proof": None}, {"proof": []}, {"proof": [1]}, {"proof": "x"}]
)
def test_a_document_without_a_proof_is_refused(document):
    assert refusal_of(document) == "bad-proof"


def test_proofs_are_bounded_and_floats_refused():
    good = signed()["proof"]
    assert refusal_of(DOCUMENT | {"proof": [good] * (PROOFS_MAX + 1)}) == "bad-proof"
    with pytest.raises(EncodingError):
        verify_data_integrity(DOCUMENT | {"price": 1.5, "proof": good})
    with pytest.raises(EncodingError):
        verify_data_integrity(DOCUMENT | {"proof": good | {"weight": 1.5}})
    with pytest.raises(SignatureError):
        verify_data_integrity(DOCUMENT | {"proof": good | {"cryptosuite": ["x"]}})
