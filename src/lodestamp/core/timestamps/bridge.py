"""From an operation in a log to a Bitcoin header, in operations of OpenTimestamps (§6.1).

An RFC 9162 path is nothing but prepending, appending and SHA-256, so a stock client can walk from
the file of an operation through our log to the block that anchors it.

>>> [str(op) for op in ENTRY_OPS]
['prepend 0001551220', 'sha256']
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from lodestamp.core.encoding import OP_CID_PREFIX, Digest
from lodestamp.core.merkle import HASH_SIZE, SIZE_MAX, InclusionProof
from lodestamp.core.timestamps.ops import HEXLIFY, MESSAGE_SIZE_MAX, SHA256, Op, apply_ops
from lodestamp.errors import BadHashLength, BadTimestamp, NotExpressible

ANCHOR_DOMAIN: Final = b"lodestamp/anchor/v1\n"
"""What an anchor digest is made under, so that it is nothing else (transparency spec R41)."""

LEAF_OPS: Final = (Op.prepend(b"\x00"), SHA256)
"""From an entry to its leaf (RFC 9162 §2.1.1)."""

ENTRY_OPS: Final = (Op.prepend(b"\x00" + OP_CID_PREFIX), SHA256)
"""From the SHA-256 of an operation block to its leaf in the log (transparency spec R2)."""

_NODE: Final = b"\x01"
_AS_LEFT: Final = (Op.prepend(_NODE), SHA256)


def content_ops(block: bytes, digest: bytes) -> tuple[Op, ...]:
    """Return the operations from the SHA-256 of a file to that of an operation block (R43).

    The block must hold the digest as 64 lower-case hex digits exactly once, and have no more than
    4,096 bytes; else NotExpressible ``no_hex_digest``.
    """
    hexed = digest.hex().encode()
    head, _, tail = block.partition(hexed)
    if len(digest) != HASH_SIZE or block.count(hexed) != 1 or not head or not tail:
        message = "the operation does not state this SHA-256 once, in hex"
        raise NotExpressible(message, code="no_hex_digest")
    if len(block) > MESSAGE_SIZE_MAX:
        message = f"an operation of {len(block):,} bytes, more than {MESSAGE_SIZE_MAX:,}"
        raise NotExpressible(message, code="no_hex_digest")
    return HEXLIFY, Op.prepend(head), Op.append(tail), SHA256


def path_ops(proof: InclusionProof) -> tuple[Op, ...]:
    """Return the operations from a leaf to the root: 36 bytes a level as right child, 38 as left.

    They are those of RFC 9162 §2.1.3.2, in the order of its hashes.
    """
    ops: list[Op] = []
    fn, sn = proof.index, proof.size - 1
    for sibling in proof.hashes:
        if fn & 1 or fn == sn:
            ops += (Op.prepend(_NODE + sibling), SHA256)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            ops += (Op.append(sibling), *_AS_LEFT)
        fn >>= 1
        sn >>= 1
    return tuple(ops)


def anchor_ops(origin: str, size: int) -> tuple[Op, ...]:
    """Return the operations from the root of a log, at this size, to its anchor digest (R41).

    BadTimestamp ``ots.origin`` for one that is no UTF-8, ``ots.size`` outside 0 to 2^63-1.
    """
    try:
        named = sha256(origin.encode()).digest()
    except UnicodeEncodeError:
        raise BadTimestamp("ots.origin", "the origin is not encodable as UTF-8") from None
    if not 0 <= size <= SIZE_MAX:
        raise BadTimestamp("ots.size", f"no log has {size} entries")
    return Op.prepend(ANCHOR_DOMAIN + named + size.to_bytes(8)), SHA256


def anchor_digest(origin: str, size: int, root: bytes) -> Digest:
    """Return A, which is what we anchor: SHA-256 of domain, SHA-256 of origin, size and root (R41).

    It binds log, size and root. Size is eight bytes, big-endian; the root 32, else BadHashLength.
    Errors as `anchor_ops`.
    """
    _require_hash(root)
    return Digest(apply_ops(anchor_ops(origin, size), root))


def state_ops(old_state: bytes) -> tuple[Op, ...]:
    """Return the operations from a tip to the state that a chain of anchors has after it (R65).

    It is SHA-256 of the state before, 32 bytes, and the tip. BadHashLength.
    """
    return Op.prepend(_require_hash(old_state)), SHA256


def transaction_ops(
    prefix: bytes, suffix: bytes, branch: Sequence[bytes], position: int
) -> tuple[Op, ...]:
    """Return the operations from what a transaction holds to the Merkle root of its block.

    `prefix` and `suffix` are what stands around it in the serialization without witness, neither
    empty, 4,096 bytes in all; `branch` the 32-byte siblings from the transaction up, in internal
    byte order; `position` the transaction's place in the block, from 0. Bitcoin hashes twice.
    BadHashLength; BadTimestamp ``ots.position`` for a place that the branch does not lead from.
    """
    if position < 0 or position >> len(branch):
        raise BadTimestamp("ots.position", f"{len(branch)} siblings do not place {position}")
    ops = [Op.prepend(prefix), Op.append(suffix), SHA256, SHA256]
    for level, sibling in enumerate(branch):
        side = Op.prepend if position >> level & 1 else Op.append
        ops += (side(_require_hash(sibling)), SHA256, SHA256)
    return tuple(ops)


def _require_hash(hashed: bytes) -> bytes:
    if len(hashed) != HASH_SIZE:
        raise BadHashLength(f"a hash of {len(hashed)} bytes; every one has {HASH_SIZE}")
    return hashed
