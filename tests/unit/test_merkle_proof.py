from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.merkle import (
    SIZE_MAX,
    ConsistencyProof,
    InclusionProof,
    prove_consistency,
    prove_inclusion,
    root,
    root_at,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from lodestamp.errors import BadHashLength, BadTreeProof, LimitExceeded

LEAVES = [sha256(bytes([i])).digest() for i in range(6)]
H = bytes(32)


class Reader:
    """A single tile."""

    def hashes(self, level, start, count):
        assert level == 0
        return b"".join(LEAVES[start : start + count])


@pytest.mark.parametrize(
    ("index", "size"), [(-1, 1), (0, 0), (1, 1), (7, 6), (0, -1), (0, SIZE_MAX + 1), (2**70, 2**71)]
)
def test_a_leaf_outside_the_tree_has_no_proof(index, size):
    for attempt in (
        lambda: InclusionProof(index, size, ()),
        lambda: InclusionProof.from_bytes(index, size, b""),
        lambda: prove_inclusion(Reader(), index, size),
    ):
        with pytest.raises(BadTreeProof) as refused:
            attempt()
        assert refused.value.code == "index_range"


@pytest.mark.parametrize(
    ("size1", "size2", "code"),
    [
        (0, 0, "size1_zero"),
        (0, 5, "size1_zero"),
        (3, 2, "size_order"),
        (-1, 2, "size_order"),
        (1, SIZE_MAX + 1, "size_order"),
    ],
)
def test_sizes_that_no_consistency_proof_can_have_are_refused(size1, size2, code):
    for attempt in (
        lambda: ConsistencyProof(size1, size2, ()),
        lambda: prove_consistency(Reader(), size1, size2),
    ):
        with pytest.raises(BadTreeProof) as refused:
            attempt()
        assert refused.value.code == code


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: InclusionProof(0, 1, (H,)),
        lambda: InclusionProof(4, 5, (H, H)),
        lambda: InclusionProof(0, 5, (H, H)),
        lambda: InclusionProof.from_bytes(0, 5, H * 4),
        lambda: InclusionProof.from_bytes(0, 5, H * 64),
        lambda: ConsistencyProof(5, 5, (H,)),
        lambda: ConsistencyProof(4, 5, ()),
        lambda: ConsistencyProof(3, 5, (H, H, H, H, H)),
    ],
)
def test_a_proof_of_another_length_cannot_be_made(attempt):
    with pytest.raises(BadTreeProof) as refused:
        attempt()
    assert refused.value.code == "path_length"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: InclusionProof(0, 2, (b"",)),
        lambda: InclusionProof(0, 2, (H + b"\x00",)),
        lambda: InclusionProof.from_bytes(0, 2, H[:-1]),
        lambda: ConsistencyProof(1, 2, (H[:-1],)),
        lambda: root_from(b"", InclusionProof(0, 1, ())),
        lambda: verify_inclusion(H, InclusionProof(0, 1, ()), b""),
        lambda: verify_inclusion(b"", InclusionProof(0, 1, ()), b""),
        lambda: verify_consistency(ConsistencyProof(1, 1, ()), b"", b""),
        lambda: verify_consistency(ConsistencyProof(1, 2, (H,)), H, H[1:]),
    ],
)
def test_a_hash_of_another_length_is_refused(attempt):
    with pytest.raises(BadHashLength):
        attempt()


def test_a_tree_of_one_leaf_is_its_leaf():
    verify_inclusion(LEAVES[0], InclusionProof(0, 1, ()), LEAVES[0])
    assert root_at(Reader(), 1) == LEAVES[0]


def test_equal_sizes_need_equal_roots():
    proof = prove_consistency(Reader(), 5, 5)
    assert proof.hashes == ()
    verify_consistency(proof, root(LEAVES[:5]), root(LEAVES[:5]))
    with pytest.raises(BadTreeProof) as refused:
        verify_consistency(proof, root(LEAVES[:5]), root(LEAVES[:4]))
    assert refused.value.code == "root_mismatch"


def test_a_path_is_written_as_its_hashes_joined():
    proof = prove_inclusion(Reader(), 4, 6)
    assert proof.hashes == (LEAVES[5], root(LEAVES[:4]))
    assert proof.to_bytes() == LEAVES[5] + root(LEAVES[:4])
    assert InclusionProof.from_bytes(4, 6, proof.to_bytes()) == proof


def test_a_proof_for_one_leaf_does_not_serve_its_neighbour():
    proof = prove_inclusion(Reader(), 2, 6)
    with pytest.raises(BadTreeProof) as refused:
        verify_inclusion(LEAVES[3], proof, root(LEAVES))
    assert refused.value.code == "root_mismatch"


def test_the_longest_paths_have_63_and_64_hashes():
    assert len(InclusionProof(0, SIZE_MAX, (H,) * 63).hashes) == 63
    assert len(ConsistencyProof(2**62 + 1, SIZE_MAX, (H,) * 64).hashes) == 64


def test_the_root_of_a_size_that_is_none_is_refused():
    with pytest.raises(LimitExceeded):
        root_at(Reader(), SIZE_MAX + 1)
