"""Bech32 and bech32m: five-bit texts with a check that finds any four errors (BIP173, BIP350).

>>> bech32_decode("A12UEL5L")
('a', b'', <Encoding.BECH32: 1>)
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from lodestamp.errors import MalformedAddress

BECH32_LENGTH_MAX: Final = 90
"""Characters: the length up to which four errors are sure to be found (BIP173)."""

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK_LENGTH: Final = 6


class Encoding(IntEnum):
    """The constant that the check of each variant leaves."""

    BECH32 = 1
    BECH32M = 0x2BC830A3


def bech32_encode(hrp: str, values: bytes, encoding: Encoding) -> str:
    """Join a human-readable part with five-bit values and their check.

    MalformedAddress ``bech32`` when a value has six bits or the text would pass 90 characters.
    """
    if any(value > 31 for value in values):
        raise MalformedAddress("bech32", "a bech32 value has five bits")
    residue = _polymod(_expand(hrp) + values + bytes(_CHECK_LENGTH)) ^ encoding
    check = bytes(residue >> 5 * (5 - place) & 31 for place in range(_CHECK_LENGTH))
    text = hrp + "1" + "".join(_ALPHABET[value] for value in values + check)
    if len(text) > BECH32_LENGTH_MAX:
        raise MalformedAddress("bech32", "the text is longer than 90 characters")
    return text


def bech32_decode(text: str) -> tuple[str, bytes, Encoding]:
    """Split a text into human-readable part, five-bit values and variant; the part is lower case.

    MalformedAddress ``bech32`` for mixed case, a foreign character, a wrong length or check.
    """
    if len(text) > BECH32_LENGTH_MAX or not all(33 <= ord(each) <= 126 for each in text):
        raise MalformedAddress("bech32", "no bech32 text of at most 90 characters")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise MalformedAddress("bech32", "mixed case")
    hrp, separator, tail = lower.rpartition("1")
    if not separator or not hrp or len(tail) < _CHECK_LENGTH or not set(tail) <= _VALUES.keys():
        raise MalformedAddress("bech32", "no separator, or a foreign character")
    values = bytes(_VALUES[character] for character in tail)
    residue = _polymod(_expand(hrp) + values)
    if residue not in (Encoding.BECH32, Encoding.BECH32M):
        raise MalformedAddress("bech32", "the check does not hold: a typing error")
    return hrp, values[:-_CHECK_LENGTH], Encoding(residue)


def to_base32(data: bytes) -> bytes:
    """Regroup bytes into five-bit values, the last one padded with zero bits."""
    number, bits = int.from_bytes(data, "big"), 8 * len(data)
    count = -(-bits // 5)
    number <<= 5 * count - bits
    return bytes(number >> 5 * (count - 1 - place) & 31 for place in range(count))


def from_base32(values: bytes) -> bytes:
    """Regroup five-bit values into bytes.

    MalformedAddress ``bech32-padding`` for more than four bits of padding, or any that is set (R4).
    """
    number = 0
    for value in values:
        number = number << 5 | value
    count, padding = divmod(5 * len(values), 8)
    if padding > 4 or number & (1 << padding) - 1:
        raise MalformedAddress("bech32-padding", "the padding is not up to four zero bits")
    return (number >> padding).to_bytes(count, "big")


def _expand(hrp: str) -> bytes:
    codes = hrp.encode("ascii")
    return bytes(code >> 5 for code in codes) + b"\0" + bytes(code & 31 for code in codes)


def _polymod(values: bytes) -> int:
    residue = 1
    for value in values:
        top = residue >> 25
        residue = (residue & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            if top >> place & 1:
                residue ^= term
    return residue
