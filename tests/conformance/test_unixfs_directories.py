"""UnixFS directories: the CIDs of other importers and of kubo itself (content spec §13)."""

from __future__ import annotations

from hashlib import sha256, shake_128

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from conftest import load_json
from lodestamp.core.content import (
    File,
    Folder,
    Kind,
    Symlink,
    add_directory,
    address_directory,
    check,
    get_profile,
    ls,
    stat,
)

PROFILE_NAMES = {
    "unixfs-v0-2015": "unixfs-v0-2015",
    "unixfs-v1-2025": "unixfs-v1-2025",
    "cidv1-256KiB-174-raw-leaves": "legacy-cidv1",
    "cidv1-256KiB-174-dag-pb-leaves": "legacy-cidv1-dagpb",
    "cidv0-256KiB-174-raw-leaves": "legacy-cidv0-raw",
}
KINDS = {"directory": Kind.DIRECTORY, "hamt-sharded-directory": Kind.SHARDED}


def names_of(path):
    return tuple(name.encode() for name in path.split("/"))


def content(entry):
    if entry["formula"] == "text":
        return entry["seed"].encode()
    assert entry["formula"] == "shake128"
    return shake_128(entry["seed"].encode()).digest(entry["size"])


def entries(case):
    """Return the entries of a public case, depth first."""
    if "pattern" in case:
        name, count = case["pattern"]["name"], case["pattern"]["n"]
        return [File(((name % i).encode(),), [b"content of file %d\n" % i]) for i in range(count)]
    found = []
    for entry in sorted(case.get("entries", ()), key=lambda each: names_of(each["path"])):
        path = names_of(entry["path"])
        if entry.get("dir"):
            found.append(Folder(path))
        elif "link" in entry:
            found.append(Symlink(path, entry["link"].encode()))
        else:
            found.append(File(path, [content(entry)]))
    return found


def public_cases(vectors, *, large):
    cases = load_json(vectors / "content/unixfs_public.json")["directories"]
    assert len(cases) == 9
    return [case for case in cases if ("pattern" in case) == large]


def test_five_small_public_directories_have_their_cids_in_five_profiles(vectors):
    """R50."""
    assert check_public(public_cases(vectors, large=False)) == 25


@pytest.mark.slow
def test_four_public_directories_of_thousands_have_their_cids_in_five_profiles(vectors):
    """R50-R53."""
    assert check_public(public_cases(vectors, large=True)) == 20


def check_public(cases):
    checked = 0
    for case in cases:
        assert case["cid"].keys() == PROFILE_NAMES.keys()
        for vector_name, profile_name in PROFILE_NAMES.items():
            profile = get_profile(profile_name)
            *blocks, root = add_directory(entries(case), profile)
            assert str(root.cid) == case["cid"][vector_name]
            assert root.dag_size == case["dag_size"][vector_name]
            assert root.dag_size == sum(len(block.data) for block in blocks)
            assert root.blocks == len(blocks)
            assert address_directory(entries(case), profile) == root
            get = {block.cid: block.data for block in blocks}.get
            assert stat(get, root.cid).kind == KINDS[case["root_type"][vector_name]]
            checked += 1
    return checked


def test_four_directories_at_the_threshold_have_the_cids_of_kubo_itself(vectors):
    """R51: greater than, never equal; one byte of a name decides."""
    cases = load_json(vectors / "content/unixfs_kubo_golden.json")["directories"]["cases"]
    letters = b"abcdefghijklmnopqrstuvwxyz01234567890-_"
    for case in cases:
        key = sha256(case["seed"].encode()).digest()
        stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
        tree = []
        for number in range(1, case["n"] + 1):
            size = case["last_len"] if number == case["n"] else case["name_len"]
            name = bytes(letters[byte % 39] for byte in stream.update(bytes(size)))
            tree.append(File((name,), [b"x"]))
        *blocks, root = add_directory(tree, get_profile(case["profile"]))
        assert str(root.cid) == case["cid"]
        kind = stat({block.cid: block.data for block in blocks}.get, root.cid).kind
        assert kind == {"directory": Kind.DIRECTORY, "hamt": Kind.SHARDED}[case["type"]]
    assert len(cases) == 4


def test_two_trees_of_text_have_the_cids_of_kubo_itself(vectors):
    cases = load_json(vectors / "content/unixfs_kubo_golden.json")["text_dirs"]
    checked = 0
    for case in cases:
        tree = [
            File(names_of(path), [text.encode()]) for path, text in sorted(case["entries"].items())
        ]
        for vector_name, cid in case["cid"].items():
            root = address_directory(tree, get_profile(PROFILE_NAMES[vector_name]))
            assert str(root.cid) == cid
            checked += 1
    assert (len(cases), checked) == (2, 5)


def test_three_trees_of_2000_files_have_the_cids_of_kubo_itself(vectors):
    """R52-R54; the second and third are sharded by a threshold of one byte."""
    cases = load_json(vectors / "content/unixfs_kubo_golden.json")["sharded_2000"]
    v0, v1 = get_profile("unixfs-v0-2015"), get_profile("legacy-cidv1")
    profiles = [v0, v0.override(hamt_threshold=1), v1.override(hamt_threshold=1)]
    tree = [File((b"file%d" % i,), [b"%d\n" % i]) for i in range(1, 2001)]
    for case, profile in zip(cases, profiles, strict=True):
        *blocks, root = add_directory(tree, profile)
        assert str(root.cid) == case["cid"], case["case"]
        get = {block.cid: block.data for block in blocks}.get
        assert check(get, root.cid).is_complete
        assert {link.name for link in ls(get, root.cid)} == {file.path[0] for file in tree}
    assert len(cases) == 3
