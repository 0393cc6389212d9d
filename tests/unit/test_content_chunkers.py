"""Chunkers: the cuts, the views, the refusals."""

from __future__ import annotations

from array import array

import pytest

from lodestamp.core.content import CHUNK_SIZE_MAX, Chunker, parse_chunker
from lodestamp.errors import ContentError


def cut(size, *pieces):
    return [bytes(chunk) for chunk in Chunker(size).cut(pieces)]


def test_only_the_last_chunk_is_shorter():
    assert cut(4, b"abcdefghij") == [b"abcd", b"efgh", b"ij"]
    assert cut(5, b"abcdefghij") == [b"abcde", b"fghij"]


def test_no_bytes_give_no_chunk():
    assert cut(4) == cut(4, b"") == cut(4, b"", b"") == []


def test_chunks_within_a_piece_are_views_of_it():
    piece = b"abcdefgh"
    assert all(chunk.obj is piece for chunk in Chunker(4).cut([piece]))


def test_a_piece_of_wider_items_counts_as_its_bytes():
    words = array("H", [0x0101, 0x0202, 0x0303])
    assert cut(4, memoryview(words)) == [b"\x01\x01\x02\x02", b"\x03\x03"]


def test_a_strided_piece_counts_as_the_bytes_it_shows():
    assert cut(2, memoryview(b"a-b-c-")[::2]) == [b"ab", b"c"]


@pytest.mark.parametrize("size", [1, 262_144, CHUNK_SIZE_MAX])
def test_a_size_chunker_reads_as_it_is_written(size):
    assert parse_chunker(f"size-{size}") == Chunker(size)
    assert str(Chunker(size)) == f"size-{size}"


@pytest.mark.parametrize("spec", ["buzhash", "rabin", "rabin-262144", "rabin-16-32-64"])
def test_content_defined_chunkers_are_not_supported(spec):
    with pytest.raises(ContentError) as caught:
        parse_chunker(spec)
    assert caught.value.code == "chunker.unsupported"
    assert "size-N" in caught.value.hint


@pytest.mark.parametrize(
    "spec",
    [
        "", "size", "size-", "size-0", "size-01", "size--1", "size-1_0", "size- 1", "size-1\n",
        "SIZE-1", "size-\u0661", "size-" + "9" * 5000, "default",
    ],
)  # fmt: skip
def test_other_spellings_are_refused(spec):
    with pytest.raises(ContentError, match="no chunker"):
        parse_chunker(spec)


@pytest.mark.parametrize("spec", [f"size-{CHUNK_SIZE_MAX + 1}", "size-9999999"])
def test_a_chunk_too_large_for_a_block_is_refused(spec):
    with pytest.raises(ContentError) as caught:
        parse_chunker(spec)
    assert caught.value.code == "chunker.size"


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunker_of_no_bytes_does_not_exist(size):
    with pytest.raises(ContentError):
        Chunker(size)
