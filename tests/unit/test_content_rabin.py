"""Rabin: spellings, bounds, pieces, and cuts that come back after a change."""

from __future__ import annotations

import random

import pytest

from lodestamp.core.content import Rabin, get_profile, parse_chunker
from lodestamp.errors import ContentError

SMALL = Rabin(64, 256, 1024)


def cut(*pieces):
    return [bytes(chunk) for chunk in SMALL.cut(pieces)]


@pytest.fixture(scope="module")
def content():
    return random.Random(32).randbytes(40_000)


def test_R32_chunks_keep_their_bounds_and_only_the_last_is_shorter(content):
    chunks = cut(content)
    assert b"".join(chunks) == content
    assert all(64 <= len(chunk) <= 1024 for chunk in chunks[:-1])
    assert 150 < len(content) / len(chunks) < 600


def test_cuts_do_not_depend_on_the_pieces(content):
    assert cut(*(content[at : at + 777] for at in range(0, len(content), 777))) == cut(content)


def test_cuts_come_back_after_an_insertion(content):
    assert cut(content[:100] + b"inserted" + content[100:])[-20:] == cut(content)[-20:]


@pytest.mark.parametrize(
    ("spec", "chunker", "spelled"),
    [
        ("rabin", Rabin(87_381, 262_144, 393_216), "rabin"),
        ("rabin-262144", Rabin(87_381, 262_144, 393_216), "rabin"),
        ("rabin-5000", Rabin(1666, 5000, 7500), "rabin-5000"),
        ("rabin-16-32-64", Rabin(16, 32, 64), "rabin-16-32-64"),
        ("rabin-min:16-avg:32-max:64", Rabin(16, 32, 64), "rabin-16-32-64"),
    ],
)
def test_R32_every_spelling_is_read_and_one_is_written(spec, chunker, spelled):
    assert parse_chunker(spec, experimental=True) == chunker
    assert str(chunker) == spelled
    assert parse_chunker(spelled, experimental=True) == chunker


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("rabin-15-32-64", "chunker.size"), ("rabin-32-32-64", "chunker.size"),
        ("rabin-16-64-64", "chunker.size"), ("rabin-16-32-2096897", "chunker.size"),
        ("rabin-47", "chunker.size"), ("rabin-2000000", "chunker.size"),
        ("rabin-", "chunker.unsupported"), ("rabin-1-2", "chunker.unsupported"),
        ("rabin-max:16-avg:32-min:64", "chunker.unsupported"), ("rabin-016", "chunker.unsupported"),
        ("Rabin", "chunker.unsupported"), ("rabin-16-32-64 ", "chunker.unsupported"),
    ],
)  # fmt: skip
def test_other_numbers_and_spellings_are_refused(spec, code):
    with pytest.raises(ContentError) as refused:
        parse_chunker(spec, experimental=True)
    assert refused.value.code == code


def test_R33_a_profile_of_an_experimental_chunker_is_found_only_when_asked_for():
    profile = get_profile("unixfs-v0-2015").override(chunker=SMALL)
    assert get_profile(profile.name, experimental=True) == profile
    with pytest.raises(ContentError) as refused:
        get_profile(profile.name)
    assert refused.value.code == "profile.unknown"
