from __future__ import annotations

import pytest

from lodestamp.core.keys import SUITES, SigningKey, ed25519_verify
from lodestamp.core.keys.suites import suite_named
from lodestamp.errors import KeyFormatError

SIZES = {
    "ed25519": ("ed25519", 32, 32, 64),
    "mldsa65": ("mldsa65", 1952, 32, 3309),
    "hybrid": ("ed25519+mldsa65", 1984, 64, 3373),
}
PAYLOAD = b"payload"


def signed(suite):
    seed = bytes(range(SUITES[suite].seed_size))
    key = SigningKey.from_seed(suite, seed)
    return key.public_key.raw, key.sign(PAYLOAD)


def test_the_registry_holds_the_three_suites_of_the_table_and_cannot_be_changed():
    assert {
        name: (suite.alg, suite.public_size, suite.seed_size, suite.signature_size)
        for name, suite in SUITES.items()
    } == SIZES
    with pytest.raises(TypeError):
        SUITES["none"] = SUITES["ed25519"]  # type: ignore[index]


def test_an_unknown_suite_is_named_in_the_refusal():
    with pytest.raises(KeyFormatError, match="'rsa'") as refusal:
        suite_named("rsa")
    assert refusal.value.code == "bad-suite"


@pytest.mark.parametrize("suite", SIZES)
def test_keys_and_signatures_have_the_sizes_of_the_table(suite):
    raw, signature = signed(suite)
    assert (len(raw), len(signature)) == (SIZES[suite][1], SIZES[suite][3])
    assert SUITES[suite].verify(raw, PAYLOAD, signature)


@pytest.mark.parametrize("suite", SIZES)
def test_a_changed_payload_signature_or_key_does_not_verify(suite):
    raw, signature = signed(suite)
    check = SUITES[suite].verify
    assert not check(raw, PAYLOAD + b"!", signature)
    for position in (0, 40, 64, 70, len(signature) - 1):
        if position < len(signature):
            changed = bytearray(signature)
            changed[position] ^= 1
            assert not check(raw, PAYLOAD, bytes(changed))
    for position in (0, 31, 32, len(raw) - 1):
        if position < len(raw):
            changed = bytearray(raw)
            changed[position] ^= 1
            assert not check(bytes(changed), PAYLOAD, signature)


@pytest.mark.parametrize("suite", SIZES)
def test_a_key_or_signature_of_another_size_does_not_verify_and_raises_nothing(suite):
    raw, signature = signed(suite)
    check = SUITES[suite].verify
    for other in (b"", signature[:-1], signature + b"\0", signature * 2):
        assert not check(raw, PAYLOAD, other)
    for other in (b"", raw[:-1], raw + b"\0"):
        assert not check(other, PAYLOAD, signature)


def test_no_byte_moves_between_signature_and_payload():
    raw, signature = signed("ed25519")
    joined = signature + PAYLOAD
    for size in range(60, 68):
        assert ed25519_verify(raw, joined[size:], joined[:size]) == (size == 64)


def test_a_hybrid_needs_both_halves():
    raw, signature = signed("hybrid")
    other = SigningKey.from_seed("hybrid", bytes(64)).sign(PAYLOAD)
    check = SUITES["hybrid"].verify
    assert not check(raw, PAYLOAD, other[:64] + signature[64:])
    assert not check(raw, PAYLOAD, signature[:64] + other[64:])
    assert not check(raw, PAYLOAD, signature[:64])
    assert ed25519_verify(raw[:32], PAYLOAD, signature[:64])


def test_ed25519_repeats_itself_and_mldsa65_never_does():
    classical = SigningKey.from_seed("ed25519", bytes(32))
    hedged = SigningKey.from_seed("mldsa65", bytes(32))
    assert classical.sign(PAYLOAD) == classical.sign(PAYLOAD)
    assert hedged.sign(PAYLOAD) != hedged.sign(PAYLOAD)


def test_small_order_and_non_canonical_ed25519_keys_never_verify():
    identity = bytes([1]) + bytes(31)
    forged = identity + bytes(32)  # R is the identity and S is 0: 0*B = R + h*A for small A
    for key in (identity, bytes(32), bytes.fromhex("ec" + "ff" * 30 + "7f"), b"\xff" * 32):
        assert not ed25519_verify(key, PAYLOAD, forged)
