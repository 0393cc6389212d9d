"""Inclusion in a block: every forgery of R16 with its code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import (
    BlockHeader,
    OutPoint,
    Transaction,
    TxIn,
    TxInclusion,
    TxOut,
    branch_of,
    check_inclusion,
    sha256d,
)
from lodestamp.errors import MalformedProof


def inclusion(block, index):
    txids = [tx.txid for tx in block.txs]
    stripped = block.txs[index].encode(witness=False)
    return TxInclusion(stripped, index, branch_of(txids, index), block.header)


def block_with(count):
    return block_of(coinbase(1), *(payment(n, witness=(b"w",)) for n in range(1, count)))


def code_of(proof, first=None):
    with pytest.raises(MalformedProof) as refused:
        check_inclusion(proof, first)
    return refused.value.code


def header_with(root):
    return BlockHeader(1, bytes(32), root, 0, 0x207FFFFF, 0)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 11])
def test_every_transaction_of_a_block_is_proven(count):
    """The last of an odd level has itself for a sibling, and that is honest."""
    block = block_with(count)
    first = inclusion(block, 0)
    for index, tx in enumerate(block.txs):
        proof = inclusion(block, index)
        assert check_inclusion(proof, first).txid == tx.txid == proof.txid


def test_r16_a_place_that_only_doubling_made_is_refused():
    """CVE-2012-2459: transaction 2 of three also hashes up from place 3."""
    proof = inclusion(block_with(3), 2)
    assert code_of(replace(proof, index=3)) == "doubled"


def test_r16_a_transaction_of_64_bytes_is_refused():
    """CVE-2017-12842: its bytes could be two hashes, side by side."""
    tx = Transaction(1, (TxIn(OutPoint(bytes(32), 0), b""),), (TxOut(0, b"\x51\x51\x51\x51"),))
    raw = tx.encode()
    assert len(raw) == 64
    assert code_of(TxInclusion(raw, 0, (), header_with(sha256d(raw)))) == "tx-size"


def test_r16_an_inner_node_that_reads_as_a_transaction_is_refused():
    """The other half of CVE-2017-12842: a leaf that was invented below a 64-byte transaction."""
    number = 0
    while (leaf := payment(number)).txid[4] != 1:  # where the inner one counts its inputs
        number += 1
    rest = bytes(5 + 4 + 1 + 4) + b"\x01" + bytes(8) + b"\x04" + b"\x51" * 4 + bytes(4)
    inner = Transaction.decode(leaf.txid + rest, witness=False)
    assert len(inner.encode()) == 64
    raw = leaf.encode(witness=False)
    assert code_of(TxInclusion(raw, 0, (rest,), header_with(inner.txid))) == "inner-transaction"


def test_r16_a_branch_that_leads_elsewhere_is_refused():
    proof = inclusion(block_with(5), 1)
    assert code_of(replace(proof, header=header_with(bytes(32)))) == "root"
    assert code_of(replace(proof, branch=(b"\x01" * 32, *proof.branch[1:]))) == "root"
    assert code_of(replace(proof, index=0)) == "root"
    assert code_of(replace(proof, branch=proof.branch[:-1])) == "root"


def test_r16_a_leaf_that_is_no_stripped_transaction_is_refused():
    proof = inclusion(block_with(5), 1)
    assert code_of(replace(proof, tx_stripped=b"")) == "transaction"
    assert code_of(replace(proof, tx_stripped=payment(1, witness=(b"w",)).encode())) == (
        "transaction"
    )


def test_r16_the_branch_is_bounded_and_made_of_hashes():
    proof = inclusion(block_with(2), 1)
    for broken, code in (
        ({"branch": (bytes(32),) * 31}, "branch-length"),
        ({"branch": (bytes(31),)}, "branch-hash"),
        ({"index": 2}, "index"),
        ({"index": -1}, "index"),
    ):
        with pytest.raises(MalformedProof) as refused:
            replace(proof, **broken)
        assert refused.value.code == code


def test_r16_a_coinbase_fixes_the_depth_of_the_tree():
    block, other = block_with(5), block_with(6)
    proof = inclusion(block, 1)
    assert code_of(proof, inclusion(other, 0)) == "coinbase"
    assert code_of(proof, inclusion(block, 2)) == "coinbase"
    flat = block_of(coinbase(1))
    shallow = TxInclusion(flat.txs[0].encode(), 0, (), replace(block.header, merkle=bytes(32)))
    assert code_of(proof, shallow) == "root"


def test_r16_a_coinbase_at_another_depth_is_refused():
    """A tree that no block has, in which both branches lead to the root."""
    first, tx = coinbase(1), payment(1)
    below = sha256d(first.txid + bytes(32))
    header = header_with(sha256d(below + tx.txid))
    deep = TxInclusion(first.encode(), 0, (bytes(32), tx.txid), header)
    shallow = TxInclusion(tx.encode(), 1, (below,), header)
    assert check_inclusion(shallow).txid == tx.txid
    assert code_of(shallow, deep) == "depth"
