"""CMerkleBlock, both ways, and every defect of it (R16)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import (
    TxInclusion,
    check_inclusion,
    compact_size,
    decode_merkle_block,
    encode_merkle_block,
    merkle_root,
    sha256d,
)
from lodestamp.errors import MalformedProof

BLOCK = block_of(coinbase(1), *(payment(n) for n in range(1, 7)))
TXIDS = [tx.txid for tx in BLOCK.txs]


def joined(header, total, hashes, flags):
    parts = [header.encode(), total.to_bytes(4, "little"), compact_size(len(hashes)), *hashes]
    return b"".join([*parts, compact_size(len(flags)), flags])


def code_of(raw):
    with pytest.raises(MalformedProof) as refused:
        decode_merkle_block(raw)
    return refused.value.code


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_any_choice_of_transactions_is_proven(count):
    block = block_of(*BLOCK.txs[:count])
    txids = [tx.txid for tx in block.txs]
    for choice in range(1 << count):
        wanted = {txid for place, txid in enumerate(txids) if choice >> place & 1}
        proof = decode_merkle_block(encode_merkle_block(block.header, txids, wanted))
        assert proof.total == count
        assert {match.txid for match in proof.matches} == wanted
        for match in proof.matches:
            raw = block.txs[match.index].encode()
            inclusion = TxInclusion(raw, match.index, match.branch, proof.header)
            assert check_inclusion(inclusion).txid == match.txid


def test_the_published_proof_of_block_100000_holds():
    """Block 100,000 of main has four transactions; the third is proven (BIP37's example shape)."""
    txids = [
        bytes.fromhex(text)[::-1]
        for text in (
            "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
            "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
            "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
            "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
        )
    ]
    root, _ = merkle_root(txids)
    assert root[::-1].hex() == "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
    header = replace(BLOCK.header, merkle=root)
    proof = decode_merkle_block(encode_merkle_block(header, txids, {txids[2]}))
    assert [match.index for match in proof.matches] == [2]


@pytest.mark.parametrize("total", [0, 16_667, 0xFFFFFFFF])
def test_r16_a_number_of_transactions_that_no_block_has_is_refused(total):
    assert code_of(joined(BLOCK.header, total, [bytes(32)], b"\x00")) == "total"


def test_r16_every_hash_and_every_flag_must_be_used():
    raw = joined(BLOCK.header, 1, [TXIDS[0], TXIDS[0]], b"\x01")
    assert code_of(raw) == "unused"
    alone = block_of(BLOCK.txs[0])
    assert decode_merkle_block(joined(alone.header, 1, TXIDS[:1], b"\x01")).matches[0].index == 0
    assert code_of(joined(alone.header, 1, TXIDS[:1], b"\x01\x00")) == "unused"
    assert code_of(joined(alone.header, 1, [], b"\x01")) == "cut-short"
    assert code_of(joined(alone.header, 1, TXIDS[:1], b"")) == "cut-short"


def test_r16_padding_flags_are_zero():
    alone = block_of(BLOCK.txs[0])
    for bit in range(1, 8):
        flags = bytes([1 | 1 << bit])
        assert code_of(joined(alone.header, 1, TXIDS[:1], flags)) == "padding"


def test_r16_equal_children_are_refused():
    """CVE-2012-2459 again: a right child that repeats the left."""
    header = replace(BLOCK.header, merkle=sha256d(TXIDS[0] * 2))
    assert code_of(joined(header, 2, [TXIDS[0], TXIDS[0]], b"\x07")) == "equal-children"


def test_a_tree_that_leads_elsewhere_is_refused():
    raw = encode_merkle_block(replace(BLOCK.header, merkle=bytes(32)), TXIDS, {TXIDS[3]})
    assert code_of(raw) == "root"


def test_bytes_that_end_early_or_late_are_refused():
    raw = encode_merkle_block(BLOCK.header, TXIDS, {TXIDS[3]})
    assert code_of(raw + b"\0") == "trailing"
    for size in range(len(raw)):
        assert code_of(raw[:size]) in {"cut-short", "count"}
    with pytest.raises(MalformedProof):
        encode_merkle_block(BLOCK.header, [], set())
