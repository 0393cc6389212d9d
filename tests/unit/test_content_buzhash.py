"""Buzhash: bounds, pieces, and cuts that come back after a change."""

from __future__ import annotations

import random

import pytest

from lodestamp.core.content import Buzhash, parse_chunker
from lodestamp.errors import ContentError


def cut(*pieces):
    return [bytes(chunk) for chunk in Buzhash().cut(pieces)]


@pytest.fixture(scope="module")
def content():
    return random.Random(31).randbytes(1_500_000)


def test_R31_chunks_have_128_to_512_kib_and_only_the_last_fewer(content):
    chunks = cut(content)
    assert b"".join(chunks) == content
    assert len(chunks) > 3
    assert all(131_072 <= len(chunk) <= 524_288 for chunk in chunks[:-1])


@pytest.mark.parametrize("size", [0, 1, 131_071, 131_072])
def test_a_rest_below_the_least_is_one_chunk(size):
    assert [len(chunk) for chunk in cut(bytes(size))] == ([size] if size else [])


def test_cuts_do_not_depend_on_the_pieces(content):
    assert cut(*(content[at : at + 77_777] for at in range(0, len(content), 77_777))) == cut(
        content
    )


def test_cuts_come_back_after_an_insertion(content):
    changed = cut(content[:1000] + b"inserted" + content[1000:])
    assert changed[-1] == cut(content)[-1]


def test_R33_it_is_refused_unless_experimental_chunkers_are_asked_for():
    assert str(parse_chunker("buzhash", experimental=True)) == "buzhash"
    with pytest.raises(ContentError) as refused:
        parse_chunker("buzhash")
    assert refused.value.code == "chunker.unsupported"
