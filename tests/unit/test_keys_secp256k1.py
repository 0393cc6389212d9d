from __future__ import annotations

from hashlib import sha256

import pytest
from coincurve import PrivateKey
from coincurve.ecdsa import der_to_cdata, serialize_compact

from lodestamp.core.keys import secp256k1_verify
from lodestamp.core.keys.secp256k1 import ORDER
from lodestamp.errors import UsageError

KEY = PrivateKey(b"\x07" * 32)
PUB = KEY.public_key.format(compressed=True)
DIGEST = sha256(b"message").digest()
DER = KEY.sign(DIGEST, hasher=None)
COMPACT = serialize_compact(der_to_cdata(DER))


def high(compact):
    s = int.from_bytes(compact[32:], "big")
    return compact[:32] + (ORDER - s).to_bytes(32, "big")


def der_of(compact):
    def integer(octets):
        octets = octets.lstrip(b"\0")
        octets = b"\0" * (octets[0] >> 7) + octets
        return b"\x02" + bytes([len(octets)]) + octets

    body = integer(compact[:32]) + integer(compact[32:])
    return b"\x30" + bytes([len(body)]) + body


def test_both_forms_hold():
    assert secp256k1_verify(PUB, DIGEST, COMPACT, "compact")
    assert secp256k1_verify(PUB, DIGEST, DER, "der")
    assert der_of(COMPACT) == DER


def test_the_higher_s_holds_only_where_it_is_allowed():
    twin = high(COMPACT)
    assert not secp256k1_verify(PUB, DIGEST, twin, "compact")
    assert not secp256k1_verify(PUB, DIGEST, der_of(twin), "der")
    assert secp256k1_verify(PUB, DIGEST, twin, "compact", low_s=False)
    assert secp256k1_verify(PUB, DIGEST, der_of(twin), "der", low_s=False)
    assert secp256k1_verify(PUB, DIGEST, COMPACT, "compact", low_s=False)


@pytest.mark.parametrize(
    "sig",
    [
        b"", COMPACT[:-1], COMPACT + b"\0", bytes(64), COMPACT[:32] + bytes(32),
        bytes(32) + COMPACT[32:], COMPACT[:32] + ORDER.to_bytes(32, "big"),
        ORDER.to_bytes(32, "big") + COMPACT[32:], b"\xff" * 64, COMPACT[32:] + COMPACT[:32],
    ],
)  # fmt: skip
@pytest.mark.parametrize("low_s", [True, False])
def test_no_other_numbers_hold(sig, low_s):
    assert not secp256k1_verify(PUB, DIGEST, sig, "compact", low_s=low_s)


@pytest.mark.parametrize(
    "sig",
    [
        b"", b"\x30", b"\x30\x06\x02\x01\x01\x02\x01", DER + b"\0", DER[:-1],
        b"\x31" + DER[1:], DER[:1] + b"\x81" + DER[1:], DER[:4] + b"\0" + DER[4:], b"\x30" * 72,
        DER[:2] + b"\x03" + DER[3:], b"\xff" * 72, bytes(73), b"\x30\x46\x02\xff" + bytes(68),
    ],
)  # fmt: skip
def test_der_has_one_spelling(sig):
    assert not secp256k1_verify(PUB, DIGEST, sig, "der", low_s=False)


def test_every_flipped_bit_fails():
    for bit in range(512):
        changed = bytearray(COMPACT)
        changed[bit // 8] ^= 1 << bit % 8
        assert not secp256k1_verify(PUB, DIGEST, bytes(changed), "compact", low_s=False)


@pytest.mark.parametrize("pub", [b"", PUB[:-1], PUB + b"\0", b"\x04" + PUB[1:], b"\x02" * 33])
def test_a_key_that_is_no_compressed_point_verifies_nothing(pub):
    assert not secp256k1_verify(pub, DIGEST, COMPACT, "compact")


def test_another_digest_or_form_does_not_hold():
    assert not secp256k1_verify(PUB, sha256(b"x").digest(), COMPACT, "compact")
    assert not secp256k1_verify(PUB, DIGEST + b"\0", COMPACT, "compact")
    with pytest.raises(UsageError):
        secp256k1_verify(PUB, DIGEST, COMPACT, "asn1")
