"""Unsigned LEB128 as multiformats use it: minimal, at most nine bytes (content spec R1).

>>> uvarint_encode(300).hex(), uvarint_decode(bytes.fromhex("ac02"))
('ac02', (300, 2))
"""

from __future__ import annotations

from typing import Final

from lodestamp.errors import CidError

UVARINT_BYTES_MAX: Final = 9
"""Nine groups of seven bits: values below 2^63."""


def uvarint_encode(n: int) -> bytes:
    """Encode `n`, 0 <= n < 2^63, little groups first; CidError ``cid.varint`` outside that."""
    if not 0 <= n < 1 << 63:
        raise CidError("cid.varint", f"{n} does not fit a varint of nine bytes")
    return leb128_encode(n)


def leb128_encode(n: int) -> bytes:
    """Encode `n` >= 0 in groups of seven bits, the lowest first; the caller has bounded it."""
    if n <= 0x7F:
        return bytes((n,))
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def uvarint_decode(buf: bytes | memoryview, pos: int = 0) -> tuple[int, int]:
    """Decode the varint at `pos`; return it and the position after it.

    CidError ``cid.varint`` when it is cut short, longer than nine bytes, or not minimal.
    """
    value = 0
    for count in range(UVARINT_BYTES_MAX):
        if pos + count >= len(buf):
            raise CidError("cid.varint", "varint is cut short", at=f"byte {pos}")
        byte = buf[pos + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if byte == 0 and count:
                raise CidError("cid.varint", "varint is not minimal", at=f"byte {pos}")
            return value, pos + count + 1
    raise CidError("cid.varint", "varint is longer than nine bytes", at=f"byte {pos}")
