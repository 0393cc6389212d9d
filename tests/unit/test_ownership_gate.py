"""The gate: one search that never misses, and may be wrong the other way (R27)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import push_bytes
from lodestamp.core.ownership import heart_script, may_contain, payload_script

HEADER = b"\x1f\x00\x01"


@pytest.mark.parametrize("size", [3, 4, 75, 76, 80, 255, 256, 10_000, 70_000])
def test_R27_a_first_payload_opens_it_in_every_push_form(size):
    payload = HEADER.ljust(size, b"x")
    forms = [b"\x4e" + size.to_bytes(4, "little")]
    forms += [b"\x4d" + size.to_bytes(2, "little")] if size < 1 << 16 else []
    forms += [b"\x4c" + bytes([size])] if size < 256 else []
    forms += [bytes([size])] if size < 76 else []
    assert all(may_contain(b"before\x6a" + form + payload + b"after") for form in forms)


def test_R27_every_count_but_zero_opens_it():
    opens = [n for n in range(256) if may_contain(payload_script(bytes([0x1F, 0, n])))]
    assert opens == list(range(1, 256))


def test_R27_a_heart_opens_it_whatever_its_second_byte_is():
    heart = heart_script("00" * 20)
    assert all(may_contain(b"\x6a" + bytes([n]) + heart[2:]) for n in range(256))


def test_R27_a_newline_is_a_byte_as_any_other():
    assert may_contain(b"\x6a\x4c\x0a\x1f\x00\x0a")
    assert may_contain(b"\x6a\x4d\x0a\x0a\x1f\x00\x0a")
    assert may_contain(b"\x6a\x0a\xe2\x99\xa5")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(1_000),
        b"\x6a" * 1_000,
        b"\x6a" + push_bytes(b"\x1f\x00"),
        b"\x6a\x02\x1f\x00\x01",
        b"\x6a" + push_bytes(b"\x1f\x00\x00"),
        b"\x6a\x51" + push_bytes(HEADER),
        push_bytes(HEADER),
        b"\x6a\xe2\x99\xa5",
        b"\xe2\x99\xa5" * 9,
    ],
)
def test_R27_what_cannot_be_either_does_not(raw):
    assert not may_contain(raw)
