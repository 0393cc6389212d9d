"""RIPEMD-160: its authors' vectors, and both roads to the same bytes."""

import hashlib
import random

import pytest

from lodestamp.core.hashes import ripemd160
from lodestamp.core.hashes.ripemd import _fastest, ripemd160_in_openssl, ripemd160_in_python

VECTORS = {
    b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
    b"a": "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
    b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
    b"message digest": "5d0689ef49d2fae572b881b123a85ffa21595f36",
    b"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "12a053384a9c0c88e405a06c27dcf49ada62eb2b"
    ),
    b"1234567890" * 8: "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
}


@pytest.mark.parametrize("message", VECTORS)
def test_the_vectors_of_its_authors_hold(message):
    assert ripemd160(message).hex() == VECTORS[message]
    assert ripemd160_in_python(message).hex() == VECTORS[message]


def test_both_roads_give_the_same_bytes_at_every_length_up_to_three_blocks():
    if "ripemd160" not in hashlib.algorithms_available:
        pytest.skip("this OpenSSL has no RIPEMD-160 to compare with")
    draw = random.Random(160)
    for size in range(200):
        message = draw.randbytes(size)
        assert ripemd160_in_python(message) == ripemd160_in_openssl(message)


def test_python_takes_over_where_openssl_lacks_it(monkeypatch):
    def lacking(*_args, **_options):
        raise ValueError("unsupported hash type")

    monkeypatch.setattr(hashlib, "new", lacking)
    assert _fastest() is ripemd160_in_python
