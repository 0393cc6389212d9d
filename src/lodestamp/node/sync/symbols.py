r"""Coded symbols of a set of operations: the rateless IBLT (operations spec Y2, Y4).

::

    item   = digest(32) ‖ hash(8), hash = BLAKE2b-64 of the digest under a key of 16 bytes
    symbol = XOR of the items in it, and how many they are
    frame  = "LSR1" ‖ key(16) ‖ size u64 ‖ first u32 ‖ count u32 ‖ symbols
             each: 40 bytes ‖ zigzag varint of count - floor(2·size / (index + 2))

An item is in symbol 0 and then ever more rarely: about one symbol in i/2 at index i. The symbols of
a set are the same for every peer, so they are computed once, and an operation that comes later is
added to them in O(log m).
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil, sqrt
from typing import Final

from lodestamp.core.encoding import Digest, leb128_encode, uvarint_decode
from lodestamp.errors import CidError, PeerError, SnapshotGoneError

KEY_SIZE: Final = 16
MAGIC: Final = b"LSR1"
FRAME_SYMBOLS_MAX: Final = 4096
"""Symbols in a frame: 170 kB, one answer."""
SYMBOL_INDEX_MAX: Final = 1 << 22
"""Symbols of one set: beyond 48 MiB of them, listing the ids costs less."""
SNAPSHOT_SPAN_MAX: Final = 100_000
"""Operations by which a set may have grown while a peer still compares its older size."""
FRAME_SIZE_MAX: Final = 36 + FRAME_SYMBOLS_MAX * 49
"""Bytes of a frame: its head, and 4,096 symbols with the longest varints."""
_HEAD: Final = struct.Struct(">4s16sQII")
_SUM_SIZE: Final = 40
_MULTIPLIER: Final = 0xDA942042E4DD58B5
_MASK: Final = (1 << 64) - 1
_SCALE: Final = float(1 << 32)
_NEVER: Final = (1 << 32) - 1
_FIRST_BLOCK: Final = 1024

Symbol = tuple[int, int]
"""The XOR of the items as one integer of 320 bits, and their number (of a difference: signed)."""


def item_of(digest: bytes, key: bytes) -> int:
    """Return an item: the digest and its keyed hash, as one integer."""
    tag = blake2b(digest, digest_size=8, key=key).digest()
    return int.from_bytes(digest + tag, "big")


def digest_of_item(item: int) -> Digest:
    """Return the digest an item begins with."""
    return Digest((item >> 64).to_bytes(32, "big"))


def is_item(value: int, key: bytes) -> bool:
    """Tell whether a sum is one item: its hash is that of its digest."""
    return item_of((value >> 64).to_bytes(32, "big"), key) == value


def walk(item: int, end: int) -> Iterator[int]:
    """Yield the indexes below `end` of the symbols that an item is in."""
    state, index = (item & _MASK) | 1, 0
    while index < end:
        yield index
        state, index = step(state, index)


def step(state: int, index: int) -> tuple[int, int]:
    """Return the next state and index of an item's walk."""
    state = state * _MULTIPLIER & _MASK
    return state, index + max(1, ceil((index + 1.5) * (_SCALE / sqrt(state + 1) - 1)))


def start(item: int) -> int:
    """Return the state in which an item's walk begins, at index 0."""
    return (item & _MASK) | 1


