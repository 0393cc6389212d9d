"""Finding the difference of two sets from coded symbols, without input or output (Y3).

`wanted` says what to ask the peer for; its answer goes into `feed`; until `wanted` is None. Then
`ours` and `theirs` are the two sides of the difference. Any bytes fed raise only LodestampError.

>>> from hashlib import sha256
>>> digests = [sha256(b"%d" % n).digest() for n in range(50)]
>>> key = bytes(16)
>>> mine, peer = Encoder(key), Encoder(key)
>>> mine.add(digests[:45])
>>> peer.add(digests[5:])
>>> compared = Reconciler(mine, key=key, size=peer.size)
>>> while (ask := compared.wanted) is not None:
...     compared.feed(peer.frame(ask.first, ask.count))
>>> compared.ours == set(digests[:5]), compared.theirs == set(digests[45:])
(True, True)
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import sqrt
from typing import Final

from lodestamp.core.encoding import Digest
from lodestamp.errors import PeerError, SnapshotGoneError
from lodestamp.node.sync.symbols import (
    FRAME_SYMBOLS_MAX,
    Encoder,
    Symbol,
    digest_of_item,
    is_item,
    parse_frame,
    start,
    step,
)

SYMBOLS_SIZE_MAX: Final = 48 << 20
"""Bytes of symbols taken in one comparison: beyond that listing the ids costs no more."""
_DIGEST_SIZE: Final = 32
_FIRST: Final = 64
_SMALL: Final = 8
_OVERHEAD: Final = 1.34
"""Symbols per difference that a large difference takes; d of them take about 1/sqrt(d) more."""
_CAUTION: Final = 0.8
"""The part of an estimate that is asked for at once: the estimate is rough."""


@dataclass(frozen=True, slots=True)
class SymbolsWanted:
    """Ask the peer for symbols ``first`` to ``first + count - 1`` of its set of `size`."""

    size: int
    first: int
    count: int


class Reconciler:
    """Compares our set, as it is now, with the peer's set of `size` operations under its key."""

    def __init__(self, own: Encoder, *, key: bytes, size: int) -> None:
        self.key = key
        self.size = size
        self.own_size = own.size
        self.bytes_fed = 0
        self._own = own
        self._sums: list[int] = []
        self._counts: list[int] = []
        self._decoded: dict[int, int] = {}
        self._walks: list[tuple[int, int, int, int]] = []
        self._complete = size == 0 == own.size

    @property
    def complete(self) -> bool:
        """Whether the whole difference is known: symbol 0 has become all zero."""
        return self._complete

    @property
    def exhausted(self) -> bool:
        """Whether so much was taken that listing the ids is cheaper."""
        return self.bytes_fed > min(_DIGEST_SIZE * self.size, SYMBOLS_SIZE_MAX)

    @property
    def wanted(self) -> SymbolsWanted | None:
        """Return what to ask for next: None when complete, or exhausted (then list the ids)."""
        if self._complete or self.exhausted:
            return None
        have = len(self._sums)
        if not have:
            return SymbolsWanted(self.size, 0, _FIRST)
        differences = max(self._estimate(), 1.0)
        needed = differences * (_OVERHEAD + 1 / sqrt(differences))
        ahead = int(_CAUTION * needed) - have
        count = min(max(min(ahead, have), have // 20, _SMALL), FRAME_SYMBOLS_MAX)
        return SymbolsWanted(self.size, have, count)

    @property
    def ours(self) -> frozenset[Digest]:
        """What only we have, as far as it is known."""
        return frozenset(digest_of_item(item) for item, sign in self._decoded.items() if sign < 0)

    @property
    def theirs(self) -> frozenset[Digest]:
        """What only the peer has, as far as it is known."""
        return frozenset(digest_of_item(item) for item, sign in self._decoded.items() if sign > 0)

    def feed(self, data: bytes) -> None:
        """Take the peer's answer to `wanted`.

        SnapshotGoneError when the peer's key or size has changed. PeerError ``bad-symbols`` when it
        is no frame, not the one asked for, or contradicts itself.
        """
        asked = self.wanted
        frame = parse_frame(data)
        if frame.key != self.key or frame.size != self.size:
            raise SnapshotGoneError("the peer answers for another set")
        if asked is None or (frame.first, len(frame.symbols)) != (asked.first, asked.count):
            raise PeerError("bad-symbols", "these symbols were not asked for")
        self.bytes_fed += len(data)
        own = self._own.symbols(asked.first, asked.count, self.own_size)
        for theirs, ours in zip(frame.symbols, own, strict=True):
            self._append((theirs[0] ^ ours[0], theirs[1] - ours[1]))
        self._complete = not self._sums[0] and not self._counts[0]

    def _append(self, symbol: Symbol) -> None:
        """Add the next cell, free it of what is decoded, and decode what it lets us."""
        index, (value, number) = len(self._sums), symbol
        while self._walks and self._walks[0][0] == index:
            _, state, item, sign = self._walks[0]
            value ^= item
            number -= sign
            state, after = step(state, index)
            heapq.heapreplace(self._walks, (after, state, item, sign))
        self._sums.append(value)
        self._counts.append(number)
        self._peel(index)

    def _peel(self, index: int) -> None:
        """Decode cells that hold one item each, from this one on, until none is left."""
        waiting = [index]
        while waiting:
            at = waiting.pop()
            sign, item = self._counts[at], self._sums[at]
            if sign not in {1, -1} or not is_item(item, self.key):
                continue
            if item in self._decoded or len(self._decoded) >= len(self._sums):
                raise PeerError("bad-symbols", "the symbols contradict each other")
            self._decoded[item] = sign
            state, place = start(item), 0
            while place < len(self._sums):
                self._sums[place] ^= item
                self._counts[place] -= sign
                if self._counts[place] in {1, -1}:
                    waiting.append(place)
                state, place = step(state, place)
            heapq.heappush(self._walks, (place, state, item, sign))

    def _estimate(self) -> float:
        """Guess how many items differ, from how far the counts stray from what they should be.

        A cell of index i holds each item with probability p = 2/(i+2). With d differences, of which
        `net` more on one side, its count has the mean ``net·p`` and the variance ``d·p·(1-p)``.
        """
        net = self.size - self.own_size
        strayed = spread = 0.0
        found = sum(self._decoded.values())
        for index in range(1, len(self._counts)):
            p = 2 / (index + 2)
            strayed += (self._counts[index] - (net - found) * p) ** 2
            spread += p * (1 - p)
        return len(self._decoded) + max(strayed / spread, abs(net - found))
