"""UnixFS files: the CIDs of other importers and of kubo itself (content spec §13)."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256, shake_128

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from conftest import load_json
from lodestamp.core.content import (
    Chunker,
    Entry,
    EntryType,
    LayoutName,
    Mtime,
    PBNode,
    add_bytes,
    address_file,
    covenant_layout,
    dag_pb,
    get_profile,
    parse_chunker,
    unixfs,
)
from lodestamp.core.encoding import Cid

TILE_SIZE = 1_000_003
PIECE_SIZE = 1 << 20
SLOW_SIZE = 100_000_000
PROFILE_NAMES = {
    "unixfs-v0-2015": "unixfs-v0-2015",
    "unixfs-v1-2025": "unixfs-v1-2025",
    "cidv1-256KiB-174-raw-leaves": "legacy-cidv1",
    "cidv1-256KiB-174-dag-pb-leaves": "legacy-cidv1-dagpb",
    "cidv0-256KiB-174-raw-leaves": "legacy-cidv0-raw",
}
CUSTOM_FORMS = {
    "cidv0-dag-pb-leaves": {"cid_version": 0, "raw_leaves": False},
    "cidv1-raw-leaves": {"cid_version": 1, "raw_leaves": True},
    "cidv1-dag-pb-leaves": {"cid_version": 1, "raw_leaves": False},
}


def repeated(piece, size):
    """Yield `piece` over and over, `size` bytes in all."""
    for start in range(0, size, len(piece)):
        yield memoryview(piece)[: size - start]


def content(formula, seed, size):
    """Yield the bytes of a formula of the vectors' README."""
    if formula == "shake128":
        return [shake_128(seed.encode()).digest(size)]
    if formula == "tile":
        return repeated(shake_128(seed.encode()).digest(TILE_SIZE), size)
    assert formula == "zeros"
    return repeated(bytes(PIECE_SIZE), size)


def chacha20(seed, size):
    """Yield the keystream of key SHA-256(seed), nonce 0, counter 0, from one reused buffer."""
    key = sha256(seed.encode()).digest()
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    zeros, buffer = bytes(PIECE_SIZE), bytearray(PIECE_SIZE)
    for start in range(0, size, PIECE_SIZE):
        stream.update_into(zeros, buffer)
        yield memoryview(buffer)[: size - start]


def check_public_file(file):
    pieces = list(content(file["formula"], file["seed"], file["size"]))
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    assert digest.hexdigest() == file["sha256"]
    assert file["cid"].keys() == PROFILE_NAMES.keys()
    for vector_name, profile_name in PROFILE_NAMES.items():
        root = address_file(pieces, get_profile(profile_name))
        assert str(root.cid) == file["cid"][vector_name]
        assert root.dag_size == file["dag_size"][vector_name]
        assert root.blocks == file["blocks"][vector_name]
        assert root.size == file["size"]
    return len(PROFILE_NAMES)


def test_sixteen_public_files_have_their_cids_in_five_profiles(vectors):
    files = load_json(vectors / "content/unixfs_public.json")["files"]
    quick = [file for file in files if file["size"] < SLOW_SIZE]
    assert (len(files), len(quick)) == (17, 16)
    assert sum(check_public_file(file) for file in quick) == 80


@pytest.mark.slow
def test_the_public_file_of_300_mb_has_its_cids_in_five_profiles(vectors):
    files = load_json(vectors / "content/unixfs_public.json")["files"]
    [large] = [file for file in files if file["size"] >= SLOW_SIZE]
    assert check_public_file(large) == 5


def test_38_custom_layouts_half_of_them_trickle_have_their_cids_in_three_forms(vectors):
    """R40, R41."""
    cases = load_json(vectors / "content/unixfs_public.json")["files_custom_layout"]
    layouts = Counter(case["layout"] for case in cases)
    assert layouts == {"balanced": 19, "trickle": 19}
    checked = 0
    for case in cases:
        chunker = parse_chunker(case["chunker"])
        [data] = content(case["formula"], case["seed"], case["size"])
        for form, choices in CUSTOM_FORMS.items():
            profile = get_profile("unixfs-v0-2015").override(
                chunker=chunker,
                max_links=case["max_links"],
                layout=LayoutName(case["layout"]),
                **choices,
            )
            root, blocks = add_bytes(data, profile)
            assert str(root.cid) == case["cid"][form]
            assert root == address_file([data], profile)
            assert (len(blocks), sum(len(b.data) for b in blocks)) == (root.blocks, root.dag_size)
            checked += 1
    assert checked == 114


