from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.keys import SUITES, PublicKey, SigningKey, ed25519_verify, is_key_id, verify
from lodestamp.errors import LodestampError, SignatureError

SIGNERS = {name: SigningKey.from_seed(name, bytes(s.seed_size)) for name, s in SUITES.items()}


@given(st.sampled_from(sorted(SUITES)), st.binary(max_size=300))
@settings(max_examples=60)
def test_whatever_is_signed_verifies_and_nothing_longer_does(suite, payload):
    key = SIGNERS[suite]
    signature = key.sign(payload)
    verify(key.public_key, payload, signature)
    assert not SUITES[suite].verify(key.public_key.raw, payload + b"\0", signature)


@given(st.binary(max_size=200), st.integers(0, 64 * 8 - 1))
def test_no_flipped_bit_of_an_ed25519_signature_verifies(payload, bit):
    key = SIGNERS["ed25519"]
    signature = bytearray(key.sign(payload))
    signature[bit // 8] ^= 1 << bit % 8
    assert not ed25519_verify(key.public_key.raw, payload, bytes(signature))


@given(st.sampled_from(sorted(SUITES)), st.binary(max_size=100), st.binary(max_size=4000))
@settings(max_examples=60)
def test_random_signatures_raise_a_signature_error_and_nothing_else(suite, payload, signature):
    try:
        verify(SIGNERS[suite].public_key, payload, signature)
    except SignatureError:
        return
    raise AssertionError("a random signature verified")


@given(st.binary(max_size=64), st.binary(max_size=64), st.binary(max_size=128))
def test_ed25519_verify_never_raises(raw, payload, signature):
    assert ed25519_verify(raw, payload, signature) is False


@given(st.text(max_size=80))
def test_a_text_is_a_key_id_or_a_lodestamp_error(text):
    try:
        PublicKey.parse_key_id(text)
    except LodestampError:
        assert not is_key_id(text)
    else:
        assert is_key_id(text)
