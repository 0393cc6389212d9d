"""From an operation to a block header in operations (transparency spec §6.1)."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest

from lodestamp.core.bitcoin import branch_of, merkle_root, sha256d
from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import InclusionProof, leaf_hash, root
from lodestamp.core.timestamps import (
    ENTRY_OPS,
    LEAF_OPS,
    BitcoinHeader,
    anchor_digest,
    anchor_ops,
    apply_ops,
    content_ops,
    encode_path,
    path_ops,
    state_ops,
    transaction_ops,
)
from lodestamp.errors import BadHashLength, BadTimestamp, NotExpressible
from proofs import tree_path, tree_root


def test_an_operation_leads_to_its_leaf():
    digest = sha256(b"block").digest()
    assert apply_ops(ENTRY_OPS, digest) == leaf_hash(OP_CID_PREFIX + digest)
    assert apply_ops(LEAF_OPS, b"any entry") == leaf_hash(b"any entry")


def test_every_leaf_of_every_small_tree_leads_to_its_root():
    """Against the recursive definition of RFC 9162, for all places in trees of up to 40 leaves."""
    for size in range(1, 41):
        leaves = [leaf_hash(bytes((at,))) for at in range(size)]
        for index, leaf in enumerate(leaves):
            proof = InclusionProof(index, size, tuple(tree_path(leaves, index)))
            assert apply_ops(path_ops(proof), leaf) == tree_root(leaves) == root(leaves)


def test_an_odd_node_is_promoted_and_never_doubled():
    """Attack 59: the tree of [a, b, c] is not that of [a, b, c, c]."""
    a, b, c = (leaf_hash(each) for each in (b"a", b"b", b"c"))
    proof = InclusionProof(2, 3, tuple(tree_path([a, b, c], 2)))
    assert apply_ops(path_ops(proof), c) == tree_root([a, b, c]) != tree_root([a, b, c, c])


def test_an_interior_node_cannot_pass_for_an_operation():
    """Attack 58: what leads to a leaf begins with 00 and the prefix of a CID, a node with 01."""
    a, b, c, d = (leaf_hash(each) for each in (b"a", b"b", b"c", b"d"))
    joined = sha256(b"\x01" + a + b).digest()
    top = InclusionProof(0, 2, (sha256(b"\x01" + c + d).digest(),))
    assert apply_ops(path_ops(top), joined) == tree_root([a, b, c, d])
    assert apply_ops((*ENTRY_OPS, *path_ops(top)), joined) != tree_root([a, b, c, d])


def test_the_anchor_digest_binds_origin_size_and_root():
    """R41."""
    top = sha256(b"root").digest()
    origin = sha256("log.example/ä".encode()).digest()
    said = b"lodestamp/anchor/v1\n" + origin + (5).to_bytes(8) + top
    digest = anchor_digest("log.example/ä", 5, top)
    assert digest == sha256(said).digest()
    others = {
        anchor_digest("log.example/a", 5, top),
        anchor_digest("log.example/ä", 6, top),
        anchor_digest("log.example/ä", 5, sha256(top).digest()),
    }
    assert digest not in others
    assert len(others) == 3


def test_what_cannot_be_anchored_is_refused():
    for size in (-1, 2**63):
        with pytest.raises(BadTimestamp) as refused:
            anchor_ops("log.example", size)
        assert refused.value.code == "ots.size"
    with pytest.raises(BadTimestamp) as refused:
        anchor_ops("log.example/\udcff", 1)
    assert refused.value.code == "ots.origin"
    with pytest.raises(BadHashLength):
        anchor_digest("log.example", 1, bytes(31))


def test_a_state_of_a_chain_is_the_hash_of_the_one_before_and_the_tip():
    """R65."""
    old, tip = sha256(b"old").digest(), sha256(b"tip").digest()
    assert apply_ops(state_ops(old), tip) == sha256(old + tip).digest()
    assert encode_path(state_ops(old), BitcoinHeader(7))[:35] == b"\xf1\x20" + old + b"\x08"
    with pytest.raises(BadHashLength):
        state_ops(old[1:])


def test_a_transaction_leads_to_the_merkle_root_of_its_block_from_every_place():
    """R64: Bitcoin doubles the last of an odd level; the operations do not care."""
    random = Random("blocks")
    tip, prefix, suffix = random.randbytes(32), random.randbytes(101), random.randbytes(4)
    txid = sha256d(prefix + tip + suffix)
    for count in (1, 2, 3, 5, 8, 13):
        for position in range(count):
            txids = [random.randbytes(32) for _ in range(count)]
            txids[position] = txid
            branch = branch_of(txids, position)
            ops = transaction_ops(prefix, suffix, branch, position)
            assert apply_ops(ops, tip) == merkle_root(txids)[0]


def test_each_level_of_a_block_has_the_bytes_of_the_table():
    left, right = bytes(32), b"\x01" * 32
    encoded = encode_path(transaction_ops(b"P", b"S", (left, right), 1), BitcoinHeader(7))
    begin = b"\xf1\x01P\xf0\x01S\x08\x08"
    assert encoded.startswith(
        begin + b"\xf1\x20" + left + b"\x08\x08\xf0\x20" + right + b"\x08\x08"
    )
    assert encoded.endswith(bytes.fromhex("000588960d73d719010107"))


def test_a_place_that_the_branch_does_not_lead_from_is_refused():
    for position in (-1, 2, 4):
        with pytest.raises(BadTimestamp) as refused:
            transaction_ops(b"P", b"S", (bytes(32),), position)
        assert refused.value.code == "ots.position"
    with pytest.raises(BadHashLength):
        transaction_ops(b"P", b"S", (bytes(31),), 0)


DIGEST = sha256(b"content").digest()
HEX = DIGEST.hex().encode()


def test_content_leads_to_an_operation_that_states_its_digest():
    """R43."""
    block = b'{"sha256":"' + HEX + b'","type":"evidence"}'
    assert apply_ops(content_ops(block, DIGEST), DIGEST) == sha256(block).digest()
    longest = block + b" " * (4_096 - len(block))
    assert apply_ops(content_ops(longest, DIGEST), DIGEST) == sha256(longest).digest()


@pytest.mark.parametrize(
    "block",
    [
        b"{}",
        b"[" + HEX + HEX + b"]",
        b"[" + HEX.upper() + b"]",
        HEX,
        b"[" + HEX,
        HEX + b"]",
        b"[" + HEX + b" " * 4_096 + b"]",
    ],
)
def test_content_that_is_not_stated_once_in_a_small_block_has_no_way(block):
    with pytest.raises(NotExpressible) as refused:
        content_ops(block, DIGEST)
    assert refused.value.code == "no_hex_digest"
