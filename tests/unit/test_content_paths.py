"""Paths: how they are read, where they lead, and what absence rests on (content spec R75)."""

from __future__ import annotations

import pytest

from dags import Blocks
from lodestamp.core.content import PBLink, dag_cbor, parse_path, resolve, segments_of
from lodestamp.core.encoding import Cid
from lodestamp.errors import LodestampError

LEAF = Cid.of(0x55, b"leaf")


def refusal(ask, *args):
    with pytest.raises(LodestampError) as refused:
        ask(*args)
    return refused.value.code


def test_R75_empty_segments_and_dots_are_dropped():
    text = f"{LEAF}//a/./b c/"
    assert parse_path(text) == parse_path("/ipfs/" + text)
    assert parse_path(text).segments == (b"a", b"b c")
    assert parse_path(str(LEAF)).segments == ()
    assert segments_of("%41") == (b"%41",)


def test_a_path_that_goes_up_or_on_for_ever_is_refused():
    assert refusal(segments_of, "a/../b") == "path.dotdot"
    assert refusal(segments_of, "a/" * 257) == "limit.path"
    assert refusal(segments_of, "a" * 4097) == "limit.path"
    assert refusal(segments_of, "\ud800") == "path.not-utf8"
    assert refusal(parse_path, "/ipfs/") == "cid.base"
    assert refusal(parse_path, "/ipfs/" + "Q" * 100_000) == "cid.base"


def test_a_path_leads_through_directories_and_plain_nodes():
    blocks = Blocks()
    leaf = blocks.raw(b"leaf")
    plain = blocks.node([PBLink(leaf, b"x", 0), PBLink(leaf, None, 0)])
    root = blocks.directory([(b"p", plain), (b"q", leaf)])
    found = resolve(blocks.get, root, "p/x")
    assert found.blocks == found.roots == (root, plain, leaf)
    assert refusal(resolve, blocks.get, root, "p/y") == "path.absent"
    assert refusal(resolve, blocks.get, root, "q/x") == "path.not-a-directory"


def test_a_symlink_is_found_and_never_followed():
    blocks = Blocks()
    link = blocks.symlink(b"d")
    root = blocks.directory([(b"d", blocks.directory([])), (b"l", link)])
    assert resolve(blocks.get, root, "l").cid == link
    assert refusal(resolve, blocks.get, root, "l/x") == "path.not-a-directory"


def test_the_first_of_two_entries_of_one_name_is_found():
    blocks = Blocks()
    one, two = blocks.raw(b"1"), blocks.raw(b"2")
    assert resolve(blocks.get, blocks.directory([(b"a", one), (b"a", two)]), "a").cid == one


def test_names_are_compared_as_bytes():
    blocks = Blocks()
    nfc = blocks.raw(b"1")
    root = blocks.directory([("é".encode(), nfc), (b"\xff", blocks.raw(b"2"))])
    assert refusal(resolve, blocks.get, root, "e\u0301") == "path.absent"
    assert resolve(blocks.get, root, (b"\xff",)).cid == blocks.raw(b"2")


def test_maps_and_lists_of_dag_cbor_lead_to_links_and_values():
    """R70, R71: a key or an index; a link is followed."""
    blocks = Blocks()
    leaf = blocks.raw(b"leaf")
    inner = blocks.put(0x0129, b'{"deep":[{"/":"%s"}]}' % str(leaf).encode())
    root = blocks.put(0x71, dag_cbor.encode({"a": [1, inner], "b": {"c": 7}}))
    assert resolve(blocks.get, root, "a/1/deep/0").roots == (root, inner, leaf)
    found = resolve(blocks.get, root, "b/c")
    assert (found.cid, found.within) == (root, (b"b", b"c"))
    assert resolve(blocks.get, root, "a/1/deep").within == (b"deep",)
    for path, code in (
        ("x", "path.absent"), ("a/2", "path.absent"), ("a/01", "path.absent"),
        ("a/-1", "path.absent"), ("b/c/d", "path.not-a-directory"),
    ):  # fmt: skip
        assert refusal(resolve, blocks.get, root, path) == code
    assert refusal(resolve, blocks.get, root, (b"\xff",)) == "path.absent"
