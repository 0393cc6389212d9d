"""Inclusion and consistency proofs (RFC 9162 §2.1.3 and §2.1.4; transparency spec R3-R6).

The number of hashes in a proof follows from its sizes, so a value of the wrong length cannot be
made, and verifying one hashes no more than about 126 times.

>>> from lodestamp.core.merkle.tree import leaf_hashes, root
>>> one, two, three = leaf_hashes([b"one", b"two", b"three"])
>>> verify_inclusion(two, InclusionProof(1, 3, (one, three)), root([one, two, three]))
>>> verify_consistency(ConsistencyProof(1, 3, (two, three)), one, root([one, two, three]))
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import unpack
from typing import Final

from lodestamp.core.encoding import Digest
from lodestamp.core.merkle.frontier import Frontier
from lodestamp.core.merkle.nodes import TileNodes
from lodestamp.core.merkle.tiles import HashReader
from lodestamp.core.merkle.tree import (
    HASH_SIZE,
    NODE_PREFIX,
    SIZE_MAX,
    node_hash,
    require_hashes,
)
from lodestamp.errors import BadHashLength, BadTreeProof

_PATH_LENGTH_MAX: Final = SIZE_MAX.bit_length()
"""Hashes in the longest path: one for each level of the largest tree."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The path from leaf `index` to the root of a tree of `size` leaves, leaf side first.

    BadTreeProof ``index_range`` unless 0 <= index < size <= 2^63-1, ``path_length`` for another
    number of hashes than the path has (at most 63); BadHashLength for a hash not of 32 bytes.
    """

    index: int
    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _require_path(self.index, self.size, len(self.hashes))
        require_hashes(self.hashes)

    @classmethod
    def from_bytes(cls, index: int, size: int, data: bytes) -> InclusionProof:
        """Read the joined hashes of a path; BadHashLength for a broken one, else as the value."""
        count, rest = divmod(len(data), HASH_SIZE)
        if rest:
            raise BadHashLength(f"a path of {len(data)} bytes is not a row of 32-byte hashes")
        if count > _PATH_LENGTH_MAX:  # refused before it is taken apart
            _require_path(index, size, count)
        return cls(index, size, unpack("32s" * count, data))

    def to_bytes(self) -> bytes:
        """Join the hashes of the path, 32 bytes each."""
        return b"".join(self.hashes)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """What shows that the tree of `size1` leaves is the beginning of the tree of `size2`.

    BadTreeProof ``size1_zero`` when `size1` is 0 (every tree extends the empty one, so there is
    nothing to prove), ``size_order`` unless size1 <= size2 <= 2^63-1, ``path_length`` for another
    number of hashes than these sizes need; BadHashLength for a hash not of 32 bytes.
    """

    size1: int
    size2: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _require_order(self.size1, self.size2)
        _require_length(len(self.hashes), _consistency_length(self.size1, self.size2))
        require_hashes(self.hashes)


def root_from(leaf_hash: bytes, proof: InclusionProof) -> Digest:
    """Compute the root that a path leads to (RFC 9162 §2.1.3.2); BadHashLength for a bad leaf."""
    require_hashes((leaf_hash,))
    return Digest(_climb(leaf_hash, proof))


def verify_inclusion(leaf_hash: bytes, proof: InclusionProof, root: bytes) -> None:
    """Check that a leaf stands where the proof says in the tree of this root (R4).

    BadTreeProof ``root_mismatch`` when it does not; BadHashLength for a bad leaf or root.
    """
    require_hashes((leaf_hash, root))
    if _climb(leaf_hash, proof) != root:
        raise BadTreeProof(
            f"the path from leaf {proof.index:,} does not lead to the root of {proof.size:,}",
            code="root_mismatch",
        )


def verify_consistency(proof: ConsistencyProof, root1: bytes, root2: bytes) -> None:
    """Check that the tree of `root2` extends the tree of `root1` (RFC 9162 §2.1.4.2, R5).

    BadTreeProof ``root_mismatch`` when it does not; BadHashLength for a bad root.
    """
    require_hashes((root1, root2))
    if _roots_from(proof, root1) != (root1, root2):
        raise BadTreeProof(
            f"the tree of {proof.size2:,} leaves is not shown to extend that of {proof.size1:,}",
            code="root_mismatch",
        )


def prove_inclusion(reader: HashReader, index: int, size: int) -> InclusionProof:
    """Prove that leaf `index` is in the tree of the first `size` leaves.

    At most two reads per tile level. BadTreeProof ``index_range`` unless index < size.
    """
    _require_leaf(index, size)
    return InclusionProof(index, size, TileNodes(reader, size).siblings(0, index))


def prove_consistency(reader: HashReader, size1: int, size2: int) -> ConsistencyProof:
    """Prove that the tree of `size2` leaves extends that of `size1`.

    At most two reads per tile level. BadTreeProof ``size1_zero`` or ``size_order``.
    """
    _require_order(size1, size2)
    if size1 == size2:
        return ConsistencyProof(size1, size2, ())
    nodes = TileNodes(reader, size2)
    level = _trailing_zeros(size1)
    index = (size1 >> level) - 1  # the last peak of the smaller tree
    path = nodes.siblings(level, index)
    if index:
        path = (nodes.full(level, index), *path)
    return ConsistencyProof(size1, size2, path)


def root_at(reader: HashReader, size: int) -> Digest:
    """Compute the root over the first `size` entries; errors as `Frontier.from_tiles`."""
    return Frontier.from_tiles(reader, size).root()


def _climb(node: bytes, proof: InclusionProof) -> bytes:
    """Hash a leaf with its siblings up to a root; where they stand follows from `_path_length`.

    `node_hash` is written out: calling it would cost as much as half of the hash.
    """
    index = proof.index
    below = _levels_below(index, proof.size)
    for sibling in proof.hashes[:below]:
        pair = sibling + node if index & 1 else node + sibling
        node = sha256(NODE_PREFIX + pair).digest()
        index >>= 1
    for sibling in proof.hashes[below:]:
        node = sha256(NODE_PREFIX + sibling + node).digest()
    return node


def _roots_from(proof: ConsistencyProof, root1: bytes) -> tuple[bytes, bytes]:
    """Compute both roots that a proof leads to, given the one that it may start from."""
    if proof.size1 == proof.size2:
        return root1, root1
    shift = _trailing_zeros(proof.size1)
    fn, sn = proof.size1 - 1 >> shift, proof.size2 - 1 >> shift
    first, *rest = proof.hashes if fn else (root1, *proof.hashes)
    older = newer = first
    for sibling in rest:
        if fn & 1 or fn == sn:
            older = node_hash(sibling, older)
            newer = node_hash(sibling, newer)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            newer = node_hash(newer, sibling)
        fn >>= 1
        sn >>= 1
    return older, newer


def _path_length(index: int, size: int) -> int:
    """Count the siblings: one for each level below the right edge, upon it only those at left."""
    below = _levels_below(index, size)
    return below + (index >> below).bit_count()


def _levels_below(index: int, size: int) -> int:
    """Return at which level the path from a leaf joins that from the last leaf, the right edge."""
    return (index ^ size - 1).bit_length()


def _consistency_length(size1: int, size2: int) -> int:
    if size1 == size2:
        return 0
    shift = _trailing_zeros(size1)
    start = 0 if size1 == 1 << shift else 1
    return start + _path_length(size1 - 1 >> shift, (size2 - 1 >> shift) + 1)


def _trailing_zeros(n: int) -> int:
    return (n & -n).bit_length() - 1


def _require_leaf(index: int, size: int) -> None:
    if not 0 <= index < size <= SIZE_MAX:
        raise BadTreeProof(f"there is no leaf {index} in a tree of {size}", code="index_range")


def _require_path(index: int, size: int, length: int) -> None:
    _require_leaf(index, size)
    _require_length(length, _path_length(index, size))


def _require_order(size1: int, size2: int) -> None:
    if size1 == 0:
        raise BadTreeProof("nothing is to be proven of the empty tree", code="size1_zero")
    if not 0 < size1 <= size2 <= SIZE_MAX:
        raise BadTreeProof(
            f"a tree of {size2} leaves cannot extend one of {size1}", code="size_order"
        )


def _require_length(actual: int, expected: int) -> None:
    if actual != expected:
        raise BadTreeProof(f"the proof has {actual} hashes, not {expected}", code="path_length")
