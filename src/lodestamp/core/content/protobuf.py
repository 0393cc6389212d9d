"""The few protobuf forms that dag-pb and UnixFS use: varints, byte strings and fixed32.

Reading accepts varints that are not minimal, as the format's other readers do (content spec R13):
a block's hash pins its bytes, and the strict reading of dag-pb compares them anyway.

>>> field_uint(3, 300).hex(), list(fields(bytes.fromhex("18ac02"), "dagpb"))
('18ac02', [Field(number=3, wire=0, value=300, at=0)])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from lodestamp.core.encoding import leb128_encode
from lodestamp.errors import CodecError

VARINT: Final = 0
BYTES: Final = 2
FIXED32: Final = 5
_ONE_BYTE: Final = tuple(bytes((n,)) for n in range(0x80))
"""The varints below 128: keys and most lengths, so most of the varints of a node."""
_VARINT_BYTES_MAX: Final = 10
"""Ten groups of seven bits hold every 64-bit value."""


class Field(NamedTuple):
    """One field: its number, its wire type, its value, and the offset of its key in bytes."""

    number: int
    wire: int
    value: int | bytes
    at: int


def varint(n: int) -> bytes:
    """Encode 0 <= n < 2^64, little groups first; CodecError ``protobuf.range`` outside that."""
    if 0 <= n < 0x80:
        return _ONE_BYTE[n]
    if not 0 <= n < 1 << 64:
        raise CodecError("protobuf.range", f"{n} is no unsigned 64-bit number")
    return leb128_encode(n)


def field_uint(number: int, value: int) -> bytes:
    """Encode a varint field; errors as `varint`."""
    return varint(number << 3 | VARINT) + varint(value)


def field_bytes(number: int, value: bytes) -> bytes:
    """Encode a length-delimited field."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def field_fixed32(number: int, value: int) -> bytes:
    """Encode 0 <= value < 2^32 as four bytes, little endian."""
    return varint(number << 3 | FIXED32) + value.to_bytes(4, "little")


def read_varint(buf: bytes, pos: int, form: str) -> tuple[int, int]:
    """Decode the varint at `pos`; return it and the position after it.

    CodecError ``<form>.truncated`` when it is cut short, ``<form>.wire`` when it passes 64 bits.
    """
    value = 0
    for count, byte in enumerate(buf[pos : pos + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if value >> 64:
                break
            return value, pos + count + 1
    else:
        if len(buf) - pos < _VARINT_BYTES_MAX:
            raise CodecError(f"{form}.truncated", "a varint is cut short", at=pos)
    raise CodecError(f"{form}.wire", "a varint passes 64 bits", at=pos)


def fields(buf: bytes, form: str) -> Iterator[Field]:
    """Read the fields of a message in order; `form` names the format in error codes.

    CodecError ``<form>.truncated`` when a value runs past the end, ``<form>.wire`` for a wire type
    or field number that does not occur.
    """
    pos = 0
    while pos < len(buf):
        at = pos
        key, pos = read_varint(buf, pos, form)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if wire == VARINT:
            value, pos = read_varint(buf, pos, form)
        elif wire == BYTES:
            length, pos = read_varint(buf, pos, form)
            value, pos = _take(buf, pos, length, form)
        elif wire == FIXED32:
            raw, pos = _take(buf, pos, 4, form)
            value = int.from_bytes(raw, "little")
        else:
            raise CodecError(f"{form}.wire", f"wire type {wire} does not occur here", at=at)
        yield Field(number, wire, value, at)


def _take(buf: bytes, pos: int, length: int, form: str) -> tuple[bytes, int]:
    end = pos + length
    if end > len(buf):
        raise CodecError(f"{form}.truncated", f"{length} bytes run past the end", at=pos)
    return buf[pos:end], end