class Encoder:
    """The symbols of a growing set under one key. Thread-safe.

    52 bytes an item and 60 a symbol; symbols are produced in blocks that double, each in one pass
    over the items.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._items = bytearray()
        self._states = array("Q")
        self._nexts = array("I")
        self._sums: list[int] = []
        self._counts: list[int] = []
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self._states)

    def add(self, digests: Iterable[bytes]) -> None:
        """Add items to the set, and to every symbol produced so far."""
        with self._lock:
            end = len(self._sums)
            for digest in digests:
                item = item_of(digest, self.key)
                self._items += item.to_bytes(_SUM_SIZE, "big")
                self._states.append(start(item))
                self._nexts.append(0)
                self._visit(len(self._states) - 1, end)

    def symbols(self, first: int, count: int, size: int | None = None) -> list[Symbol]:
        """Return symbols of the first `size` items; SnapshotGoneError when that is too long ago."""
        with self._lock:
            size = self.size if size is None else size
            if not self.size - SNAPSHOT_SPAN_MAX <= size <= self.size:
                raise SnapshotGoneError(f"the set of {size:,} operations is no longer kept")
            end = first + count
            self._produce(end)
            sums, counts = self._sums[first:end], self._counts[first:end]
            for place in range(size, self.size):  # those that came later are not in it
                item = self._item(place)
                for index in walk(item, end):
                    if index >= first:
                        sums[index - first] ^= item
                        counts[index - first] -= 1
        return list(zip(sums, counts, strict=True))

    def frame(self, first: int, count: int, size: int | None = None) -> bytes:
        """Return symbols as they travel; errors as `symbols`."""
        size = self.size if size is None else size
        symbols = self.symbols(first, count, size)
        return encode_frame(Frame(self.key, size, first, tuple(symbols)))

    def _item(self, place: int) -> int:
        return int.from_bytes(self._items[place * _SUM_SIZE : (place + 1) * _SUM_SIZE], "big")

    def _produce(self, end: int) -> None:
        """Have at least `end` symbols, each item visited once per block."""
        have = len(self._sums)
        if end <= have:
            return
        want = max(_FIRST_BLOCK, 1 << (end - 1).bit_length())
        self._sums += [0] * (want - have)
        self._counts += [0] * (want - have)
        for place, index in enumerate(self._nexts):
            if index < want:
                self._visit(place, want)

    def _visit(self, place: int, end: int) -> None:
        """Put an item into its symbols below `end`, from where its walk stands."""
        index = self._nexts[place]
        if index >= end:
            return
        state, item = self._states[place], self._item(place)
        sums, counts = self._sums, self._counts
        while index < end:  # `step`, written out: this line runs ten million times
            sums[index] ^= item
            counts[index] += 1
            state = state * _MULTIPLIER & _MASK
            index += ceil((index + 1.5) * (_SCALE / sqrt(state + 1) - 1)) or 1
        self._states[place] = state
        self._nexts[place] = min(index, _NEVER)


@dataclass(frozen=True, slots=True)
class Frame:
    """Symbols `first` and on of a set of `size` items, under a key."""

    key: bytes
    size: int
    first: int
    symbols: tuple[Symbol, ...]


def encode_frame(frame: Frame) -> bytes:
    """Return the octets of a frame (Y2)."""
    count = len(frame.symbols)
    out = [_HEAD.pack(MAGIC, frame.key, frame.size, frame.first, count)]
    for index, (value, number) in enumerate(frame.symbols, start=frame.first):
        delta = number - 2 * frame.size // (index + 2)
        out.append(value.to_bytes(_SUM_SIZE, "big"))
        out.append(leb128_encode(2 * delta if delta >= 0 else -2 * delta - 1))
    return b"".join(out)


def parse_frame(data: bytes) -> Frame:
    """Read the octets of a frame; PeerError ``bad-symbols`` when they are not exactly one."""
    if len(data) < _HEAD.size:
        raise PeerError("bad-symbols", "a frame of symbols is cut short")
    magic, key, size, first, count = _HEAD.unpack_from(data)
    if magic != MAGIC or count > FRAME_SYMBOLS_MAX or size >= 1 << 62:
        raise PeerError("bad-symbols", "not a frame of symbols")
    symbols: list[Symbol] = []
    at = _HEAD.size
    for index in range(first, first + count):
        value = data[at : at + _SUM_SIZE]
        try:
            zigzag, at = uvarint_decode(data, at + _SUM_SIZE)
        except CidError:
            raise PeerError("bad-symbols", f"symbol {index} is cut short") from None
        delta = -(zigzag + 1 >> 1) if zigzag & 1 else zigzag >> 1
        number = delta + 2 * size // (index + 2)
        if not 0 <= number <= size:
            raise PeerError("bad-symbols", f"symbol {index} counts {number:,} of {size:,}")
        symbols.append((int.from_bytes(value, "big"), number))
    if at != len(data):
        raise PeerError("bad-symbols", "a frame of symbols has more bytes than symbols")
    return Frame(key, size, first, tuple(symbols))
