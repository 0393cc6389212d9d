"""Signing, and what a verifier says to anything malformed."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    ecdsa_sign,
    ecdsa_verify,
    is_xonly,
    public_key,
    schnorr_sign,
    schnorr_verify,
)
from lodestamp.core.bitcoin.ecc import GROUP_ORDER, has_low_s
from lodestamp.errors import KeyFormatError, UsageError

SECRET = bytes(31) + b"\x05"
KEY = public_key(SECRET)
DIGEST = bytes(range(32))
SIG = ecdsa_sign(DIGEST, SECRET)


def with_numbers(r, s):
    body = b"".join(b"\x02" + bytes((len(n),)) + n for n in (r, s))
    return b"\x30" + bytes((len(body),)) + body


def numbers():
    size = SIG[3]
    return SIG[4 : 4 + size], SIG[6 + size :]


def test_what_is_signed_verifies_and_nothing_else_does():
    sig = schnorr_sign(DIGEST, SECRET, bytes(32))
    assert schnorr_verify(sig, DIGEST, KEY[1:])
    assert not schnorr_verify(sig, DIGEST[::-1], KEY[1:])
    assert not schnorr_verify(sig[:63], DIGEST, KEY[1:])
    assert not schnorr_verify(sig, DIGEST, KEY)
    assert ecdsa_verify(SIG, DIGEST, KEY)
    assert not ecdsa_verify(SIG, DIGEST[::-1], KEY)
    assert not ecdsa_verify(SIG, DIGEST[:31], KEY)


def test_der_is_read_as_laxly_as_blocks_before_bip66_need():
    r, s = numbers()
    assert ecdsa_verify(with_numbers(b"\x00" * 3 + r, s), DIGEST, KEY)
    assert ecdsa_verify(with_numbers(r, b"\x00" * 40 + s), DIGEST, KEY)
    assert ecdsa_verify(SIG + b"anything", DIGEST, KEY)
    assert ecdsa_verify(b"\x30\x81" + SIG[1:], DIGEST, KEY)
    assert ecdsa_verify(b"\x30\x00" + SIG[2:], DIGEST, KEY)
    long_form = b"\x30\x00\x02\x82\x00" + bytes((len(r),)) + r + b"\x02" + bytes((len(s),)) + s
    assert ecdsa_verify(long_form, DIGEST, KEY)


@pytest.mark.parametrize("size", range(len(SIG)))
def test_der_cut_short_never_holds(size):
    assert not ecdsa_verify(SIG[:size], DIGEST, KEY)


def test_a_high_s_counts_as_its_low_twin():
    r, s = numbers()
    high = (GROUP_ORDER - int.from_bytes(s, "big")).to_bytes(33, "big")
    assert ecdsa_verify(with_numbers(r, high), DIGEST, KEY)
    assert has_low_s(SIG)
    assert not has_low_s(with_numbers(r, high))


def test_numbers_outside_the_group_never_hold():
    r, s = numbers()
    order = b"\x00" + GROUP_ORDER.to_bytes(32, "big")
    for pair in ((order, s), (r, order), (b"\x00", s), (r, b"\x00"), (b"\x01" * 33, s)):
        assert not ecdsa_verify(with_numbers(*pair), DIGEST, KEY)
    assert has_low_s(with_numbers(r, order))
    assert not has_low_s(b"")


def test_a_secret_is_a_number_below_the_order():
    for secret in (bytes(32), GROUP_ORDER.to_bytes(32, "big"), b"\x01", bytes(33)):
        with pytest.raises(KeyFormatError):
            public_key(secret)
    for message, aux in ((DIGEST[:31], bytes(32)), (DIGEST, b"")):
        with pytest.raises(UsageError):
            schnorr_sign(message, SECRET, aux)
    with pytest.raises(UsageError):
        ecdsa_sign(b"", SECRET)


def test_an_x_only_key_is_the_x_of_a_point():
    assert is_xonly(KEY[1:])
    assert not is_xonly(KEY)
    assert not is_xonly(b"\xff" * 32)
