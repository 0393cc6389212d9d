"""What a calendar commits to (transparency spec R47, R48)."""

from hashlib import sha256

import pytest

from lodestamp.core.timestamps import commitment
from lodestamp.errors import BadHashLength, BadTimestamp

ROOT, KEY = b"r" * 32, b"k" * 32


def reference_mac(time: bytes, root: bytes, key: bytes) -> bytes:
    """The mac as the reference server makes it, written from its description alone."""
    for bit in f"{int.from_bytes(time, 'big'):032b}":
        key = sha256(key + (b"\xff" if bit == "1" else b"\x00")).digest()
    return sha256(time + root + key).digest()[:8]


@pytest.mark.parametrize("time", [0, 1, 1_700_000_000, 1 << 31, (1 << 32) - 1])
def test_r47_r48_it_is_time_root_and_mac(time):
    committed = commitment(ROOT, time, KEY)
    assert len(committed) == 44
    assert committed[:4] == time.to_bytes(4, "big")
    assert committed[4:36] == ROOT
    assert committed[36:] == reference_mac(committed[:4], ROOT, KEY)


def test_r48_another_second_root_or_key_has_another_mac():
    macs = {
        commitment(ROOT, 1, KEY)[36:],
        commitment(ROOT, 2, KEY)[36:],
        commitment(b"s" * 32, 1, KEY)[36:],
        commitment(ROOT, 1, b"l" * 32)[36:],
    }
    assert len(macs) == 4


@pytest.mark.parametrize("time", [-1, 1 << 32])
def test_a_time_beyond_four_bytes_is_refused(time):
    with pytest.raises(BadTimestamp) as refused:
        commitment(ROOT, time, KEY)
    assert refused.value.code == "ots.time"


@pytest.mark.parametrize(("root", "key"), [(b"r" * 31, KEY), (ROOT, b"k" * 33)])
def test_a_root_or_key_of_another_length_is_refused(root, key):
    with pytest.raises(BadHashLength):
        commitment(root, 1, key)
