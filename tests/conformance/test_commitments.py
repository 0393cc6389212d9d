"""Commitments: version 1 and version 2, byte for byte (operations spec §14)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.operations import commit, disclose_source, open_commitment


@pytest.fixture(scope="module")
def cases(vectors):
    cases = load_json(vectors / "operations/lodestamp/commitments.json")
    assert list(cases) == ["v1", "v2"]
    return cases


def test_version_1_is_the_address_of_the_salted_triple(cases):
    case = cases["v1"]
    salt = b64decode(case["salt"])
    made = commit(case["claim_op"], case["derived_from"], salt=salt, version=1)
    assert made == case["commitment"]
    assert made == "sha256:" + sha256(case["preimage"].encode()).hexdigest()
    assert open_commitment(made, case["claim_op"], case["derived_from"], salt=salt, version=1)


def test_version_2_is_the_root_over_the_salted_leaves(cases):
    case = cases["v2"]
    salt = b64decode(case["master_salt"])
    made = commit(case["claim_op"], case["derived_from"], salt=salt)
    assert made == case["commitment"]
    leaves = leaf_hashes([leaf.encode() for leaf in case["leaves"]])
    assert made == "sha256:" + root(leaves).hex()
    (source,) = case["derived_from"]
    opening = disclose_source(case["claim_op"], [source], source, salt=salt)
    assert opening.opens(made)
    assert opening.path.hashes == (leaves[0],)