KUBO_PROFILES = {
    "unixfs-v0-2015": get_profile("unixfs-v0-2015"),
    "unixfs-v1-2025": get_profile("unixfs-v1-2025"),
    "unixfs-v0-2015 + --max-file-links 1024": get_profile("unixfs-v0-2015").override(
        max_links=1024
    ),
    "unixfs-v0-2015 + --trickle": get_profile("unixfs-v0-2015").override(layout=LayoutName.TRICKLE),
}


def kubo_cases(vectors):
    """Return kubo's own cases."""
    cases = load_json(vectors / "content/unixfs_kubo_golden.json")["files"]
    assert len(cases) == 12
    return cases


def check_kubo_case(case):
    seed, size = case["seed"], case["size"]
    text = seed.removesuffix(" text").encode()
    pieces = [text] if size is None else chacha20(seed, size)
    root = address_file(pieces, KUBO_PROFILES[case["profile"]])
    assert str(root.cid) == case["cid"]
    assert root.size == (len(text) if size is None else size)


def test_nine_files_have_the_cids_of_kubo_itself(vectors):
    quick = [case for case in kubo_cases(vectors) if (case["size"] or 0) < SLOW_SIZE]
    for case in quick:
        check_kubo_case(case)
    assert len(quick) == 9


@pytest.mark.slow
def test_three_large_files_have_the_cids_of_kubo_itself(vectors):
    large = [case for case in kubo_cases(vectors) if (case["size"] or 0) >= SLOW_SIZE]
    for case in large:
        check_kubo_case(case)
    assert sorted(case["size"] for case in large) == [1 << 28, 1 << 30, (1 << 30) + 1]


def check_covenant_path(root, blocks):
    """R65, R66: every level hashes to the digest above it, down to the last leaf's."""
    get = {block.cid: block.data for block in blocks}.get
    leaves = [block.cid for block in blocks if block.cid.codec == 0x55]
    levels = covenant_layout.path(get, root.cid, len(leaves) - 1)
    assert len(levels) == covenant_layout.check(get, root.cid)
    digest = root.cid.digest
    for level in levels:
        assert sha256(level.prefix + level.digest + level.suffix).digest() == digest
        digest = level.digest
    assert digest == leaves[-1].digest


def test_nineteen_files_have_the_covenant_layout(vectors):
    cases = load_json(vectors / "content/covenant_layout.json")["cases"]
    for case in cases:
        profile = get_profile(case["profile"])
        assert (profile.chunker, profile.max_links) == (Chunker(case["chunk"]), case["max_links"])
        data = b"".join(content(case["formula"], case["seed"], case["size"]))
        root, blocks = add_bytes(data, profile)
        assert (str(root.cid), root.dag_size) == (case["cid"], case["dag_size"])
        assert len(blocks[-1].data) == case["root_block_bytes"]
        inner = [len(block.data) for block in blocks if block.cid.codec == 0x70]
        assert max(inner, default=0) == case["largest_inner_block_bytes"] <= 520
        check_covenant_path(root, blocks)
    assert len(cases) == 19


def test_sixteen_unixfs_messages_with_metadata_have_kubos_bytes(vectors):
    kinds = {"file": EntryType.FILE, "symlink": EntryType.SYMLINK, "directory": EntryType.DIRECTORY}
    cases = load_json(vectors / "content/unixfs_metadata.json")["cases"]
    for case in cases:
        seconds, target = case["mtime_seconds"], case["symlink_target"]
        entry = Entry(
            kinds[case["kind"]],
            data=None if target is None else target.encode(),
            filesize=case["content_size"],
            mode=case["mode"],
            mtime=None if seconds is None else Mtime(seconds, case["mtime_nanoseconds"] or 0),
        )
        message = unixfs.encode(entry)
        assert message.hex() == case["unixfs_hex"]
        assert unixfs.decode(message) == entry
        block = dag_pb.encode(PBNode(data=message))
        assert block.hex() == case["block_hex"]
        assert str(Cid.of(0x70, block).to_v0()) == case["cid"]
    assert len(cases) == 16
