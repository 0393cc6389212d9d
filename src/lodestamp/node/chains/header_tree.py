"""Headers in whatever order they come, and the branch of most work among them (bitcoin spec R18).

A header counts from when all before it, down to the network's genesis block, have come. What needs
the whole history, such as the target that is due, is not judged: a branch wins by the work that
its headers show, and nobody shows more than the network for nothing.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from threading import RLock
from typing import Final

from lodestamp.core.bitcoin import HEADER_SIZE, BlockHeader, NetworkParams, has_work
from lodestamp.errors import BadHeader, WrongNetwork

GENESIS_PLACE: Final = 0
"""The genesis block is there from the beginning."""

_UNLINKED: Final = -1
_NO_BLOCK: Final = bytes(32)


class HeaderTree:
    """Every header of a network that was seen; some 300 bytes of memory each.

    A header has a place: the number of headers that were added before it, the genesis block's is 0.
    Threads may share it.
    """

    def __init__(self, net: NetworkParams) -> None:
        self._net = net
        self._lock = RLock()
        self._headers = bytearray()
        self._places: dict[bytes, int] = {}
        self._parents = array("q")
        self._heights = array("q")
        self._work: list[int] = []
        self._linked = array("q")
        self._waiting: defaultdict[bytes, list[int]] = defaultdict(list)
        self._barred: set[int] = set()
        self._out = bytearray()
        self._best = GENESIS_PLACE
        self._active = array("q", (GENESIS_PLACE,))
        self._append(net.genesis, net.genesis.hash)
        self._link(GENESIS_PLACE, _UNLINKED)

    def __len__(self) -> int:
        return len(self._parents)

    def tip(self) -> tuple[int, int]:
        """Return height and place of the best branch's last block."""
        with self._lock:
            return len(self._active) - 1, self._active[-1]

    def add(self, header: BlockHeader) -> int:
        """Take a header in and return its place; one that is known already keeps the old one.

        BadHeader ``high-hash`` when it lacks its work, WrongNetwork for another genesis block.
        """
        block_hash = header.hash
        with self._lock:
            known = self._places.get(block_hash)
            return self._added(header, block_hash) if known is None else known

    def place_of(self, block_hash: bytes) -> int | None:
        """Return the place of a header, linked or not; None for one never seen."""
        return self._places.get(block_hash)

    def header_at(self, place: int) -> BlockHeader:
        """Return the header of a place."""
        at = place * HEADER_SIZE
        return BlockHeader.decode(bytes(self._headers[at : at + HEADER_SIZE]))

    def hash_of(self, place: int) -> bytes:
        """Return the block hash of a place."""
        return self.header_at(place).hash

    def height_of(self, place: int) -> int | None:
        """Return the height of a place; None while something before it is missing."""
        height = self._heights[place]
        return None if height == _UNLINKED else height

    def active(self, height: int) -> int | None:
        """Return the place of the best branch's block at a height; None outside it."""
        with self._lock:
            return self._active[height] if 0 <= height < len(self._active) else None

    def is_active(self, place: int) -> bool:
        """Tell whether a block is on the best branch."""
        return self.active(self._heights[place]) == place

    def ancestors(self, place: int, height: int) -> tuple[int, ...]:
        """Return the places from a linked one down to `height` on its own branch, highest first."""
        found = []
        while place != _UNLINKED and self._heights[place] >= height:
            found.append(place)
            place = self._parents[place]
        return tuple(found)

    def bar(self, place: int) -> None:
        """Keep a block, and all upon it, out of the best branch."""
        with self._lock:
            self._barred.add(place)
            self._choose_again()

    def unbar(self, place: int) -> None:
        """Let a block stand again, with all before and upon it."""
        with self._lock:
            below = set(self.ancestors(place, 0))
            self._barred = {
                each
                for each in self._barred
                if each not in below and place not in self.ancestors(each, 0)
            }
            self._choose_again()

    def _added(self, header: BlockHeader, block_hash: bytes) -> int:
        if not has_work(header, self._net):
            raise BadHeader("high-hash", f"the block {block_hash[::-1].hex()} lacks its work")
        if header.prev == _NO_BLOCK:
            raise WrongNetwork(f"the block {block_hash[::-1].hex()} begins another chain")
        place = self._append(header, block_hash)
        parent = self._places.get(header.prev)
        if parent is None or self._heights[parent] == _UNLINKED:
            self._waiting[header.prev].append(place)
            return place
        ready = deque([(place, parent)])
        while ready:
            child, under = ready.popleft()
            self._link(child, under)
            ready += [(each, child) for each in self._waiting.pop(self.hash_of(child), ())]
        return place

    def _append(self, header: BlockHeader, block_hash: bytes) -> int:
        place = len(self._parents)
        self._places[block_hash] = place
        self._headers += header.encode()
        self._parents.append(_UNLINKED)
        self._heights.append(_UNLINKED)
        self._work.append(0)
        self._out.append(0)
        return place

    def _link(self, place: int, parent: int) -> None:
        work = self.header_at(place).work
        self._parents[place] = parent
        self._heights[place] = 0 if parent == _UNLINKED else self._heights[parent] + 1
        self._work[place] = work if parent == _UNLINKED else self._work[parent] + work
        self._out[place] = place in self._barred or (parent != _UNLINKED and self._out[parent])
        self._linked.append(place)
        if not self._out[place] and self._work[place] > self._work[self._best]:
            self._activate(place)

    def _choose_again(self) -> None:
        best = GENESIS_PLACE
        for place in self._linked:
            parent = self._parents[place]
            barred = place in self._barred or (parent != _UNLINKED and self._out[parent])
            self._out[place] = barred
            if not barred and self._work[place] > self._work[best]:
                best = place
        self._activate(best)

    def _activate(self, place: int) -> None:
        """Make a block the tip: what leaves and what joins, no more than that is touched."""
        self._best = place
        joining = array("q")
        while not self.is_active(place):
            joining.append(place)
            place = self._parents[place]
        del self._active[self._heights[place] + 1 :]
        joining.reverse()
        self._active.extend(joining)
