"""Blocks: their bytes, their tree, their commitment to witnesses (R5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import (
    BLOCK_SIZE_MAX,
    COMMITMENT_HEAD,
    Block,
    TxOut,
    branch_of,
    check_merkle,
    check_witnesses,
    commit_to_witnesses,
    merkle_root,
    sha256d,
    told_height,
    witness_commitment,
)
from lodestamp.errors import LimitExceeded, MalformedBlock


def hashes(count):
    return [sha256d(bytes([n])) for n in range(count)]


def test_a_block_is_read_to_its_last_byte():
    block = block_of(coinbase(1), payment(1), payment(2, witness=(b"w",)))
    raw = block.encode()
    assert Block.decode(raw) == block
    assert Block.decode(raw).encode() == raw
    assert block.weight == 3 * len(block.encode(witness=False)) + len(raw)
    for broken, code in ((raw + b"\0", "trailing"), (raw[:-1], "cut-short"), (raw[:80], None)):
        with pytest.raises(MalformedBlock) as refused:
            Block.decode(broken)
        assert code in (None, refused.value.code)


def test_a_count_beyond_the_bytes_is_refused_before_anything_is_made():
    raw = block_of(coinbase(1)).header.encode() + b"\xfe\xff\xff\xff\x7f"
    with pytest.raises(MalformedBlock) as refused:
        Block.decode(raw)
    assert refused.value.code == "count"


def test_a_block_larger_than_any_is_refused():
    with pytest.raises(LimitExceeded):
        Block.decode(bytes(BLOCK_SIZE_MAX + 1))


def test_roots_of_small_trees():
    a, b, c = hashes(3)
    assert merkle_root([]) == (bytes(32), False)
    assert merkle_root([a]) == (a, False)
    assert merkle_root([a, b]) == (sha256d(a + b), False)
    assert merkle_root([a, b, c]) == (sha256d(sha256d(a + b) + sha256d(c + c)), False)


@pytest.mark.parametrize("count", [3, 5, 6, 7, 11, 13])
def test_r5_a_doubled_tail_has_the_same_root_and_is_told(count):
    """CVE-2012-2459."""
    honest = hashes(count)
    root, mutated = merkle_root(honest)
    assert not mutated
    unit = count & -count  # what the odd level doubles
    assert merkle_root(honest + honest[-unit:]) == (root, True)


def test_r5_a_block_with_a_doubled_tail_is_refused():
    block = block_of(coinbase(1), payment(1), payment(2))
    assert check_merkle(block) is None
    doubled = replace(block, txs=(*block.txs, block.txs[-1]))
    assert check_merkle(doubled) == "bad-txns-duplicate"
    assert check_merkle(replace(block, txs=block.txs[:2])) == "bad-txnmrklroot"


def test_branches_lead_to_the_root():
    for count in (1, 2, 3, 7, 8, 9):
        leaves = hashes(count)
        for index, node in enumerate(leaves):
            for level, sibling in enumerate(branch_of(leaves, index)):
                right = index >> level & 1
                node = sha256d(sibling + node if right else node + sibling)  # noqa: PLW2901
            assert node == merkle_root(leaves)[0]
    for index in (-1, 3):
        with pytest.raises(MalformedBlock):
            branch_of(hashes(3), index)


def committed(*txs, reserved=bytes(32)):
    """A block that commits to its witnesses, with the outputs told."""
    commitment = TxOut(0, COMMITMENT_HEAD + commit_to_witnesses([coinbase(1), *txs], reserved))
    first = coinbase(1, TxOut(0, b"\x51"), commitment)
    item = replace(first.inputs[0], witness=(reserved,))
    return block_of(replace(first, inputs=(item,)), *txs)


def test_r5_the_last_marked_output_commits_to_the_witnesses():
    block = committed(payment(1, witness=(b"w",)))
    assert check_witnesses(block) is None
    assert len(witness_commitment(block)) == 32
    decoy = TxOut(0, COMMITMENT_HEAD + b"\x11" * 32)
    first = block.txs[0]
    before = replace(first, outputs=(decoy, *first.outputs))
    assert check_witnesses(block_of(before, *block.txs[1:])) is None
    after = replace(first, outputs=(*first.outputs, decoy))
    assert check_witnesses(block_of(after, *block.txs[1:])) == "bad-witness-merkle-match"


def test_r5_a_changed_witness_a_missing_reserve_and_a_missing_commitment_are_told():
    block = committed(payment(1, witness=(b"w",)))
    changed = replace(block, txs=(block.txs[0], payment(1, witness=(b"x",))))
    assert changed.hash == block.hash
    assert check_witnesses(changed) == "bad-witness-merkle-match"
    bare = replace(block.txs[0].inputs[0], witness=())
    without = replace(block, txs=(replace(block.txs[0], inputs=(bare,)), *block.txs[1:]))
    assert check_witnesses(without) == "bad-witness-nonce-size"
    assert check_witnesses(block_of(coinbase(1), payment(1, witness=(b"w",)))) == (
        "unexpected-witness"
    )
    assert check_witnesses(block_of(coinbase(1), payment(1))) is None


@pytest.mark.parametrize(
    ("script", "height"),
    [
        ("03205a0704", 481_824), ("0101ff", 1), ("04ffff001d0104", 0x1D00FFFF),
        ("", None), ("51", None), ("03205a", None), ("05" + "01" * 9, None),
    ],
)  # fmt: skip
def test_the_height_that_a_coinbase_tells_is_read(script, height):
    first = coinbase(1)
    spend = replace(first.inputs[0], script_sig=bytes.fromhex(script))
    assert told_height(block_of(replace(first, inputs=(spend,)))) == height
