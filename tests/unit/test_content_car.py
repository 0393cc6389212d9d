"""CARs: what is written, and every way one can lie (content spec §4)."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from lodestamp.core.content import (
    BLOCK_SIZE_MAX,
    Block,
    CarLimits,
    PieceStream,
    car,
    car_index,
    dag_cbor,
)
from lodestamp.core.encoding import Cid, uvarint_encode
from lodestamp.errors import BlockMismatch, CarError, CidError, LimitExceeded

BLOCKS = [Block(Cid.of(0x55, bytes([n]) * n), bytes([n]) * n) for n in range(5)]
ROOT = BLOCKS[0].cid


def _v1(blocks=BLOCKS, roots=(ROOT,)):
    return b"".join(car.write_v1(list(roots), blocks))


def _v2(blocks=BLOCKS):
    out = io.BytesIO()
    size = car_index.write_v2([ROOT], blocks, out)
    assert size == len(out.getvalue())
    return out.getvalue()


def _read(data, **limits):
    return list(car.read(io.BytesIO(data), CarLimits(**limits)))


def _refused(data, kind=CarError):
    with pytest.raises(kind) as refused:
        _read(data)
    return refused.value


def test_r80_a_car_begins_with_its_roots_and_version():
    data = _v1()
    assert data[1:8] == b"\xa2\x65roots"
    assert data[8] == 0x81
    assert data[1 : 1 + data[0]].endswith(b"\x67version\x01")
    assert _read(data) == BLOCKS
    assert _read(_v1()) == _read(_v2())


def test_r80_a_car_without_a_root_is_not_written():
    with pytest.raises(CarError) as refused:
        _v1(roots=())
    assert refused.value.code == "car.header"
    with pytest.raises(LimitExceeded):
        _v1(roots=[ROOT] * 1025)


def test_a_header_of_too_many_roots_is_refused():
    header = dag_cbor.encode({"roots": [Cid(1, 0x55, 0, b"")] * 1025, "version": 1})
    _refused(uvarint_encode(len(header)) + header, LimitExceeded)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"roots": [], "version": 2}, "car.version"),
        ({"version": 1}, "car.header"),
        ({"roots": [ROOT]}, "car.header"),
        ({"roots": [b"x"], "version": 1}, "car.header"),
        ({"roots": ROOT, "version": 1}, "car.header"),
        ({"roots": [ROOT], "version": 1, "x": 1}, "car.header"),
        ({"roots": [ROOT], "version": True}, "car.header"),
        ([1], "car.header"),
    ],
)
def test_other_headers_are_refused(header, code):
    data = dag_cbor.encode(header)
    assert _refused(uvarint_encode(len(data)) + data).code == code


def test_r81_a_version_2_states_where_its_parts_are():
    data = _v2()
    reader = car.read(io.BytesIO(data))
    assert data.startswith(bytes.fromhex("0aa16776657273696f6e02") + bytes(16))
    assert reader.layout == car.Layout(51, len(_v1()), 51 + len(_v1()))
    assert reader.payload_offset == 51
    assert data[51 : 51 + len(_v1())] == _v1()


def test_r81_padding_before_the_payload_is_passed_over():
    data = bytearray(_v2())
    data[27:35] = (51 + 99).to_bytes(8, "little")
    data[43:51] = bytes(8)
    assert _read(bytes(data[:51]) + bytes(99) + bytes(data[51:])) == BLOCKS


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (27, 18446744073709550254),  # overflows together with the size
        (27, 50),  # within the header
        (35, (1 << 64) - 1),
        (43, 52),  # index within the payload
        (43, (1 << 64) - 1),
    ],
)
def test_r81_offsets_that_overlap_or_overflow_are_refused(at, value):
    data = bytearray(_v2())
    data[at : at + 8] = value.to_bytes(8, "little")
    assert _refused(bytes(data)).code == "car.offsets"


def test_r81_data_that_begins_past_the_end_is_refused():
    data = bytearray(_v2())
    data[27:35] = (1 << 40).to_bytes(8, "little")
    data[43:51] = bytes(8)
    assert _refused(bytes(data)).code == "car.offsets"


def test_r84_bytes_that_are_not_their_cids_never_leave_the_reader():
    data = bytearray(_v1())
    data[-1] ^= 1
    reader = car.read(io.BytesIO(bytes(data)))
    taken = []
    with pytest.raises(BlockMismatch) as refused:
        taken.extend(reader)
    assert refused.value.code == "block.mismatch"
    assert refused.value.cid == str(BLOCKS[-1].cid)
    assert refused.value.at == len(data) - BLOCKS[-1].cid.encode().__len__() - 5


def test_r84_a_section_that_cannot_be_checked_is_refused():
    weak = Block(Cid(1, 0x55, 0x11, bytes(20)), b"x")
    assert _refused(_v1([weak]), CidError).code == "hash.weak"


def test_r84_a_zero_length_is_refused_or_ends_the_payload():
    assert _refused(_v1() + bytes(9)).code == "car.zero-section"
    assert _read(_v1() + bytes(9), allow_zero_padding=True) == BLOCKS


def test_a_car_cut_anywhere_is_whole_sections_or_refused():
    """Trap 13: at a section boundary a cut looks complete."""
    data = _v1()
    ends = {0}
    at = 1 + data[0]
    for block in BLOCKS:
        ends.add(at)
        at += len(car.section_head(block.cid, len(block.data))) + len(block.data)
    for cut in range(1, len(data)):
        if cut in ends:
            assert len(_read(data[:cut])) < len(BLOCKS)
        else:
            assert _refused(data[:cut]).code in {"car.header", "car.section-length"}


def test_trailing_bytes_are_a_section_cut_short():
    assert _refused(_v1() + b"\x05").code == "car.section-length"


def test_lengths_that_are_no_varints_are_refused():
    for length in (b"\x80", b"\x81\x00", b"\xff" * 9 + b"\x01"):
        assert _refused(_v1() + length).code == "car.section-length"


def test_huge_lengths_allocate_nothing():
    huge = uvarint_encode((1 << 63) - 1)
    tracemalloc.start()
    try:
        assert _refused(_v1() + huge).code == "car.section-length"
        assert _refused(huge).code == "car.header"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_block_over_two_mebibytes_is_refused():
    data = bytes(BLOCK_SIZE_MAX + 1)
    refusal = _refused(_v1([Block(Cid.of(0x55, data), data)]), BlockMismatch)
    assert refusal.code == "block.too-big"


def test_a_section_longer_than_any_block_is_refused_before_it_is_read():
    class Endless:
        taken = 0

        def read(self, size):
            self.taken += size
            return bytes(size)

    stream = Endless()
    head = _v1([]) + uvarint_encode(1 << 30)

    class Both(PieceStream):
        def read(self, size):
            return super().read(size) or stream.read(size)

    with pytest.raises(CarError) as refused:
        list(car.read(Both([head])))
    assert refused.value.code == "car.section-length"
    assert stream.taken == 0


def test_a_car_longer_than_allowed_is_refused():
    assert _read(_v1(), size=len(_v1())) == BLOCKS
    with pytest.raises(LimitExceeded):
        _read(_v1(), size=len(_v1()) - 1)


def test_r85_roots_are_claims():
    """Roots that are not in the CAR are no matter of reading it."""
    absent = Cid.of(0x71, b"nowhere")
    reader = car.read(io.BytesIO(_v1(roots=[absent])))
    assert reader.roots == (absent,)
    assert list(reader) == BLOCKS


def test_r86_identity_cids_are_never_sections():
    identity = Block(Cid(1, 0x55, 0, b"in the CID"), b"in the CID")
    assert _read(_v1([identity, *BLOCKS])) == BLOCKS
    assert _read(_v2([identity, *BLOCKS])) == BLOCKS


def test_memory_is_one_block_however_long_the_car_is():
    """R84."""
    data = bytes(1 << 20)

    def blocks():
        for n in range(64):
            block = n.to_bytes(8, "big") + data
            yield Block(Cid.of(0x55, block), block)

    tracemalloc.start()
    try:
        assert sum(1 for _ in car.read(PieceStream(car.write_v1([ROOT], blocks())))) == 64
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 << 20
