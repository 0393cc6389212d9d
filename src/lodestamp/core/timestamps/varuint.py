"""Numbers in a timestamp: unsigned LEB128, lowest group first (transparency spec R34).

Unlike the varint of `lodestamp.core.encoding` it may be longer than needed: files in the wild are
read as stock parsers read them, and only a canonical one is ever written.

>>> read_varuint(bytes.fromhex("ac02"), 0), read_varuint(bytes.fromhex("8000"), 0)
((300, 2), (0, 2))
"""

from __future__ import annotations

from typing import Final

from lodestamp.errors import BadTimestamp, LimitExceeded

VARUINT_SIZE_MAX: Final = 10
"""Bytes of a number: ten groups of seven bits hold any below 2^64."""

VARUINT_END: Final = 1 << 64
"""The first number that is too large."""


def read_varuint(source: bytes, at: int) -> tuple[int, int]:
    """Read the number at `at`; return it and the position behind it.

    BadTimestamp ``ots.truncated`` when it is cut short; LimitExceeded when it takes more than ten
    bytes or is 2^64 or more.
    """
    value = shift = 0
    for end, byte in enumerate(source[at : at + VARUINT_SIZE_MAX], at + 1):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= VARUINT_END:
                raise LimitExceeded("a number", VARUINT_END - 1, value)
            return value, end
        shift += 7
    if len(source) < at + VARUINT_SIZE_MAX:
        raise BadTimestamp("ots.truncated", "a number is cut short", at=at)
    raise LimitExceeded("the bytes of a number", VARUINT_SIZE_MAX, VARUINT_SIZE_MAX + 1)
