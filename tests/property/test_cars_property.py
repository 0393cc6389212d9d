"""CARs of any blocks are read back; any bytes are refused in our own words (content spec §13)."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from lodestamp.core.content import Block, CarLimits, car, car_index, dag_cbor, dag_json, ipns
from lodestamp.core.encoding import Cid
from lodestamp.errors import LodestampError

datas = st.lists(st.binary(max_size=300), max_size=8)
codecs = st.sampled_from([0x55, 0x70, 0x71, 0x0129])
hashes = st.sampled_from([0x12, 0x13, 0x16, 0xB220])


@st.composite
def cars(draw):
    blocks = [Block(Cid.of(draw(codecs), data, draw(hashes)), data) for data in draw(datas)]
    roots = [block.cid for block in blocks[:3]] or [Cid(1, 0x55, 0, b"")]
    return roots, blocks


@given(cars())
def test_both_versions_carry_roots_and_blocks(drawn):
    roots, blocks = drawn
    first = b"".join(car.write_v1(roots, blocks))
    out = io.BytesIO()
    car_index.write_v2(roots, blocks, out)
    for data, version in ((first, 1), (out.getvalue(), 2)):
        reader = car.read(io.BytesIO(data))
        assert (reader.version, list(reader.roots), list(reader)) == (version, roots, blocks)


@given(cars())
def test_an_index_names_the_place_of_every_block(drawn):
    roots, blocks = drawn
    out = io.BytesIO()
    car_index.write_v2(roots, blocks, out)
    reader = car.read(io.BytesIO(out.getvalue()))
    index = car_index.read_index(out.getvalue()[reader.layout.index_offset :])
    for section in reader.sections():
        assert section.offset in set(index.find(section.cid.multihash))


@given(cars(), st.data())
def test_a_flipped_bit_is_refused_or_changes_no_block(drawn, data):
    roots, blocks = drawn
    whole = bytearray(b"".join(car.write_v1(roots, blocks)))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    try:
        found = list(car.read(io.BytesIO(bytes(whole)), CarLimits(1 << 20)))
    except LodestampError:
        return
    assert all(block.cid.matches(block.data) for block in found)
    assert {block.data for block in found} <= {block.data for block in blocks}


@given(st.binary(max_size=400))
def test_any_bytes_raise_only_our_errors(data):
    for read in (
        lambda: list(car.read(io.BytesIO(data))),
        lambda: list(car.read(io.BytesIO(car.PRAGMA + data))),
        lambda: list(car_index.read_index(data)),
        lambda: car_index.read_index(b"\x81\x08" + data),
        lambda: dag_cbor.decode(data),
        lambda: dag_json.decode(data),
        lambda: ipns.verify(
            "k51qzi5uqu5dlkw8pxuw9qmqayfdeh4kfebhmreauqdc6a7c3y7d5i9fi8mk9w", data, 0
        ),
    ):
        try:
            read()
        except LodestampError:
            continue


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False) | st.binary()
    | st.binary().map(lambda data: Cid.of(0x71, data)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_dag_cbor_carries_every_value(value):
    """R70."""
    block = dag_cbor.encode(value)
    assert dag_cbor.decode(block) == value
    assert dag_cbor.encode(dag_cbor.decode(block)) == block
