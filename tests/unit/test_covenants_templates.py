"""The leaves, written and read back (covenants spec §4)."""

from __future__ import annotations

import pytest

from chains import SCRIPT, SIGNER
from covenants import made_reveals
from lodestamp.core.bitcoin import from_asm, to_asm
from lodestamp.core.covenants.templates import LEAF_SIZE_MAX, read_leaf, write_leaf

MADE = made_reveals(SIGNER.xonly(), SCRIPT)


@pytest.mark.parametrize("name", MADE)
def test_a_leaf_is_read_as_it_was_written(name):
    cov = MADE[name][0]
    assert write_leaf(cov.params) == cov.leaf
    assert read_leaf(cov.leaf) == cov.params


@pytest.mark.parametrize("name", MADE)
def test_a_leaf_with_any_opcode_more_or_less_is_none(name):
    words = to_asm(MADE[name][0].leaf).split()
    for place in range(len(words)):
        shorter = from_asm(" ".join(words[:place] + words[place + 1 :]))
        if words[place] == "CAT" and (found := read_leaf(shorter)) is not None:
            assert write_leaf(found) == shorter  # one chunk fewer is a template too
        else:
            assert read_leaf(shorter) is None, words[place]
        longer = from_asm(" ".join([*words[:place], "NOP", *words[place:]]))
        assert read_leaf(longer) is None


def test_a_push_that_is_not_minimal_makes_no_template():
    leaf = bytes(MADE["T3"][0].leaf)
    assert read_leaf(b"\x4c" + leaf) is None
    assert read_leaf(b"") is None
    assert read_leaf(bytes(LEAF_SIZE_MAX + 1)) is None
