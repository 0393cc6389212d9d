from __future__ import annotations

import dataclasses

import pytest

from lodestamp.core.encoding import address_of
from lodestamp.core.operations import (
    SOURCES_MAX,
    commit,
    disclose_source,
    open_commitment,
)
from lodestamp.errors import UsageError

SALT, OTHER_SALT = bytes(32), bytes([1]) * 32
IDS = sorted(address_of(bytes([n])) for n in range(6))
CLAIM, SOURCES = IDS[0], IDS[1:5]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_commitment_opens_to_what_it_was_made_to(version, count):
    sources = SOURCES[:count]
    made = commit(CLAIM, reversed(sources), salt=SALT, version=version)
    options = {"version": version}
    assert open_commitment(made, CLAIM, sources, salt=SALT, **options)
    assert not open_commitment(made, CLAIM, sources, salt=OTHER_SALT, **options)
    assert not open_commitment(made, IDS[5], sources, salt=SALT, **options)
    assert not open_commitment(made, CLAIM, [*sources, IDS[5]], salt=SALT, **options)
    assert not open_commitment(address_of(b"x"), CLAIM, sources, salt=SALT, **options)


@pytest.mark.parametrize("version", [1, 2])
def test_the_wrong_order_a_missing_source_or_a_foreign_one_does_not_open(version):
    made = commit(CLAIM, SOURCES, salt=SALT, version=version)
    for sources in (SOURCES[::-1], SOURCES[1:], [*SOURCES[:3], IDS[5]], [], [1], ["x"], [None]):
        assert not open_commitment(made, CLAIM, sources, salt=SALT, version=version)
    assert not open_commitment(made, CLAIM, SOURCES, salt=SALT[1:], version=version)


def test_the_same_claim_with_another_salt_has_another_commitment():
    made = {commit(CLAIM, SOURCES, salt=s, version=v) for s in (SALT, OTHER_SALT) for v in (1, 2)}
    assert len(made) == 4


def test_one_source_opens_alone():
    made = commit(CLAIM, SOURCES, salt=SALT)
    for source in SOURCES:
        opening = disclose_source(CLAIM, SOURCES, source, salt=SALT)
        assert opening.opens(made)
        assert not opening.opens(commit(CLAIM, SOURCES, salt=OTHER_SALT))
        for change in ({"source": IDS[5]}, {"source": "x"}, {"salt": OTHER_SALT}, {"salt": b""}):
            assert not dataclasses.replace(opening, **change).opens(made)
        assert not opening.opens("x")
    salts = {disclose_source(CLAIM, SOURCES, source, salt=SALT).salt for source in SOURCES}
    assert len(salts) == len(SOURCES)
    assert SALT not in salts


def test_the_claim_does_not_open_as_a_source():
    made = commit(CLAIM, SOURCES, salt=SALT)
    first = disclose_source(CLAIM, SOURCES, SOURCES[0], salt=SALT)
    path = dataclasses.replace(first.path, index=0)
    assert not dataclasses.replace(first, source=CLAIM, path=path).opens(made)


def test_a_claim_with_1024_sources_opens_across_tiles():
    many = [address_of(number.to_bytes(2, "big")) for number in range(SOURCES_MAX)]
    made = commit(CLAIM, many, salt=SALT)
    for source in (min(many), max(many), many[500]):
        assert disclose_source(CLAIM, many, source, salt=SALT).opens(made)
    with pytest.raises(UsageError):
        commit(CLAIM, [*many, IDS[5]], salt=SALT)


@pytest.mark.parametrize(
    ("claim", "sources", "salt"),
    [
        (CLAIM, SOURCES, b""), (CLAIM, [SOURCES[0]] * 2, SALT), ("x", SOURCES, SALT),
        (CLAIM, ["x"], SALT), (None, SOURCES, SALT),
    ],
)  # fmt: skip
def test_nothing_malformed_is_committed_to(claim, sources, salt):
    for call in (commit, lambda *args, **kw: disclose_source(*args, SOURCES[0], **kw)):
        with pytest.raises(UsageError) as refusal:
            call(claim, sources, salt=salt)
        assert refusal.value.code == "bad-commitment"


def test_only_a_source_is_disclosed_and_only_known_versions_are_made():
    with pytest.raises(UsageError):
        disclose_source(CLAIM, SOURCES, IDS[5], salt=SALT)
    with pytest.raises(UsageError):
        commit(CLAIM, SOURCES, salt=SALT, version=3)
