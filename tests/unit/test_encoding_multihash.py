from __future__ import annotations

import hashlib

import pytest

from lodestamp.core.encoding import HashCode, Multihash
from lodestamp.core.encoding.multihash import hash_with
from lodestamp.errors import CidError


def code_of(call, *arguments):
    with pytest.raises(CidError) as refusal:
        call(*arguments)
    return refusal.value.code


def test_a_multihash_is_its_code_its_length_and_its_digest():
    multihash = Multihash(HashCode.SHA2_256, hashlib.sha256(b"a").digest())
    assert multihash.encode().hex() == "1220" + hashlib.sha256(b"a").hexdigest()
    assert Multihash.decode(multihash.encode()) == multihash
    assert Multihash(0xB220, bytes(32)).encode()[:4].hex() == "a0e40220"


@pytest.mark.parametrize(
    ("code", "name"),
    [(0x12, "sha256"), (0x13, "sha512"), (0x16, "sha3_256")],
)
def test_bytes_match_their_whole_digest_only(code, name):
    digest = hashlib.new(name, b"abc").digest()
    assert Multihash(code, digest).matches(b"abc")
    assert not Multihash(code, digest).matches(b"abd")
    assert not Multihash(code, digest[:-1]).matches(b"abc")
    assert hash_with(code, b"abc") == digest


def test_an_identity_multihash_holds_the_bytes_themselves():
    assert Multihash(HashCode.IDENTITY, b"abc").matches(b"abc")
    assert not Multihash(HashCode.IDENTITY, b"abc").matches(b"abcd")


def test_weak_and_unknown_functions_are_never_checked():
    for code in (HashCode.SHA1, HashCode.MD5):
        assert code_of(Multihash(code, bytes(16)).matches, b"") == "hash.weak"
    assert code_of(Multihash(0x9999, bytes(16)).matches, b"") == "hash.unsupported"
    assert code_of(hash_with, 0x9999, b"") == "hash.unsupported"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("", "cid.varint"), ("12", "cid.varint"), ("1220", "cid.digest-length"),
        ("120200", "cid.digest-length"), ("12010000", "cid.trailing"),
        ("12800100", "cid.digest-length"), ("128101" + "00" * 129, "cid.digest-length"),
        ("008101" + "00" * 129, "cid.identity-too-long"),
        ("9200" + "01" + "00", "cid.varint"),
    ],
)  # fmt: skip
def test_a_cut_long_or_trailing_byte_is_refused(wire, code):
    assert code_of(Multihash.decode, bytes.fromhex(wire)) == code


def test_a_digest_has_at_most_128_bytes():
    assert len(Multihash(0, bytes(128)).digest) == 128
    assert code_of(Multihash, 0, bytes(129)) == "cid.identity-too-long"
    assert code_of(Multihash, 0x12, bytes(129)) == "cid.digest-length"
