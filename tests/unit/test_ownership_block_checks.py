"""Links, proof of work and the Merkle root of a raw block (R31)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import HEADER_SIZE, Block, TxOut, commit_to_witnesses
from lodestamp.core.ownership import (
    block_txids,
    check_header,
    check_tree,
    check_witness_tree,
)
from lodestamp.errors import BlockMalformed

EASY, HARD = 0x207FFFFF, 0x1D00FFFF


def mined(block: Block) -> Block:
    """Return the block with a nonce that meets its target."""
    header, nonce = block.header, 0
    while int.from_bytes(header.hash, "little") > 0x7FFFFF << 232:
        nonce += 1
        header = replace(header, nonce=nonce)
    return replace(block, header=header)


def block(*txs) -> Block:
    made = block_of(coinbase(1), payment(1), payment(2, witness=(b"w",)), *txs)
    return mined(replace(made, header=replace(made.header, bits=EASY)))


def reason(call, *arguments) -> str:
    with pytest.raises(BlockMalformed) as refused:
        call(*arguments)
    return refused.value.reason


def test_R31_a_header_that_follows_and_has_its_work_is_returned():
    made = block()
    assert check_header(made.encode()) == made.header
    assert check_header(made.encode(), made.header.prev) == made.header


def test_R31_a_header_that_follows_another_block_is_refused():
    assert reason(check_header, block().encode(), b"\x01" * 32) == "link"


def test_R31_a_hash_above_its_target_is_refused():
    made = block()
    for bits in (HARD, 0, 0x01800000, 0xFF7FFFFF):
        wrong = replace(made, header=replace(made.header, bits=bits))
        assert reason(check_header, wrong.encode()) == "proof-of-work"


def test_a_block_that_ends_inside_its_header_is_refused():
    for size in (0, HEADER_SIZE - 1):
        assert reason(check_header, block().encode()[:size]) == "cut-short"


def test_R31_txids_are_those_of_the_whole_block():
    made = block()
    assert block_txids(made.encode()) == [tx.txid for tx in made.txs]
    assert check_tree(made.encode()) == [tx.txid for tx in made.txs]


def test_R31_another_root_is_refused():
    made = block()
    wrong = replace(made, header=replace(made.header, merkle=bytes(32)))
    assert reason(check_tree, wrong.encode()) == "merkle-root"
    assert reason(check_tree, replace(made, txs=made.txs[:2]).encode()) == "merkle-root"
    assert reason(check_tree, replace(made, txs=()).encode()) == "merkle-root"


def test_R31_a_mutated_tree_is_refused():
    """CVE-2012-2459: three transactions and the third again have the root of the three."""
    made = block()
    assert len(made.txs) == 3
    mutated = replace(made, txs=(*made.txs, made.txs[2]))
    assert reason(check_tree, mutated.encode()) == "mutated-tree"
    six = block(payment(3), payment(4), payment(5))
    assert len(six.txs) == 6
    mutated = replace(six, txs=(*six.txs, *six.txs[4:]))
    assert reason(check_tree, mutated.encode()) == "mutated-tree"


def test_R31_a_damaged_block_is_refused_before_its_root_is_asked_for():
    assert reason(check_tree, block().encode()[:-1]) == "cut-short"


def committed(*txs) -> Block:
    """A block whose coinbase commits to the witnesses of these transactions."""
    first = coinbase(1)
    spend = replace(first.inputs[0], witness=(bytes(32),))
    commitment = commit_to_witnesses((first, *txs), bytes(32))
    out = TxOut(0, b"\x6a\x24\xaa\x21\xa9\xed" + commitment)
    return block_of(replace(first, inputs=(spend,), outputs=(*first.outputs, out)), *txs)


def test_R31_witnesses_that_a_source_leaves_out_or_changes_are_told():
    """No txid commits to them: an owner would be lost, and every root be right."""
    made = committed(payment(1), payment(2, witness=(b"w",)))
    check_witness_tree(made.encode())
    check_witness_tree(block_of(coinbase(1), payment(1)).encode())
    for witness in ((), (b"v",), (b"w", b"w")):
        other = replace(made, txs=(*made.txs[:2], payment(2, witness=witness)))
        check_tree(other.encode())
        assert reason(check_witness_tree, other.encode()) == "witness-root"
    bare = tuple(
        replace(tx, inputs=tuple(replace(each, witness=()) for each in tx.inputs))
        for tx in made.txs
    )
    assert reason(check_witness_tree, replace(made, txs=bare).encode()) == "witness-root"
    assert reason(check_witness_tree, block().encode()) == "witness-root"
