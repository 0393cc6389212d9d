"""What rests on what: the children of an operation, for the cascade.

Children are kept as CSR (one array of offsets, one of edges), and those that came since as a linked
overlay; the whole is packed again when the overlay exceeds an eighth. Only claims and attestations
are children: they become invalid with what they rest on.
"""

from __future__ import annotations

from array import array
from collections.abc import Container
from itertools import accumulate
from typing import Final

from lodestamp.core.operations.graph.columns import Columns
from lodestamp.core.operations.graph.status import ATTESTATION, CLAIM

_OVERLAY_LEAST: Final = 1_024
_OVERLAY_SHARE: Final = 8
_END: Final = 0xFFFFFFFF
INHERITS: Final = bytes(kind in {CLAIM, ATTESTATION} for kind in range(256))
"""A translation of kinds: 1 for those that become invalid with what they rest on."""


class Children:
    """The children of each operation, built when first asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.offsets = array("I", [0])
        self.edges = array("I")
        self._packed = False
        self._latest: dict[int, int] = {}
        self._links = array("I")
        self._linked = array("I")

    def add(self, child: int) -> None:
        """Note the newest operation, which the columns hold already."""
        if not self._packed:
            return
        self.offsets.append(self.offsets[-1])
        if not INHERITS[self._columns.kinds[child]]:
            return
        for source in self._columns.sources_of(child):
            self._links.append(self._latest.get(source, _END))
            self._linked.append(child)
            self._latest[source] = len(self._links) - 1
        if len(self._links) > max(_OVERLAY_LEAST, len(self.edges) // _OVERLAY_SHARE):
            self.pack()

    def of(self, index: int) -> array[int]:
        """Return the claims and attestations that rest on this operation."""
        if not self._packed:
            self.pack()
        found = self.edges[self.offsets[index] : self.offsets[index + 1]]
        link = self._latest.get(index, _END)
        while link != _END:
            found.append(self._linked[link])
            link = self._links[link]
        return found

    def parts(self) -> tuple[array[int], array[int], Container[int]]:
        """Return offsets, edges, and the operations of which these do not tell all children.

        For those `of` must be asked; for all others the edges between two offsets are the children.
        """
        if not self._packed:
            self.pack()
        return self.offsets, self.edges, self._latest

    def packed(self) -> tuple[array[int], array[int]]:
        """Return offsets and edges of the whole, with nothing left in the overlay."""
        if not self._packed or self._links:
            self.pack()
        return self.offsets, self.edges

    def pack(self) -> None:
        """Build the CSR of everything; two passes over the edges."""
        columns = self._columns
        size = len(columns)
        inherits = columns.kinds.translate(INHERITS)
        sources, ends = columns.sources, columns.source_ends
        counts = [0] * size
        for source in sources:
            counts[source] += 1
        for index in _others(inherits, columns):
            for source in columns.sources_of(index):
                counts[source] -= 1
        offsets = array("I", [0])
        offsets.extend(accumulate(counts))
        free = offsets.tolist()
        edges = array("I", bytes(4 * offsets[-1]))
        start = 0
        for index in range(size):
            end = ends[index + 1]
            if end != start:
                if inherits[index]:
                    for source in sources[start:end]:
                        at = free[source]
                        edges[at] = index
                        free[source] = at + 1
                start = end
        self.offsets, self.edges, self._packed = offsets, edges, True
        self._latest.clear()
        del self._links[:], self._linked[:]


def _others(inherits: bytes | bytearray, columns: Columns) -> list[int]:
    """Return the operations that name others without resting on them."""
    ends = columns.source_ends
    found = []
    index = inherits.find(0)
    while index >= 0:
        if ends[index + 1] != ends[index]:
            found.append(index)
        index = inherits.find(0, index + 1)
    return found
