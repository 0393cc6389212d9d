from __future__ import annotations

import pytest

from lodestamp.core.keys import (
    SUITES,
    KeyEvent,
    KeyLog,
    SigningKey,
    did_document,
    did_key_decode,
    did_key_encode,
    multikey_decode,
    x25519_from_ed25519,
)
from lodestamp.errors import UsageError


def identity(suite, *, ended=False):
    key = SigningKey.from_seed(suite, bytes([9]) * SUITES[suite].seed_size).public_key
    event = KeyEvent.inception("org", key, nonce=bytes(16))
    log = KeyLog()
    log.append(event, "sha256:" + "0" * 64, 0)
    if ended:
        log.append(event.deactivation(key), "sha256:" + "1" * 64, 1)
    return event.did, key, log.resolve(event.did)


def test_k10_the_document_of_an_ed25519_identity():
    did, key, state = identity("ed25519")
    document = did_document(did, state)
    assert document["id"] == did
    assert document["alsoKnownAs"] == [did_key_encode(key)]
    (method,) = document["verificationMethod"]
    assert (method["id"], method["type"], method["controller"]) == (f"{did}#0", "Multikey", did)
    assert multikey_decode(method["publicKeyMultibase"]) == ("ed25519", key.raw)
    assert document["authentication"] == document["assertionMethod"] == [f"{did}#0"]
    (agreement,) = document["keyAgreement"]
    derived = x25519_from_ed25519(key.raw)
    assert multikey_decode(agreement["publicKeyMultibase"]) == ("x25519", derived)


def test_k10_a_hybrid_lists_two_methods_of_different_names():
    did, key, state = identity("hybrid")
    document = did_document(did, state)
    parts = [multikey_decode(each["publicKeyMultibase"]) for each in document["verificationMethod"]]
    assert parts == [("ed25519", key.raw[:32]), ("mldsa65", key.raw[32:])]
    assert document["authentication"] == [f"{did}#0-ed25519", f"{did}#0-mldsa65"]
    assert [did_key_decode(each) for each in document["alsoKnownAs"]] == parts
    assert "keyAgreement" not in document


def test_k10_ml_dsa_has_no_key_agreement():
    did, key, state = identity("mldsa65")
    document = did_document(did, state)
    assert "keyAgreement" not in document
    assert document["alsoKnownAs"] == [did_key_encode(key)]


def test_k9_a_deactivated_identity_has_no_method():
    did, _, state = identity("ed25519", ended=True)
    document = did_document(did, state)
    assert document["verificationMethod"] == document["authentication"] == []
    assert document["alsoKnownAs"] == document["assertionMethod"] == []
    assert "keyAgreement" not in document


def test_a_document_is_of_its_own_state():
    _, _, state = identity("ed25519")
    with pytest.raises(UsageError):
        did_document("did:pn:org:" + "0" * 64, state)


def test_a_key_that_is_no_point_agrees_on_nothing():
    from lodestamp.core.keys import PublicKey

    event = KeyEvent.inception("org", PublicKey("ed25519", b"\xff" * 32), nonce=bytes(16))
    log = KeyLog()
    log.append(event, "sha256:" + "0" * 64, 0)
    assert "keyAgreement" not in did_document(event.did, log.resolve(event.did))
