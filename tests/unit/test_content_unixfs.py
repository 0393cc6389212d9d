"""UnixFS messages: their bytes, the forms read, and the refusals."""

from __future__ import annotations

import pytest

from lodestamp.core.content import Entry, EntryType, Mtime, PBNode, dag_pb, unixfs
from lodestamp.errors import CodecError, UnixFSError


def refusal(text):
    with pytest.raises(UnixFSError) as caught:
        unixfs.decode(bytes.fromhex(text))
    return caught.value.code


def test_fields_are_written_in_number_order():
    entry = Entry(
        EntryType.HAMT_SHARD, b"\x01", 2, (3, 4), hash_type=0x22, fanout=256, mode=0o644,
        mtime=Mtime(-1, 5),
    )  # fmt: skip
    expected = (
        "0805 120101 1802 2003 2004 2822 308002 38a403 4210 08ffffffffffffffffff01 1505000000"
    )
    assert unixfs.encode(entry) == bytes.fromhex(expected)
    assert unixfs.decode(unixfs.encode(entry)) == entry


@pytest.mark.parametrize("size", [0, 1, 127, 128, 262_144])
def test_a_leafs_frame_is_that_of_the_encoded_node(size):
    before, after = unixfs.leaf_frame(size)
    entry = Entry(EntryType.FILE, data=bytes(size) or None, filesize=size)
    assert before + bytes(size) + after == dag_pb.encode(PBNode(data=unixfs.encode(entry)))


def test_packed_blocksizes_and_any_field_order_are_read():
    entry = Entry(EntryType.FILE, filesize=300, blocksizes=(44, 256))
    assert unixfs.decode(bytes.fromhex("18ac0222032c80020802")) == entry


def test_a_leaf_of_type_raw_is_read():
    assert unixfs.decode(bytes.fromhex("0800120161")).type is EntryType.RAW


@pytest.mark.parametrize("text", ["", "0803", "0806", "08ffffffffffffffffff01", "1800"])
def test_a_missing_or_unknown_type_is_refused(text):
    assert refusal(text) == "unixfs.type"


@pytest.mark.parametrize(
    "text",
    [
        "08", "0802 12ff", "0802 0802", "0802 12001200", "0802 4a00", "0802 0001",
        "0a0102", "0802 1001", "0802 1a0101", "0802 2500000000", "0802 220180",
        "0802 3880808080 10", "0802 190000000000000000", "0802 1d00000000",
    ],
)  # fmt: skip
def test_bytes_that_are_no_message_are_refused(text):
    assert refusal(text) == "unixfs.message"


@pytest.mark.parametrize(
    "mtime",
    [
        "", "1501000000", "0801 1500000000", "0801 1500ca9a3b", "08010801", "0a0101",
        "1d00000000", "0801 1001",
    ],
)  # fmt: skip
def test_a_modification_time_outside_its_form_is_refused(mtime):
    assert refusal(f"0802 42 {len(bytes.fromhex(mtime)):02x} {mtime}") == "unixfs.mtime"


@pytest.mark.parametrize(("seconds", "nanoseconds"), [(1 << 63, 0), (0, -1), (0, 10**9)])
def test_a_modification_time_out_of_range_cannot_be_made(seconds, nanoseconds):
    with pytest.raises(UnixFSError):
        Mtime(seconds, nanoseconds)


def test_numbers_out_of_range_cannot_be_written():
    with pytest.raises(UnixFSError):
        Entry(EntryType.FILE, mode=1 << 32)
    with pytest.raises(CodecError):
        unixfs.encode(Entry(EntryType.FILE, filesize=-1))
