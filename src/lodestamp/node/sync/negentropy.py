"""Negentropy version 1, for peers that speak it and for comparison (operations spec Y6).

Range-based set reconciliation over (timestamp, id of 32 bytes), as NIP-77 uses it: protocol byte
0x61, fingerprints of 16 bytes. The client calls `initiate` and sends it; each side answers with
`reconcile`; the client is done when that returns None. Our own sync does not use it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from lodestamp.errors import PeerError, UsageError

PROTOCOL: Final = 0x61
FRAME_SIZE_MIN: Final = 4096
ITEM_TIME_MAX: Final = 2**64 - 2
"""The greatest time stamp: one more would be read as infinity."""
_ID_SIZE: Final = 32
_FINGERPRINT_SIZE: Final = 16
_BUCKETS: Final = 16
_RESERVED: Final = 200
"""Bytes of a frame kept free for the fingerprint of the rest."""
_SKIP, _FINGERPRINT, _ID_LIST = 0, 1, 2
_INFINITY: Final = 2**64 - 1

Bound = tuple[int, bytes]
"""A place in the order of items: a time stamp and the beginning of an id."""
_END: Final[Bound] = (_INFINITY, b"")


class Negentropy:
    """One side of a comparison. `have` and `need` are the client's result."""

    def __init__(self, items: Iterable[tuple[int, bytes]], *, frame_size_max: int = 0) -> None:
        """Compare these (time stamp, id) pairs; a frame size of 0 means frames of any size.

        UsageError when an id has not 32 bytes, an item stands twice, or frames are too small.
        """
        self._items: list[Bound] = sorted(items)
        ids = [(time, len(each)) for time, each in self._items]
        if any(size != _ID_SIZE or not 0 <= time <= ITEM_TIME_MAX for time, size in ids):
            raise UsageError("an item is a time and an id of 32 bytes")
        if len(set(self._items)) != len(self._items):
            raise UsageError("an item stands twice")
        if frame_size_max and frame_size_max < FRAME_SIZE_MIN:
            raise UsageError(f"a frame has at least {FRAME_SIZE_MIN:,} bytes")
        self._frame_size_max = frame_size_max
        self._initiator = False
        self.have: list[bytes] = []
        self.need: list[bytes] = []

    def initiate(self) -> bytes:
        """Return the client's first message."""
        self._initiator = True
        out = _Writer(bytes([PROTOCOL]))
        self._split(out, 0, len(self._items), _END)
        return bytes(out.data)

    def reconcile(self, message: bytes) -> bytes | None:
        """Return the answer to a message; None when the client knows the whole difference.

        PeerError ``bad-negentropy`` when the message is none.
        """
        reader = _Reader(message)
        version = reader.byte()
        if not 0x60 <= version <= 0x6F:
            raise PeerError("bad-negentropy", "not a message of negentropy")
        if version != PROTOCOL:
            if self._initiator:
                raise PeerError("bad-negentropy", f"it speaks version {version - 0x60} only")
            return bytes([PROTOCOL])
        out = _Writer(bytes([PROTOCOL]))
        self._answer(reader, out)
        return None if self._initiator and len(out.data) == 1 else bytes(out.data)

    def _answer(self, reader: _Reader, out: _Writer) -> None:
        previous: Bound = (0, b"")
        lower, skipping = 0, False
        while not reader.at_end:
            bound = reader.bound()
            mode = reader.number()
            upper = bisect_left(self._items, bound, lower)
            piece = _Writer(b"", out.time)
            if mode == _SKIP:
                skipping = True
            elif mode == _FINGERPRINT:
                if reader.take(_FINGERPRINT_SIZE) == self._fingerprint(lower, upper):
                    skipping = True
                else:
                    skipping = _skip(piece, previous, skipping=skipping)
                    self._split(piece, lower, upper, bound)
            elif mode == _ID_LIST:
                theirs = [reader.take(_ID_SIZE) for _ in range(reader.number())]
                if self._initiator:
                    skipping = True
                    self._compare(theirs, lower, upper)
                else:
                    skipping = _skip(piece, previous, skipping=skipping)
                    upper = self._list(piece, len(out.data), lower, upper, bound)
                    out.join(piece)
                    piece = _Writer(b"", out.time)
            else:
                raise PeerError("bad-negentropy", f"there is no mode {mode}")
            if self._exceeds(len(out.data) + len(piece.data)):
                out.range(_END, _FINGERPRINT, self._fingerprint(upper, len(self._items)))
                return
            out.join(piece)
            lower, previous = upper, bound

    def _compare(self, theirs: list[bytes], lower: int, upper: int) -> None:
        need = dict.fromkeys(theirs)
        for _, own in self._items[lower:upper]:
            if own in need:
                del need[own]
            else:
                self.have.append(own)
        self.need += need

    def _list(self, piece: _Writer, before: int, lower: int, upper: int, bound: Bound) -> int:
        """List our ids of a range as far as the frame goes; return where the list ends."""
        ids = bytearray()
        for place in range(lower, upper):
            if self._exceeds(before + len(ids)):
                upper, bound = place, self._items[place]
                break
            ids += self._items[place][1]
        piece.range(bound, _ID_LIST, _number(len(ids) // _ID_SIZE) + ids)
        return upper

    def _split(self, out: _Writer, lower: int, upper: int, bound: Bound) -> None:
        """Say a range by its ids when they are few, else by the fingerprints of 16 parts."""
        count = upper - lower
        if count < 2 * _BUCKETS:
            ids = b"".join(each for _, each in self._items[lower:upper])
            out.range(bound, _ID_LIST, _number(count) + ids)
            return
        each, extra = divmod(count, _BUCKETS)
        for bucket in range(_BUCKETS):
            end = lower + each + (bucket < extra)
            until = bound if end == upper else _between(self._items[end - 1], self._items[end])
            out.range(until, _FINGERPRINT, self._fingerprint(lower, end))
            lower = end

    def _fingerprint(self, lower: int, upper: int) -> bytes:
        total = sum(int.from_bytes(each, "little") for _, each in self._items[lower:upper])
        folded = (total % (1 << 256)).to_bytes(_ID_SIZE, "little") + _number(upper - lower)
        return sha256(folded).digest()[:_FINGERPRINT_SIZE]

    def _exceeds(self, size: int) -> bool:
        return bool(self._frame_size_max) and size > self._frame_size_max - _RESERVED


def _skip(piece: _Writer, previous: Bound, *, skipping: bool) -> bool:
    """Say what was passed over, if anything was; the answer is that nothing is now."""
    if skipping:
        piece.range(previous, _SKIP, b"")
    return False


def _between(before: Bound, after: Bound) -> Bound:
    """Return the shortest bound above one item and not above the next."""
    if before[0] != after[0]:
        return after[0], b""
    shared = next(n for n in range(_ID_SIZE) if before[1][n] != after[1][n])
    return after[0], after[1][: shared + 1]


def _number(value: int) -> bytes:
    """Encode a number in groups of seven bits, the highest first."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


class _Writer:
    """A message being written; time stamps are differences from the one before."""

    def __init__(self, data: bytes, time: int = 0) -> None:
        self.data = bytearray(data)
        self.time = time

    def range(self, bound: Bound, mode: int, payload: bytes | bytearray) -> None:
        """Write one range up to `bound`."""
        time, prefix = bound
        self.data += _number(0 if time == _INFINITY else time - self.time + 1)
        self.time = time
        self.data += _number(len(prefix)) + prefix + _number(mode) + payload

    def join(self, piece: _Writer) -> None:
        """Take over what was written apart."""
        self.data += piece.data
        self.time = piece.time


class _Reader:
    """A message being read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._time = 0

    @property
    def at_end(self) -> bool:
        """Whether everything is read."""
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > len(self._data) - self._at:
            raise PeerError("bad-negentropy", "the message is cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Return the next number, below 2^64."""
        value = 0
        for _ in range(10):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                break
        else:
            raise PeerError("bad-negentropy", "a number is too long")
        if value > _INFINITY:
            raise PeerError("bad-negentropy", "a number is too large")
        return value

    def bound(self) -> Bound:
        """Return the next bound; bounds may not go backwards in time."""
        delta = self.number()
        if delta == 0 or self._time == _INFINITY:
            self._time = _INFINITY
        else:
            self._time = min(self._time + delta - 1, _INFINITY)
        size = self.number()
        if size > _ID_SIZE:
            raise PeerError("bad-negentropy", "the id of a bound is too long")
        return self._time, self.take(size)
