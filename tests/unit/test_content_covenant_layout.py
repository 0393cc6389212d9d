"""The covenant layout: levels a script can hash, and what is refused before one is built."""

from __future__ import annotations

from hashlib import sha256

import pytest

from dags import Blocks, held
from lodestamp.core.content import (
    Chunker,
    LayoutName,
    PBLink,
    add_bytes,
    covenant_layout,
    dag_pb,
    get_profile,
)
from lodestamp.errors import LodestampError

SMALL = get_profile("covenant-8-512").override(chunker=Chunker(4))


def refusal(ask):
    with pytest.raises(LodestampError) as refused:
        ask()
    return refused.value.code


@pytest.mark.parametrize("leaves", [1, 2, 8, 9, 64, 65, 73])
def test_R66_every_leaf_has_its_path_from_the_root(leaves):
    data = bytes(range(256))[: 4 * leaves] + bytes(4) * max(0, leaves - 64)
    data = data[: 4 * leaves - 1]
    root, blocks = add_bytes(data, SMALL)
    get = held(blocks).get
    for index in range(leaves):
        digest = root.cid.digest
        for level in covenant_layout.path(get, root.cid, index):
            block = level.prefix + level.digest + level.suffix
            assert len(block) <= covenant_layout.SCRIPT_ELEMENT_MAX
            assert sha256(block).digest() == digest
            digest = level.digest
        assert digest == sha256(data[4 * index : 4 * index + 4]).digest()
    assert refusal(lambda: covenant_layout.path(get, root.cid, leaves)) == "path.absent"
    assert refusal(lambda: covenant_layout.path(get, root.cid, -1)) == "path.absent"


def test_R67_eight_links_hold_8_to_the_d_leaves():
    for leaves, depth in ((1, 0), (2, 1), (8, 1), (9, 2), (64, 2), (65, 3)):
        root, blocks = add_bytes(bytes(4 * leaves), SMALL)
        assert covenant_layout.check(held(blocks).get, root.cid) == depth


def test_R65_ten_links_fit_one_level_and_no_more():
    """509 bytes at level 1, 529 at level 2, with leaves of 256 KiB."""
    ten = get_profile("covenant-8").override(max_links=10)
    for leaves, largest in ((10, 509), (20, None), (100, 529)):
        root, blocks = add_bytes(bytes(262_144 * leaves), ten)
        inner = [len(block.data) for block in blocks if block.cid.codec == 0x70]
        assert largest is None or max(inner) == largest
        if largest == 529:
            get = held(blocks).get
            code = refusal(lambda get=get, root=root: covenant_layout.check(get, root.cid))
            assert code == "covenant.block-too-big"


def test_other_layouts_hash_functions_and_codecs_are_refused():
    for profile in (
        SMALL.override(layout=LayoutName.TRICKLE),
        SMALL.override(max_links=5),
        SMALL.override(hash_code=0xB220),
    ):
        root, blocks = add_bytes(bytes(range(200)), profile)
        get = held(blocks).get
        assert refusal(lambda get=get, root=root: covenant_layout.path(get, root.cid, 30)) in {
            "covenant.layout",
            "path.absent",
        }
    blocks = Blocks()
    directory = blocks.directory([])
    assert refusal(lambda: covenant_layout.check(blocks.get, directory)) == "path.not-a-file"


def test_a_digest_outside_its_link_is_never_cut_out():
    """Data before links may repeat a CID: such a block is not canonical and is refused."""
    blocks = Blocks()
    leaf = blocks.raw(b"leaf")
    root = blocks.file([(leaf, 4)])
    node = dag_pb.decode(blocks[root])
    link = dag_pb.encode(dag_pb.PBNode((PBLink(leaf, b"", 0),)))
    data = blocks[root][len(link) :]
    swapped = blocks.put(0x70, data + link)
    assert dag_pb.decode(blocks[swapped]) == node
    assert refusal(lambda: covenant_layout.path(blocks.get, swapped, 0)) == "dagpb.not-canonical"
    own = blocks.file([(leaf, 4)], data=leaf.encode())
    assert refusal(lambda: covenant_layout.path(blocks.get, own, 0)) == "covenant.layout"
