from __future__ import annotations

import pytest

from lodestamp.core.encoding import uvarint_decode, uvarint_encode
from lodestamp.errors import CidError

PAIRS = [
    (0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (255, "ff01"), (300, "ac02"),
    (16384, "808001"), (2**63 - 1, "ffffffffffffffff7f"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "wire"), PAIRS)
def test_a_number_and_its_one_spelling(number, wire):
    assert uvarint_encode(number).hex() == wire
    assert uvarint_decode(bytes.fromhex(wire)) == (number, len(wire) // 2)


@pytest.mark.parametrize("number", [-1, 2**63, 2**64])
def test_a_number_outside_63_bits_has_no_spelling(number):
    with pytest.raises(CidError) as refusal:
        uvarint_encode(number)
    assert refusal.value.code == "cid.varint"


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ("", "cut short"), ("80", "cut short"), ("ffffffffffffffff", "cut short"),
        ("8000", "not minimal"), ("ff00", "not minimal"), ("80808000", "not minimal"),
        ("80808080808080808001", "nine bytes"), ("ffffffffffffffffff01", "nine bytes"),
    ],
)  # fmt: skip
def test_a_cut_padded_or_long_varint_is_refused(wire, reason):
    with pytest.raises(CidError, match=reason) as refusal:
        uvarint_decode(bytes.fromhex(wire))
    assert refusal.value.code == "cid.varint"


def test_reading_starts_at_a_position_and_stops_after_the_number():
    buffer = bytes.fromhex("ffac0200")
    assert uvarint_decode(buffer, 1) == (300, 3)
    assert uvarint_decode(memoryview(buffer), 1) == (300, 3)
    with pytest.raises(CidError) as refusal:
        uvarint_decode(buffer, 4)
    assert refusal.value.at == "byte 4"
