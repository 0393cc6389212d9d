"""Profiles: the table, the aliases, the custom names."""

from __future__ import annotations

import pytest

from lodestamp.core.content import (
    ALIASES,
    BLOCK_SIZE_MAX,
    DEFAULT,
    LINKS_WRITTEN_MAX,
    PROFILES,
    Chunker,
    Entry,
    EntryType,
    HamtEstimate,
    dag_pb,
    get_profile,
    unixfs,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import ContentError

TABLE = {
    "unixfs-v1-2025": (1, True, 1_048_576, 1024),
    "unixfs-v0-2015": (0, False, 262_144, 174),
    "legacy-cidv1": (1, True, 262_144, 174),
    "legacy-cidv1-dagpb": (1, False, 262_144, 174),
    "legacy-cidv0-raw": (0, True, 262_144, 174),
    "covenant-8": (1, True, 262_144, 8),
    "covenant-8-480": (1, True, 480, 8),
    "covenant-8-512": (1, True, 512, 8),
}
CUSTOM = (
    'custom:{"chunker":"size-64","cid_version":0,"hamt_estimate":"links-bytes","hash":"sha2-256",'
    '"layout":"balanced","max_links":3,"raw_leaves":false}'
)


def test_the_table_is_that_of_the_spec():
    rows = {
        p.name: (p.cid_version, p.raw_leaves, p.chunker.size, p.max_links)
        for p in PROFILES.values()
    }
    assert rows == TABLE
    assert list(PROFILES) == list(TABLE)
    assert DEFAULT == "unixfs-v1-2025"


def test_an_alias_names_the_same_profile():
    assert dict(ALIASES) == {"legacy-cid-v0": "unixfs-v0-2015"}
    assert get_profile("legacy-cid-v0") is PROFILES["unixfs-v0-2015"]


def test_a_custom_profile_is_named_by_its_fields():
    profile = get_profile("unixfs-v0-2015").override(chunker=Chunker(64), max_links=3)
    assert profile.name == CUSTOM
    assert get_profile(CUSTOM) == profile


@pytest.mark.parametrize(
    "name",
    [
        "", "unixfs", "UNIXFS-V1-2025", "unixfs-v1-2025 ", "custom:", "custom:{}", "custom:[]",
        "custom:\ud800", "custom:" + "[" * 100_000, CUSTOM + " ", CUSTOM.replace(",", ", "),
        CUSTOM.replace("sha2-256", "blake3"), CUSTOM.replace("balanced", "flat"),
        CUSTOM.replace("links-bytes", "block-bytes"), CUSTOM.replace("sha2-256", "md5"),
        CUSTOM.replace("size-64", "size-0"), CUSTOM.replace("size-64", "buzhash"),
        CUSTOM.replace('"size-64"', "64"), CUSTOM.replace(":0,", ":2,"),
        CUSTOM.replace(":0,", ":false,"), CUSTOM.replace(":3,", ":1,"),
        CUSTOM.replace(":3,", ":99999,"), CUSTOM.replace("false", "0"),
        CUSTOM.replace("false", "null"), CUSTOM.replace("}", ',"z":1}'),
    ],
)  # fmt: skip
def test_any_other_name_is_unknown(name):
    with pytest.raises(ContentError) as caught:
        get_profile(name)
    assert caught.value.code == "profile.unknown"
    assert "unixfs-v1-2025" in caught.value.hint
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"cid_version": 2}, "profile.cid-version"),
        ({"max_links": 0}, "profile.max-links"),
        ({"max_links": 1}, "profile.max-links"),
        ({"max_links": 32_769}, "profile.max-links"),
        ({"hash_code": 0x16}, "profile.hash"),
        ({"hash_code": 0x13, "cid_version": 0}, "profile.hash"),
        ({"hamt_threshold": -1}, "profile.hamt-threshold"),
        ({"hamt_threshold": (1 << 20) + 1}, "profile.hamt-threshold"),
    ],
)
def test_a_profile_out_of_range_cannot_be_made(choices, code):
    with pytest.raises(ContentError) as caught:
        get_profile(DEFAULT).override(**choices)
    assert caught.value.code == code


def test_a_node_of_the_most_links_written_fits_a_block():
    largest = (1 << 63) - 1
    link = dag_pb.encode_link(Cid.of(0x70, b"").encode(), b"", largest)
    sizes = (largest,) * LINKS_WRITTEN_MAX
    entry = Entry(EntryType.FILE, filesize=largest, blocksizes=sizes)
    block = dag_pb.join(links=link * LINKS_WRITTEN_MAX, data=unixfs.encode(entry))
    assert len(dag_pb.decode(block, strict=True).links) == LINKS_WRITTEN_MAX
    assert len(block) < BLOCK_SIZE_MAX


def test_only_the_legacy_profiles_estimate_a_directory_by_its_links():
    """R51."""
    by_links = {p.name for p in PROFILES.values() if p.hamt_estimate == HamtEstimate.LINKS_BYTES}
    assert by_links == {name for name in PROFILES if "legacy" in name or "v0" in name}


def test_a_custom_name_spells_what_concerns_directories_only_where_it_is_unusual():
    """So the names of files that older versions wrote stay as they are."""
    usual = get_profile(DEFAULT).override(max_links=3)
    assert "hamt" not in usual.name
    other = usual.override(hamt_threshold=1)
    assert '"hamt_threshold":1' in other.name
    assert get_profile(other.name) == other
    with pytest.raises(ContentError):
        get_profile(usual.name.replace('"hash"', '"hamt_threshold":262144,"hash"'))
