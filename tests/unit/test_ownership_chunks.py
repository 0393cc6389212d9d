"""Chunks of a script, and the payload of an OP_RETURN output (C1)."""

from __future__ import annotations

import tracemalloc

import pytest

from lodestamp.core.ownership.chunks import is_whole, returned, two_chunks


@pytest.mark.parametrize(
    ("script", "chunks"),
    [
        (b"", []),
        (b"\x6a", [None]),
        (b"\x00\x51\x60\x4f", [b"", None, None, None]),
        (b"\x02ab\x4c\x01c\x4d\x01\x00d\x4e\x01\x00\x00\x00e", [b"ab", b"c", b"d", b"e"]),
        (b"\x4c\x00", [b""]),
        (b"\x02a", None),
        (b"\x4c", None),
        (b"\x4c\x02a", None),
        (b"\x4d\x01", None),
        (b"\x4d\x01\x00", None),
        (b"\x4e\x01\x00\x00", None),
        (b"\x4e\xff\xff\xff\xffa", None),
        (b"\xff\xfe", [None, None]),
    ],
)
def test_a_script_comes_apart_whole_or_not_at_all(script, chunks):
    assert is_whole(script) == (chunks is not None)
    exactly_two = chunks if chunks is not None and len(chunks) == 2 else None
    assert two_chunks(script) == (exactly_two and tuple(exactly_two))


@pytest.mark.parametrize(
    ("script", "chunks"),
    [
        (b"\x51\x52", (None, None)),
        (b"\x00\x00", (b"", b"")),
        (b"\x02ab\x4c\x01c", (b"ab", b"c")),
        (b"\x4d\x01\x00a\x4e\x01\x00\x00\x00b", (b"a", b"b")),
        (b"\x02ab\x4c\x02c", None),
        (b"\x02ab\x4e\x02", None),
        (b"\x4c", None),
        (b"\x01a\x01b\x61", None),
    ],
)
def test_two_chunks_are_two_and_no_more(script, chunks):
    assert two_chunks(script) == chunks


def test_a_script_of_a_million_opcodes_keeps_nothing():
    tracemalloc.start()
    assert returned(b"\x6a" + b"\x51" * 1_000_000) == b""
    assert returned(b"\x6a\x01a" + b"\x00" * 1_000_000) == b"a"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("size", [0, 1, 75, 76, 255, 256, 70_000])
def test_C1_a_payload_is_pushed_in_any_form_that_holds_it(size):
    payload = bytes(size)
    forms = [b"\x4e" + size.to_bytes(4, "little")]
    forms += [b"\x4d" + size.to_bytes(2, "little")] if size < 1 << 16 else []
    forms += [b"\x4c" + bytes([size])] if size < 256 else []
    forms += [bytes([size])] if size < 76 else []
    assert {returned(b"\x6a" + form + payload) for form in forms} == {payload}


@pytest.mark.parametrize(
    ("script", "payload"),
    [
        (b"", None),
        (b"\x51", None),
        (b"\x03abc", None),
        (b"\x00\x6a\x01a", None),
        (b"\x6a", b""),
        (b"\x6a\x51\x03abc", b""),
        (b"\x6a\x00\x03abc", b""),
        (b"\x6a\x03abc\x03def", b"abc"),
        (b"\x6a\x03abc\x03de", None),
        (b"\x6a\x4b", None),
    ],
)
def test_C1_the_payload_is_what_stands_behind_op_return(script, payload):
    assert returned(script) == payload
