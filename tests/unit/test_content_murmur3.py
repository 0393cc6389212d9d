"""MurmurHash3: the published values, and every length of tail."""

from __future__ import annotations

import pytest

from lodestamp.core.content import murmur3_x64_64


@pytest.mark.parametrize(
    ("name", "h1"),
    [
        (b"", "0000000000000000"),
        (b"hello", "cbd8a7b341bd9b02"),
        (b"hello, world", "342fac623a5ebc8e"),
        (b"19 Jan 2038 at 3:14:07 AM", "b89e5988b737affc"),
        (b"The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9"),
        (b"470.txt", "006e88df5847e67c"),
    ],
)
def test_R52_the_first_half_is_the_published_one(name, h1):
    assert murmur3_x64_64(name).hex() == h1


def test_every_length_of_tail_counts_every_byte():
    for size in range(40):
        name = bytes(size)
        changed = {murmur3_x64_64(name[:at] + b"\1" + name[at + 1 :]) for at in range(size)}
        assert len(changed | {murmur3_x64_64(name)}) == size + 1
