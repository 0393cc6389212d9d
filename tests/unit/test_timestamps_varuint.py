"""Numbers as OpenTimestamps writes them (transparency spec R34, R38)."""

from __future__ import annotations

import pytest

from lodestamp.core.encoding import leb128_encode
from lodestamp.core.timestamps.varuint import read_varuint
from lodestamp.errors import BadTimestamp, LimitExceeded


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 358_391, 2**63, 2**64 - 1])
def test_a_number_is_read_back(number):
    encoded = leb128_encode(number)
    assert read_varuint(b"x" + encoded + b"y", 1) == (number, 1 + len(encoded))


def test_a_number_may_be_longer_than_it_needs_up_to_ten_bytes():
    assert read_varuint(bytes.fromhex("8100"), 0) == (1, 2)
    assert read_varuint(b"\x81" + b"\x80" * 8 + b"\x00", 0) == (1, 10)


@pytest.mark.parametrize("encoded", [b"\x81" + b"\x80" * 9 + b"\x00", b"\x80" * 200])
def test_eleven_bytes_are_too_many(encoded):
    with pytest.raises(LimitExceeded):
        read_varuint(encoded, 0)


def test_two_to_the_64_is_too_much():
    with pytest.raises(LimitExceeded):
        read_varuint(leb128_encode(2**64), 0)


@pytest.mark.parametrize("encoded", [b"", b"\x80", b"\xff\xff"])
def test_a_number_cut_short_is_refused(encoded):
    with pytest.raises(BadTimestamp) as refused:
        read_varuint(encoded, 0)
    assert refused.value.code == "ots.truncated"
