"""The index of a CAR of version 2 (content spec R82, R83)."""

from __future__ import annotations

import hashlib
import struct

import pytest

from lodestamp.core.content import car_index
from lodestamp.core.content.car_index import IndexEntry
from lodestamp.core.encoding import Multihash
from lodestamp.errors import CarError

ENTRIES = [IndexEntry(0x12, hashlib.sha256(bytes([n])).digest(), n * 7) for n in range(40)]
WIDE = [IndexEntry(0x13, hashlib.sha512(bytes([n])).digest(), n) for n in range(3)]


def test_r82_entries_stand_by_code_width_and_digest():
    data = car_index.write_index([*WIDE, *ENTRIES])
    assert data[:2] == b"\x81\x08"
    assert struct.unpack_from("<i", data, 2)[0] == 2
    code, widths, width, length = struct.unpack_from("<QiIq", data, 6)
    assert (code, widths, width, length) == (0x12, 1, 40, 40 * 40)  # bytes, not a count
    index = car_index.read_index(data)
    assert list(index) == sorted(ENTRIES, key=lambda e: e.digest) + sorted(
        WIDE, key=lambda e: e.digest
    )
    for entry in ENTRIES + WIDE:
        assert list(index.find(Multihash(entry.code, entry.digest))) == [entry.offset]
    assert list(index.find(Multihash(0x12, bytes(32)))) == []
    assert list(index.find(Multihash(0x16, ENTRIES[0].digest))) == []


def test_r82_the_form_without_codes_is_read():
    entries = sorted(e.digest + e.offset.to_bytes(8, "little") for e in ENTRIES)
    data = b"\x80\x08" + struct.pack("<iIq", 1, 40, 40 * 40) + b"".join(entries)
    index = car_index.read_index(data)
    assert len(index) == 40
    assert list(index.find(Multihash(0x12, ENTRIES[7].digest))) == [ENTRIES[7].offset]


def test_a_digest_that_occurs_twice_has_two_places():
    twice = [ENTRIES[0], ENTRIES[0]._replace(offset=99)]
    index = car_index.read_index(car_index.write_index(twice))
    assert sorted(index.find(Multihash(0x12, ENTRIES[0].digest))) == [0, 99]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x82\x08",
        b"\x81\x08",
        b"\x81\x08" + struct.pack("<i", -1),
        b"\x81\x08" + struct.pack("<i", 1 << 30),
        b"\x80\x08" + struct.pack("<iIq", 1, 8, 0),
        b"\x80\x08" + struct.pack("<iIq", 1, 137, 0),
        b"\x80\x08" + struct.pack("<iIq", 1, 40, 41),
        b"\x80\x08" + struct.pack("<iIq", 1, 40, 40),
        b"\x80\x08" + struct.pack("<iIq", 1, 40, -40),
        b"\x80\x08" + struct.pack("<iIq", 1, 40, 40 << 40),
    ],
)
def test_counts_and_widths_that_do_not_fit_are_refused(data):
    with pytest.raises(CarError) as refused:
        car_index.read_index(data)
    assert refused.value.code == "car.index"
