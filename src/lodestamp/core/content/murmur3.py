"""MurmurHash3 x64-128, seed 0: where a name stands in a sharded directory (content spec R52).

It spreads names and protects nothing: anyone can find two names of one hash.

>>> murmur3_x64_64(b"470.txt").hex()
'006e88df5847e67c'
"""

from __future__ import annotations

from typing import Final

_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F
_MASK: Final = (1 << 64) - 1
_STRIPE: Final = 16


def murmur3_x64_64(name: bytes) -> bytes:
    """Return the first 64 bits (h1) of the hash, as 8 bytes, big endian."""
    h1 = h2 = 0
    size = len(name)
    whole = size - size % _STRIPE
    for at in range(0, whole, _STRIPE):
        k1 = int.from_bytes(name[at : at + 8], "little")
        k2 = int.from_bytes(name[at + 8 : at + _STRIPE], "little")
        k1 = k1 * _C1 & _MASK
        h1 ^= (k1 << 31 | k1 >> 33) * _C2 & _MASK
        h1 = (h1 << 27 | h1 >> 37) + h2 & _MASK
        h1 = h1 * 5 + 0x52DCE729 & _MASK
        k2 = k2 * _C2 & _MASK
        h2 ^= (k2 << 33 | k2 >> 31) * _C1 & _MASK
        h2 = (h2 << 31 | h2 >> 33) + h1 & _MASK
        h2 = h2 * 5 + 0x38495AB5 & _MASK
    if size > whole + 8:
        k2 = int.from_bytes(name[whole + 8 :], "little") * _C2 & _MASK
        h2 ^= (k2 << 33 | k2 >> 31) * _C1 & _MASK
    if size > whole:
        k1 = int.from_bytes(name[whole : whole + 8], "little") * _C1 & _MASK
        h1 ^= (k1 << 31 | k1 >> 33) * _C2 & _MASK
    h1 ^= size
    h2 ^= size
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    return (_mixed(h1) + _mixed(h2) & _MASK).to_bytes(8, "big")


def _mixed(k: int) -> int:
    k ^= k >> 33
    k = k * 0xFF51AFD7ED558CCD & _MASK
    k ^= k >> 33
    k = k * 0xC4CEB9FE1A85EC53 & _MASK
    return k ^ k >> 33
