"""RFC 6962 proofs of transparency-dev/merkle: 61 inclusion, 65 consistency (spec §13)."""

from __future__ import annotations

from base64 import b64decode

import pytest

from conftest import load_json
from lodestamp.core.merkle import (
    ConsistencyProof,
    InclusionProof,
    verify_consistency,
    verify_inclusion,
)
from lodestamp.errors import BadHashLength, BadTreeProof

PLACEHOLDERS = "sizes-are-equal-one-and-proof-is-empty.json"
"""Marked good in the set with roots of 12 bytes; a root that is no hash is refused here."""


def hashes_of(case):
    return tuple(b64decode(text) for text in case["proof"] or ())


def check_inclusion(case):
    proof = InclusionProof(case["leafIdx"], case["treeSize"], hashes_of(case))
    verify_inclusion(b64decode(case["leafHash"] or ""), proof, b64decode(case["root"] or ""))


def check_consistency(case):
    proof = ConsistencyProof(case["size1"], case["size2"], hashes_of(case))
    verify_consistency(proof, b64decode(case["root1"] or ""), b64decode(case["root2"] or ""))


def outcomes(folder, check):
    """Run each case of a folder; return how many were good and how many refused."""
    good = refused = 0
    for path in sorted(folder.rglob("*.json")):
        case = load_json(path)
        if case["wantErr"]:
            with pytest.raises((BadTreeProof, BadHashLength)):
                check(case)
            refused += 1
        elif path.name == PLACEHOLDERS:
            with pytest.raises(BadHashLength):
                check(case)
            good += 1
        else:
            check(case)
            good += 1
    return good, refused


def test_every_inclusion_proof_gets_its_published_outcome(vectors):
    assert outcomes(vectors / "merkle/rfc6962/inclusion", check_inclusion) == (5, 56)


def test_every_consistency_proof_gets_its_published_outcome(vectors):
    folder = vectors / "merkle/rfc6962/consistency"
    assert outcomes(folder, check_consistency) == (2, 63)
    assert len(list(folder.rglob(PLACEHOLDERS))) == 1
