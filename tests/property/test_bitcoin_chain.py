"""Codecs of blocks and proofs go both ways, and no input raises anything but our errors (§10)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks import block_of, coinbase, payment
from lodestamp.core.bitcoin import (
    MAIN,
    REGTEST,
    Block,
    BlockHeader,
    Script,
    TxInclusion,
    TxOut,
    assess_run,
    branch_of,
    build_filter,
    check_inclusion,
    decode_address,
    decode_coins,
    decode_merkle_block,
    encode_address,
    encode_merkle_block,
    match_any,
    merkle_root,
    sha256d,
    wif_decode,
)
from lodestamp.errors import LodestampError, MalformedProof

U32 = st.integers(0, (1 << 32) - 1)
HASH = st.binary(min_size=32, max_size=32)
HEADERS = st.builds(BlockHeader, st.integers(-(1 << 31), (1 << 31) - 1), HASH, HASH, U32, U32, U32)
BLOCKS = st.integers(0, 12).map(
    lambda count: block_of(
        coinbase(7), *(payment(n, witness=(b"w",) * (n % 2)) for n in range(1, count + 1))
    )
)
MUTANTS = 100_000
"""Inputs per parser: a few seconds of each."""


@given(HEADERS)
def test_headers_go_both_ways(header):
    assert BlockHeader.decode(header.encode()) == header


@given(BLOCKS)
def test_blocks_go_both_ways(block):
    assert Block.decode(block.encode()) == block


@given(BLOCKS, st.data())
def test_merkle_blocks_prove_what_they_were_made_for(block, data):
    txids = [tx.txid for tx in block.txs]
    wanted = data.draw(st.sets(st.sampled_from(txids)))
    raw = encode_merkle_block(block.header, txids, wanted)
    proof = decode_merkle_block(raw)
    assert {match.txid for match in proof.matches} == wanted
    assert all(match.branch == branch_of(txids, match.index) for match in proof.matches)


@given(BLOCKS, st.data())
def test_any_flipped_bit_of_an_inclusion_is_refused(block, data):
    txids = [tx.txid for tx in block.txs]
    index = data.draw(st.integers(0, len(txids) - 1))
    stripped = block.txs[index].encode(witness=False)
    proof = TxInclusion(stripped, index, branch_of(txids, index), block.header)
    check_inclusion(proof)
    parts = [stripped, *proof.branch]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 8 * len(parts[which]) - 1))
    flipped = bytearray(parts[which])
    flipped[bit >> 3] ^= 1 << (bit & 7)
    parts[which] = bytes(flipped)
    with pytest.raises(MalformedProof):
        check_inclusion(TxInclusion(parts[0], index, tuple(parts[1:]), block.header))


@given(st.lists(HASH, min_size=1, max_size=20))
def test_every_branch_leads_to_the_root(hashes):
    root, _ = merkle_root(hashes)
    for index, leaf in enumerate(hashes):
        node = leaf
        for level, sibling in enumerate(branch_of(hashes, index)):
            node = sha256d(sibling + node if index >> level & 1 else node + sibling)
        assert node == root


@given(st.sampled_from([(0, 20), (0, 32), *((v, n) for v in range(1, 17) for n in (2, 32, 40))]))
def test_witness_addresses_go_both_ways(form):
    version, size = form
    script = Script(bytes([0x50 + version if version else 0, size]) + bytes(range(size)))
    for net in (MAIN, REGTEST):
        assert decode_address(encode_address(script, net), net) == script


def _seeds():
    block = block_of(coinbase(7, TxOut(5, b"\x51")), payment(1, witness=(b"w",)), payment(2))
    txids = [tx.txid for tx in block.txs]
    return {
        "block": (Block.decode, block.encode()),
        "header": (BlockHeader.decode, block.header.encode()),
        "merkle block": (
            decode_merkle_block,
            encode_merkle_block(block.header, txids, set(txids[1:2])),
        ),
        "filter": (
            lambda raw: match_any(raw, bytes(32), [b"\x51"]),
            build_filter(block, [b"\x52", b"\x53"]),
        ),
        "coins": (decode_coins, bytes(4) + TxOut(5, b"\x51").encode()),
        "address": (
            lambda raw: decode_address(raw.decode("latin-1"), MAIN),
            b"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
        ),
        "key": (
            lambda raw: wif_decode(raw.decode("latin-1"), MAIN),
            b"KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn",
        ),
        "run": (
            lambda raw: assess_run([BlockHeader.decode(raw)] * 2, {}, MAIN),
            MAIN.genesis.encode(),
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", _seeds())
def test_mutated_input_raises_nothing_but_our_errors(name):
    parse, seed = _seeds()[name]
    draw = random.Random(f"mutants of {name}")
    parse(seed)  # where the mutants start is itself accepted
    for _ in range(MUTANTS):
        mutant = bytearray(seed)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(mutant) + 1)
            kind = draw.randrange(4)
            if kind == 0:
                mutant[place:place] = draw.randbytes(draw.randint(1, 9))
            elif kind == 1:
                del mutant[place : place + draw.randint(1, 9)]
            elif place < len(mutant):
                mutant[place] = draw.choice((0, 1, 0xFC, 0xFD, 0xFE, 0xFF, draw.randrange(256)))
        try:
            parse(bytes(mutant))
        except LodestampError:
            continue
