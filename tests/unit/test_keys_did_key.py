from __future__ import annotations

import pytest

from lodestamp.core.encoding import base58btc_encode, uvarint_encode
from lodestamp.core.keys import (
    SUITES,
    PublicKey,
    SigningKey,
    did_key_decode,
    did_key_encode,
    multikey_decode,
    multikey_encode,
    x25519_from_ed25519,
)
from lodestamp.errors import KeyFormatError

GENERATOR = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def refusal_of(call, *args):
    with pytest.raises(KeyFormatError) as refusal:
        call(*args)
    return refusal.value.code


def spelled(code, raw):
    return "z" + base58btc_encode(uvarint_encode(code) + raw)


@pytest.mark.parametrize("suite", ["ed25519", "mldsa65"])
def test_keys_of_the_suites_go_out_and_come_back(suite):
    key = SigningKey.from_seed(suite, bytes(SUITES[suite].seed_size)).public_key
    assert did_key_decode(did_key_encode(key)) == (suite, key.raw)


def test_a_hybrid_has_no_multicodec():
    key = PublicKey("hybrid", bytes(1984))
    assert refusal_of(did_key_encode, key) == "bad-multikey"


@pytest.mark.parametrize(
    "text",
    [
        "", "z", "zz", "did:key:", None, 7, b"z6Mk",
        "m" + multikey_encode("ed25519", bytes(32))[1:],
        multikey_encode("ed25519", bytes(32)) + "0",
        multikey_encode("ed25519", bytes(32)) + "\n",
        spelled(0xED, bytes(31)), spelled(0xED, bytes(33)), spelled(0x1205, bytes(32)),
        "z" + base58btc_encode(b"\xed\x81\x00" + bytes(32)),
        spelled(0xE7, b"\x02" + b"\xff" * 32), spelled(0xE7, b"\x04" + GENERATOR[1:]),
        spelled(0xE7, GENERATOR[:-1]),
        spelled(0x1200, b"\x02" + b"\xff" * 32), spelled(0x1200, b"\x05" + bytes(32)),
        spelled(0x1201, b"\x02" + b"\xff" * 48), spelled(0x1202, b"\x02" + b"\xff" * 66),
        spelled(0x1211, bytes(1951)), "z" + "1" * 3000,
    ],
)  # fmt: skip
def test_k5_anything_else_is_refused(text):
    assert refusal_of(multikey_decode, text) == "bad-multikey"
    assert refusal_of(did_key_decode, text) == "bad-multikey"
    if isinstance(text, str):
        assert refusal_of(did_key_decode, "did:key:" + text) == "bad-multikey"


def test_only_a_did_key_is_decoded_as_one():
    text = multikey_encode("secp256k1", GENERATOR)
    assert did_key_decode("did:key:" + text) == ("secp256k1", GENERATOR)
    assert refusal_of(did_key_decode, "did:web:" + text) == "bad-multikey"
    assert refusal_of(multikey_encode, "rsa", bytes(32)) == "bad-multikey"
    assert refusal_of(multikey_encode, "secp256k1", bytes(33)) == "bad-multikey"


@pytest.mark.parametrize("raw", [b"", bytes(32), bytes([1]) + bytes(31), b"\xff" * 32, bytes(33)])
def test_a_key_that_is_no_point_of_large_order_agrees_on_nothing(raw):
    assert refusal_of(x25519_from_ed25519, raw) == "bad-key"
