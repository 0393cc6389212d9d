"""Trees, tweaks and the key nobody can sign for (R14, R15)."""

from __future__ import annotations

import hashlib

import pytest

from lodestamp.core.bitcoin import (
    NUMS,
    Branch,
    Leaf,
    branch_hash,
    control_block,
    is_unspendable_key,
    nums_with,
    output_key,
    output_script,
    parse_control_block,
    public_key,
    tweak_xonly,
)
from lodestamp.core.bitcoin.ecc import GROUP_ORDER
from lodestamp.errors import KeyFormatError, MalformedScript, UsageError

GENERATOR = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


def test_nums_is_the_hash_of_the_generator_r15():
    assert hashlib.sha256(GENERATOR).digest() == NUMS


def test_a_shifted_nums_is_known_by_its_shift_only_r15():
    shifted = nums_with(5)
    assert shifted != NUMS
    assert is_unspendable_key(NUMS)
    assert is_unspendable_key(shifted, 5)
    assert is_unspendable_key(shifted, (5).to_bytes(32, "big"))
    assert not is_unspendable_key(shifted)
    assert not is_unspendable_key(shifted, 6)
    assert not is_unspendable_key(NUMS, 5)
    assert not is_unspendable_key(shifted, 0)
    assert not is_unspendable_key(public_key(bytes(31) + b"\x01")[1:])


@pytest.mark.parametrize("r", [0, GROUP_ORDER, -1, b"", b"\x01", bytes(32) + b"\x01"])
def test_a_shift_outside_the_group_is_refused_r15(r):
    with pytest.raises(KeyFormatError):
        nums_with(r)


def test_a_tweak_not_below_the_order_is_refused_r14():
    with pytest.raises(KeyFormatError):
        tweak_xonly(NUMS, GROUP_ORDER.to_bytes(32, "big"))
    with pytest.raises(KeyFormatError):
        tweak_xonly(NUMS, b"\xff" * 32)
    assert tweak_xonly(NUMS, bytes(32))[0] == NUMS


def test_a_key_that_is_no_point_has_no_output_r14():
    with pytest.raises(KeyFormatError):
        output_key(b"\xff" * 32)
    with pytest.raises(KeyFormatError):
        output_key(b"\x01")


def test_branches_are_sorted_r14():
    one, other = Leaf(b"\x51"), Leaf(b"\x52")
    assert Branch(one, other).hash == Branch(other, one).hash
    assert branch_hash(one.hash, other.hash) == branch_hash(other.hash, one.hash)
    assert output_script(NUMS, Branch(one, other))[:2] == b"\x51\x20"


@pytest.mark.parametrize("version", [0xC1, 0x50, 0x100, -2])
def test_a_leaf_version_is_even_one_byte_and_not_the_annex(version):
    with pytest.raises(UsageError):
        Leaf(b"", version)


def test_a_tree_has_at_most_128_levels():
    tree = Leaf(b"\x51")
    for n in range(128):
        tree = Branch(tree, Leaf(bytes((n,))))
    encoded = control_block(NUMS, tree, Leaf(b"\x51"))
    assert len(encoded) == 33 + 32 * 128
    assert parse_control_block(encoded).commits_to(output_key(NUMS, tree)[0], b"\x51")
    with pytest.raises(UsageError):
        Branch(tree, Leaf(b""))
    with pytest.raises(MalformedScript):
        parse_control_block(encoded + bytes(32))


def test_a_leaf_that_is_not_in_the_tree_has_no_control_block():
    with pytest.raises(UsageError):
        control_block(NUMS, Leaf(b"\x51"), Leaf(b"\x52"))
    with pytest.raises(UsageError):
        control_block(NUMS, Leaf(b"\x51"), Leaf(b"\x51", 0xC2))
