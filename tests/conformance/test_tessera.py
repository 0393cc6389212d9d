"""A log written by transparency-dev/tessera, and the note of C2SP signed-note (spec §13)."""

from __future__ import annotations

from lodestamp.core.merkle import (
    Frontier,
    TileRef,
    decode_bundle,
    leaf_hashes,
    parse_tile_path,
    root,
    tiles_for,
)
from lodestamp.core.transparency import open_note, parse_checkpoint, parse_vkey


def test_sixteen_checkpoints_hold_for_fifteen_tiles_and_bundles(vectors):
    log = vectors / "transparency/tessera-log"
    vkey = parse_vkey((log / "vkey.txt").read_text("utf-8").removesuffix("\n"))
    checkpoints = tiles = bundles = 0
    frontier = Frontier.EMPTY
    for size in range(16):
        opened = open_note((log / f"checkpoint.{size}").read_bytes(), [vkey])
        assert (opened.verified, opened.ignored) == ((vkey,), ())
        checkpoint = parse_checkpoint(opened.text)
        assert checkpoint.text() == opened.text
        assert (checkpoint.origin, checkpoint.size) == (vkey.name, size)
        checkpoints += 1
        leaves = []
        for tile in tiles_for(size):
            assert tile == TileRef(0, 0, size)
            row = (log / str(tile)).read_bytes()
            tiles += 1
            bundle = TileRef(None, tile.index, tile.width)
            leaves = leaf_hashes(decode_bundle((log / str(bundle)).read_bytes(), size))
            bundles += 1
            assert b"".join(leaves) == row
        assert root(leaves) == checkpoint.root
        frontier = frontier.extend(leaves[frontier.size :])
        assert frontier.root() == checkpoint.root
    assert (checkpoints, tiles, bundles) == (16, 15, 15)


def test_every_file_of_the_log_has_a_path_that_parses(vectors):
    log = vectors / "transparency/tessera-log"
    paths = [str(path.relative_to(log)) for path in (log / "tile").rglob("*") if path.is_file()]
    assert sorted(str(parse_tile_path(path)) for path in paths) == sorted(paths)
    assert len(paths) == 30


def test_the_note_of_the_format_document_opens(vectors):
    folder = vectors / "transparency/signed-note"
    vkey = parse_vkey((folder / "vkey.txt").read_text("utf-8").removesuffix("\n"))
    opened = open_note((folder / "note.txt").read_bytes(), [vkey])
    assert opened.text == "This is an example message.\n"
    assert opened.verified == (vkey,)
