"""A tree held whole gives the roots and paths of RFC 9162."""

import pytest

from lodestamp.core.merkle import (
    EMPTY_ROOT,
    InclusionProof,
    WholeTree,
    leaf_hashes,
    root,
    verify_inclusion,
)
from lodestamp.errors import BadHashLength, BadTreeProof


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100])
def test_every_leaf_is_proven_to_the_root(size):
    leaves = leaf_hashes([bytes([n]) for n in range(size)])
    tree = WholeTree(leaves)
    assert (tree.size, tree.root) == (size, root(leaves))
    for index, leaf in enumerate(leaves):
        verify_inclusion(leaf, tree.prove(index), tree.root)


def test_a_tree_of_one_leaf_is_that_leaf():
    (leaf,) = leaf_hashes([b"alone"])
    assert WholeTree([leaf]).root == leaf
    assert WholeTree([leaf]).prove(0) == InclusionProof(0, 1, ())


def test_an_empty_tree_has_the_empty_root_and_proves_nothing():
    assert WholeTree([]).root == EMPTY_ROOT
    with pytest.raises(BadTreeProof) as refused:
        WholeTree([]).prove(0)
    assert refused.value.code == "index_range"


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_outside_is_refused(index):
    with pytest.raises(BadTreeProof) as refused:
        WholeTree(leaf_hashes([b"1", b"2", b"3"])).prove(index)
    assert refused.value.code == "index_range"


def test_a_hash_of_another_length_is_refused():
    with pytest.raises(BadHashLength):
        WholeTree([bytes(31)])
