"""What is always asked of a raw block, and what on request: links, work, Merkle roots (R31)."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    Block,
    BlockHeader,
    Transaction,
    meets_target,
    merkle_root,
    sha256d,
    witness_commitment,
)
from lodestamp.core.ownership.walk import block_txids, walk_block
from lodestamp.errors import BlockMalformed

_PREV_AT: Final = 4
_ROOT_AT: Final = 36
_BITS_AT: Final = 72


def check_header(raw: bytes, previous: bytes | None = None) -> BlockHeader:
    """Return the header of a raw block whose hash meets the target it states itself.

    With `previous`, a block hash (32 bytes, internal order), it must follow that block. Whether the
    target is the one its chain asks for is for the chain of headers to say. BlockMalformed
    ``cut-short``, ``link``, ``proof-of-work``.
    """
    if len(raw) < HEADER_SIZE:
        raise BlockMalformed("cut-short", "the block ends inside its header", offset=len(raw))
    header = BlockHeader.decode(bytes(raw[:HEADER_SIZE]))
    if previous is not None and header.prev != previous:
        message = f"the block follows {header.prev[::-1].hex()}, not {previous[::-1].hex()}"
        raise BlockMalformed("link", message, offset=_PREV_AT)
    if not meets_target(header.hash, header.bits):
        message = f"its hash {header.hash_display} is above the target {header.bits:08x}"
        raise BlockMalformed("proof-of-work", message, offset=_BITS_AT)
    return header


def check_tree(raw: bytes) -> list[bytes]:
    """Return the txids of a block whose header's Merkle root is theirs and of no other list.

    BlockMalformed ``merkle-root``; ``mutated-tree`` for a list that ends in a repetition which the
    root does not show (CVE-2012-2459): the block was damaged on its way, its hash is another's too.
    And what `walk_block` raises.
    """
    txids = block_txids(raw)
    root, is_mutated = merkle_root(txids)
    if root != raw[_ROOT_AT : _ROOT_AT + 32]:
        message = "the transactions have another Merkle root than the header"
        raise BlockMalformed("merkle-root", message, offset=_ROOT_AT)
    if is_mutated:
        message = "the list of transactions repeats itself, which its Merkle root hides"
        raise BlockMalformed("mutated-tree", message, offset=HEADER_SIZE)
    return txids


def check_witness_tree(raw: bytes) -> None:
    """Hold the witnesses of a block, where segwit is active, against its coinbase's commitment.

    Txids commit to no witness: without this a source could leave signatures out, and with them
    owners, unnoticed. BlockMalformed ``witness-root``, and what `walk_block` raises.
    """
    spans = list(walk_block(raw))
    encoded = [raw[each.start : each.end] for each in spans]
    coinbase = tuple(Transaction.decode(each) for each in encoded[:1])
    committed = witness_commitment(Block(BlockHeader.decode(raw[:HEADER_SIZE]), coinbase))
    stack = coinbase[0].inputs[0].witness if coinbase else ()
    if committed is None:
        holds = all(each.inputs == each.start + 4 for each in spans)
    else:
        root, _ = merkle_root([bytes(32), *map(sha256d, encoded[1:])])
        holds = list(map(len, stack)) == [32] and sha256d(root + stack[0]) == committed
    if not holds:
        message = "the witnesses are not those that the coinbase commits to"
        raise BlockMalformed("witness-root", message, offset=HEADER_SIZE)
