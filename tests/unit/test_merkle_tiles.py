from __future__ import annotations

import pytest

from lodestamp.core.merkle import (
    SIZE_MAX,
    TileRef,
    decode_bundle,
    encode_bundle,
    parse_tile_path,
    tiles_for,
)
from lodestamp.errors import BadEntry, BadTilePath, LimitExceeded, UsageError


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileRef(0, 5), "tile/0/005"),
        (TileRef(0, 1_234_067), "tile/0/x001/x234/067"),
        (TileRef(1, 1_000, 255), "tile/1/x001/000.p/255"),
        (TileRef(63, 999, 1), "tile/63/999.p/1"),
        (TileRef(None, 0), "tile/entries/000"),
        (TileRef(None, 273, 112), "tile/entries/273.p/112"),
        (TileRef(0, 2**55 - 1), "tile/0/x036/x028/x797/x018/x963/967"),
    ],
)
def test_a_tile_and_its_path_name_each_other(tile, path):
    assert tile.path() == str(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/",
        "tile/0/5",
        "tile/0/0005",
        "tile/00/005",
        "tile/64/005",
        "tile/-1/005",
        "tile/0/x000/005",
        "tile/0/x000/x001/005",
        "tile/0/x001",
        "tile/0/001/005",
        "tile/0/X001/005",
        "tile/0/005.p/0",
        "tile/0/005.p/01",
        "tile/0/005.p/256",
        "tile/0/005.p/",
        "tile/0/005.p/1/",
        "tile/0/005\n",
        "/tile/0/005",
        "tile//005",
        "tile/entry/005",
        "tile/\u0660/005",
        "tile/0/00\u0665",
        "tile/0/ 05",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/" + "x001/" * 2_000 + "001",
    ],
)
def test_any_other_spelling_is_no_tile_path(path):
    with pytest.raises(BadTilePath):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257), (None, -1, 1)],
)
def test_a_tile_outside_the_bounds_cannot_be_made(level, index, width):
    with pytest.raises(BadTilePath):
        TileRef(level, index, width)


def test_a_log_of_seventy_thousand_has_the_published_tiles():
    tiles = tiles_for(70_000)
    assert [tile.width for tile in tiles if tile.level == 0] == [256] * 273 + [112]
    assert [tile.width for tile in tiles if tile.level == 1] == [256, 17]
    assert [tile.width for tile in tiles if tile.level == 2] == [1]
    assert len(tiles) == 274 + 2 + 1


def test_a_partial_tile_of_no_hashes_does_not_exist():
    assert tiles_for(0) == ()
    assert [str(tile) for tile in tiles_for(256)] == ["tile/0/000", "tile/1/000.p/1"]


def test_the_size_of_a_tree_has_bounds():
    with pytest.raises(LimitExceeded):
        tiles_for(SIZE_MAX + 1)
    with pytest.raises(UsageError):
        tiles_for(-1)


def test_a_full_bundle_of_operations_has_its_published_size():
    entries = [b"\x01\x55\x12\x20" + bytes(32)] * 256
    bundle = encode_bundle(entries)
    assert len(bundle) == 9_728
    assert bundle.startswith(b"\x00\x24\x01\x55")
    assert decode_bundle(bundle, 256) == tuple(entries)


def test_the_longest_entry_fits_a_bundle_and_a_longer_one_does_not():
    longest = bytes(65_535)
    assert decode_bundle(encode_bundle([longest]), 1) == (longest,)
    with pytest.raises(BadEntry):
        encode_bundle([longest + b"\x00"])


@pytest.mark.parametrize("count", [0, 257])
def test_a_bundle_holds_one_to_256_entries(count):
    with pytest.raises(BadEntry):
        encode_bundle([b""] * count)
    with pytest.raises(BadEntry):
        decode_bundle(b"\x00\x00" * count, count)


@pytest.mark.parametrize(
    ("wire", "width"),
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x01", 1),
        (b"\x00\x01a\x00", 2),
        (b"\x00\x01a", 2),
        (b"\x00\x01ab", 1),
        (b"\x00\x01a\x00\x00", 1),
    ],
)
def test_a_bundle_cut_short_or_too_long_is_refused(wire, width):
    with pytest.raises(BadEntry):
        decode_bundle(wire, width)
