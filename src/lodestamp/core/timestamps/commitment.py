"""What a calendar commits to: a root, its time, and a mac that only the calendar can make (R47).

>>> commitment(bytes(32), 1_700_000_000, bytes(32))[:4].hex()
'6553f100'
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from lodestamp.core.merkle import HASH_SIZE
from lodestamp.errors import BadHashLength, BadTimestamp

MAC_SIZE: Final = 8
TIME_SIZE: Final = 4
_TIME_BITS: Final = 32


def commitment(root: bytes, time: int, key: bytes) -> bytes:
    """Return the 44 bytes: `time` (Unix seconds, big-endian), `root`, and the mac under `key`.

    The mac is SHA-256 of time, root and a key of that second, its first eight bytes; the key of a
    second is made from `key`, 32 bytes, bit by bit, as the reference server does (R48).
    BadHashLength for another root or key; BadTimestamp ``ots.time`` outside 0 to 2^32-1.
    """
    if len(root) != HASH_SIZE or len(key) != HASH_SIZE:
        raise BadHashLength(f"a root and a key of {HASH_SIZE} bytes")
    if time < 0 or time >> _TIME_BITS:
        raise BadTimestamp("ots.time", f"{time} seconds do not fit four bytes")
    derived = key
    for bit in reversed(range(_TIME_BITS)):
        derived = sha256(derived + (b"\xff" if time >> bit & 1 else b"\x00")).digest()
    committed = time.to_bytes(TIME_SIZE, "big") + root
    return committed + sha256(committed + derived).digest()[:MAC_SIZE]
