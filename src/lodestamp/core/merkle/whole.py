"""A tree held whole in memory, to prove each of its leaves: two hashes and 64 bytes a leaf.

>>> from lodestamp.core.merkle.proof import verify_inclusion
>>> from lodestamp.core.merkle.tree import leaf_hashes
>>> leaves = leaf_hashes([b"one", b"two", b"three"])
>>> tree = WholeTree(leaves)
>>> verify_inclusion(leaves[2], tree.prove(2), tree.root)
"""

from __future__ import annotations

from collections.abc import Sequence

from lodestamp.core.encoding import Digest
from lodestamp.core.merkle.proof import InclusionProof
from lodestamp.core.merkle.tree import EMPTY_ROOT, parents, require_hashes
from lodestamp.errors import BadTreeProof


class WholeTree:
    """The RFC 9162 tree over leaf hashes, in order; BadHashLength for one that is not 32 bytes."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        require_hashes(leaf_hashes)
        level = list(leaf_hashes)
        self._levels = [level]
        while len(level) > 1:
            above = parents(level)
            if len(level) & 1:  # an odd node is promoted
                above.append(level[-1])
            self._levels.append(above)
            level = above

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0])

    @property
    def root(self) -> Digest:
        """The root over all leaves."""
        top = self._levels[-1]
        return Digest(top[0]) if top else EMPTY_ROOT

    def prove(self, index: int) -> InclusionProof:
        """Return the path of a leaf; BadTreeProof ``index_range`` unless it is in the tree."""
        if not 0 <= index < self.size:
            raise BadTreeProof(
                f"there is no leaf {index} in a tree of {self.size}", code="index_range"
            )
        hashes = []
        at = index
        for level in self._levels[:-1]:
            sibling = at ^ 1
            if sibling < len(level):
                hashes.append(level[sibling])
            at >>= 1
        return InclusionProof(index, self.size, tuple(hashes))
