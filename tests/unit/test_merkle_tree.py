from __future__ import annotations

from hashlib import sha256
from types import SimpleNamespace

import pytest

from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    leaf_hashes,
    node_hash,
    operation_leaf,
    root,
    tree,
)
from lodestamp.errors import BadEntry, BadHashLength

A, B, C = (sha256(name).digest() for name in (b"a", b"b", b"c"))


def test_the_empty_tree_has_the_hash_of_nothing():
    assert root([]) == EMPTY_ROOT == bytes.fromhex(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )  # fmt: skip


def test_leaves_and_nodes_are_hashed_under_different_prefixes():
    assert leaf_hash(B + C) == sha256(b"\x00" + B + C).digest()
    assert node_hash(B, C) == sha256(b"\x01" + B + C).digest()


def test_an_interior_node_offered_as_an_entry_gives_another_root():
    """The second preimage of trees without prefixes."""
    assert root([leaf_hash(A + B)]) != root([A, B])


def test_an_odd_leaf_is_promoted_and_never_doubled():
    assert root([A, B, C]) == node_hash(node_hash(A, B), C)
    assert root([A, B, C]) != root([A, B, C, C])


@pytest.mark.parametrize("length", [0, 36, 53, 54, 55, 64, 200])
def test_entries_of_any_length_hash_as_hashlib_does(length):
    entry = bytes(range(length))
    wanted = sha256(b"\x00" + entry).digest()
    assert leaf_hash(entry) == wanted
    assert leaf_hashes([entry, b""]) == [wanted, sha256(b"\x00").digest()]


def test_an_operation_leaf_takes_the_cid_of_an_operation_only():
    entry = OP_CID_PREFIX + A
    assert operation_leaf(entry) == leaf_hash(entry)
    for wrong in (b"", A, entry[:-1], entry + b"\x00", b"\x01\x70\x12\x20" + A):
        with pytest.raises(BadEntry):
            operation_leaf(wrong)


@pytest.mark.parametrize("wrong", [b"", A[:31], A + b"\x00"])
def test_a_hash_of_another_length_is_refused_wherever_it_stands(wrong):
    for leaves in ([wrong], [A, wrong], [wrong, A, B]):
        with pytest.raises(BadHashLength):
            root(leaves)


@pytest.mark.parametrize("broken", [lambda _: sha256(b"?"), None])
def test_a_built_in_hash_that_disagrees_or_is_absent_is_not_used(monkeypatch, broken):
    module = SimpleNamespace(sha256=broken) if broken else SimpleNamespace()
    monkeypatch.setattr(tree, "import_module", lambda _: module)
    assert tree._one_block_sha256() is sha256


def test_an_interpreter_without_built_in_hashes_uses_hashlib(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tree, "import_module", absent)
    assert tree._one_block_sha256() is sha256
