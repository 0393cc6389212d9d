"""did:key: 5 Ed25519 with X25519, 6 secp256k1, 7 of the NIST curves (operations spec §14)."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from conftest import load_json
from lodestamp.core.encoding import base58btc_decode
from lodestamp.core.keys import (
    PublicKey,
    SigningKey,
    did_key_decode,
    did_key_encode,
    multikey_encode,
    x25519_from_ed25519,
)

CODECS = {"P-256": "p256", "P-384": "p384", "P-521": "p521", "secp256k1": "secp256k1"}


@pytest.fixture(scope="module")
def folder(vectors):
    return vectors / "operations/did-key"


def compressed(jwk):
    """Return the codec and the compressed point of a JWK."""
    x, y = (urlsafe_b64decode(jwk[name] + "=" * (-len(jwk[name]) % 4)) for name in "xy")
    return CODECS[jwk["crv"]], bytes([2 + y[-1] % 2]) + x


def raw_of(pair):
    """Return the raw key of a pair, in base58 or as a JWK of an Edwards or Montgomery curve."""
    if "publicKeyJwk" in pair:
        x = pair["publicKeyJwk"]["x"]
        return urlsafe_b64decode(x + "=" * (-len(x) % 4))
    return base58btc_decode(pair["publicKeyBase58"])


def same_text(did, codec, raw):
    return "did:key:" + multikey_encode(codec, raw) == did


def test_ed25519_keys_decode_and_give_their_x25519_keys(folder):
    cases = load_json(folder / "ed25519-x25519.json")
    assert len(cases) == 5
    for did, case in cases.items():
        codec, raw = did_key_decode(did)
        assert codec == "ed25519"
        assert raw == raw_of(case["verificationKeyPair"])
        assert SigningKey.from_seed("ed25519", bytes.fromhex(case["seed"])).public_key.raw == raw
        assert did_key_encode(PublicKey("ed25519", raw)) == did
        agreement = case["keyAgreementKeyPair"]
        derived = x25519_from_ed25519(raw)
        assert derived == raw_of(agreement)
        assert agreement["id"].endswith("#" + multikey_encode("x25519", derived))


def test_secp256k1_keys_decode_and_encode_again(folder):
    cases = load_json(folder / "secp256k1.json")
    assert len(cases) == 6
    for did, case in cases.items():
        codec, raw = did_key_decode(did)
        pair = case["verificationKeyPair"]
        if "publicKeyJwk" in pair:
            assert (codec, raw) == compressed(pair["publicKeyJwk"])
        else:
            assert raw == base58btc_decode(pair["publicKeyBase58"])
        assert codec == "secp256k1"
        assert same_text(did, codec, raw)


def test_keys_of_the_nist_curves_decode_and_encode_again(folder):
    cases = load_json(folder / "nist-curves.json")
    assert len(cases) == 7
    found = []
    for did, case in cases.items():
        codec, raw = did_key_decode(did)
        method = case["verificationMethod"]
        if "publicKeyJwk" in method:
            assert (codec, raw) == compressed(method["publicKeyJwk"])
        else:
            assert raw == base58btc_decode(method["publicKeyBase58"])
        assert same_text(did, codec, raw)
        found.append(codec)
    assert sorted(found) == ["p256"] * 3 + ["p384"] * 2 + ["p521"] * 2
