"""Whole pasts of a few operations, kept in memory so that long searches are not repeated.

Only of operations that are committed: what is in their past never changes again.
"""

from __future__ import annotations

from collections import OrderedDict

from lodestamp.node.recorder.limits import PASTS_BYTES_MAX


class LeafSet:
    """A set of leaves, a bit each."""

    def __init__(self, bits: bytes) -> None:
        self._bits = bits

    def __contains__(self, leaf: int) -> bool:
        at, bit = divmod(leaf, 8)
        return at < len(self._bits) and bool(self._bits[at] >> bit & 1)

    def __len__(self) -> int:
        """Return the bytes it takes."""
        return len(self._bits)

    def as_integer(self) -> int:
        """Return the number whose bit ``n`` says whether leaf ``n`` is in the set."""
        return int.from_bytes(self._bits, "little")


class Pasts:
    """The most recently used pasts, by the leaf whose past each one is."""

    def __init__(self) -> None:
        self._pasts: OrderedDict[int, LeafSet] = OrderedDict()
        self._size = 0

    def find(self, leaf: int) -> LeafSet | None:
        """Return the past of this leaf, if it is kept."""
        past = self._pasts.get(leaf)
        if past is not None:
            self._pasts.move_to_end(leaf)
        return past

    def keep(self, leaf: int, bits: int) -> None:
        """Keep the past of a committed leaf; the least recently used ones give way."""
        past = LeafSet(bits.to_bytes(leaf // 8 + 1, "little"))
        self._pasts[leaf] = past
        self._size += len(past)
        while self._size > PASTS_BYTES_MAX and len(self._pasts) > 1:
            _leaf, old = self._pasts.popitem(last=False)
            self._size -= len(old)
