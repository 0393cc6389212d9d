"""Keccak-256 against a C implementation and the published digests."""

from __future__ import annotations

from random import Random

import pytest
from Cryptodome.Hash import keccak

from lodestamp.core.hashes import keccak256
from lodestamp.core.hashes.keccak import RATE

KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
}


@pytest.mark.parametrize("message", KNOWN)
def test_known_messages_have_their_digests(message):
    assert keccak256(message).hex() == KNOWN[message]


def test_it_agrees_with_another_implementation_around_every_block_boundary():
    random = Random("keccak")
    sizes = [*range(3 * RATE + 2), 1_000, 4_096]
    for size in sizes:
        message = random.randbytes(size)
        expected = keccak.new(digest_bits=256, data=message).digest()
        assert keccak256(message) == expected, size
