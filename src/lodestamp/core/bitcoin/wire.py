r"""How Bitcoin writes numbers and byte strings: little-endian, sizes in the compact form.

>>> compact_size(252).hex(), compact_size(253).hex(), Reader(b"\xfd\xfd\x00").compact_size()
('fc', 'fdfd00', 253)
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from lodestamp.errors import MalformedBitcoin, NonCanonicalSize, UsageError

_U16: Final = Struct("<H")
_U32: Final = Struct("<I")
_I32: Final = Struct("<i")
_U64: Final = Struct("<Q")
_I64: Final = Struct("<q")


def compact_size(n: int) -> bytes:
    """Encode a size: below fd in one byte; else fd, fe or ff and 2, 4 or 8 bytes, little-endian.

    UsageError when `n` is negative or not below 2^64.
    """
    if 0 <= n < 0xFD:
        return bytes((n,))
    if n < 0:
        raise UsageError(f"a size is not negative: {n}")
    if n <= 0xFFFF:
        return b"\xfd" + _U16.pack(n)
    if n <= 0xFFFFFFFF:
        return b"\xfe" + _U32.pack(n)
    if n < 1 << 64:
        return b"\xff" + _U64.pack(n)
    raise UsageError(f"a size is below 2^64: {n}")


def var_bytes(item: bytes) -> bytes:
    """Encode a byte string behind its compact size."""
    return compact_size(len(item)) + item


def var_list(items: Iterable[bytes]) -> bytes:
    """Encode a list of byte strings behind its count, as a witness stack is written."""
    encoded = [var_bytes(item) for item in items]
    return compact_size(len(encoded)) + b"".join(encoded)


class Reader:
    """A position in bytes that only moves forward; every method reads and moves.

    MalformedBitcoin ``cut-short`` when the bytes end too early, whatever is read.
    """

    __slots__ = ("buf", "pos")

    def __init__(self, buf: bytes, pos: int = 0) -> None:
        self.buf = buf
        self.pos = pos

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return len(self.buf) - self.pos

    def take(self, size: int) -> bytes:
        """Read exactly `size` bytes."""
        start = self.pos
        end = start + size
        if end > len(self.buf):
            raise self._cut_short(size)
        self.pos = end
        return self.buf[start:end]

    def u8(self) -> int:
        """Read one byte as a number."""
        pos = self.pos
        if pos >= len(self.buf):
            raise self._cut_short(1)
        self.pos = pos + 1
        return self.buf[pos]

    def u32(self) -> int:
        """Read four bytes, little-endian, unsigned."""
        return self._number(_U32)

    def i32(self) -> int:
        """Read four bytes, little-endian, two's complement."""
        return self._number(_I32)

    def u64(self) -> int:
        """Read eight bytes, little-endian, unsigned."""
        return self._number(_U64)

    def i64(self) -> int:
        """Read eight bytes, little-endian, two's complement."""
        return self._number(_I64)

    def compact_size(self) -> int:
        """Read a compact size; NonCanonicalSize when a shorter form would do."""
        pos = self.pos
        if pos >= len(self.buf):
            raise self._cut_short(1)
        first = self.buf[pos]
        self.pos = pos + 1
        if first < 0xFD:
            return first
        form, least = _LONG_SIZES[first]
        n = self._number(form)
        if n < least:
            raise NonCanonicalSize(
                "non-canonical-size", f"the size {n} is written in {form.size + 1} bytes", at=pos
            )
        return n

    def count(self, item_size_min: int) -> int:
        """Read how many items follow; refuse more than the bytes left can hold, before any is made.

        `item_size_min` is the bytes of the shortest item. MalformedBitcoin ``count``.
        """
        pos = self.pos
        n = self.compact_size()
        if n * item_size_min > len(self.buf) - self.pos:
            raise MalformedBitcoin("count", f"{n} items are announced, but bytes are few", at=pos)
        return n

    def var_bytes(self) -> bytes:
        """Read a byte string behind its compact size."""
        return self.take(self.compact_size())

    def var_list(self) -> tuple[bytes, ...]:
        """Read a list of byte strings behind its count."""
        return tuple([self.var_bytes() for _ in range(self.count(1))])

    def finish(self) -> None:
        """Refuse bytes that nobody has read; MalformedBitcoin ``trailing``."""
        if self.pos != len(self.buf):
            raise MalformedBitcoin("trailing", f"{self.left} bytes are left over", at=self.pos)

    def _number(self, form: Struct) -> int:
        start = self.pos
        end = start + form.size
        if end > len(self.buf):
            raise self._cut_short(form.size)
        self.pos = end
        number: int = form.unpack_from(self.buf, start)[0]
        return number

    def _cut_short(self, size: int) -> MalformedBitcoin:
        return MalformedBitcoin(
            "cut-short", f"{size} bytes are wanted, {self.left} are left", at=self.pos
        )


_LONG_SIZES: Final = {0xFD: (_U16, 0xFD), 0xFE: (_U32, 0x10000), 0xFF: (_U64, 0x100000000)}
