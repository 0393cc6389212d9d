"""The 80-byte block header, its compact target and the work it stands for.

>>> target_of(0x1D00FFFF) == 0xFFFF << 208, bits_of(0xFFFF << 208) == 0x1D00FFFF
(True, True)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.errors import MalformedBlock

HEADER_SIZE: Final = 80
"""Bytes of every header."""

HEADER_LAYOUT: Final = struct.Struct("<i32s32sIII")
"""Version, parent, Merkle root, time, bits and nonce, all little-endian."""


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a miner hashes; `prev` and `merkle` are in internal byte order, `time` Unix seconds."""

    version: int
    prev: bytes
    merkle: bytes
    time: int
    bits: int
    nonce: int

    def __post_init__(self) -> None:
        if len(self.prev) != 32 or len(self.merkle) != 32:
            raise MalformedBlock("header-hash", "a header names two hashes of 32 bytes")
        if not (
            -0x80000000 <= self.version <= 0x7FFFFFFF
            and 0 <= self.time <= 0xFFFFFFFF
            and 0 <= self.bits <= 0xFFFFFFFF
            and 0 <= self.nonce <= 0xFFFFFFFF
        ):
            raise MalformedBlock("header", "a number of the header does not fit its field")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly 80 bytes; MalformedBlock ``header-size`` for any other number of them."""
        if len(data) != HEADER_SIZE:
            message = f"a header has {HEADER_SIZE} bytes, not {len(data)}"
            raise MalformedBlock("header-size", message)
        return cls(*HEADER_LAYOUT.unpack(data))

    def encode(self) -> bytes:
        """Return the 80 bytes that are hashed."""
        return HEADER_LAYOUT.pack(
            self.version, self.prev, self.merkle, self.time, self.bits, self.nonce
        )

    @property
    def hash(self) -> bytes:
        """The block hash, 32 bytes in internal byte order."""
        return sha256d(self.encode())

    @property
    def hash_display(self) -> str:
        """The block hash as people write it: reversed, in hex."""
        return self.hash[::-1].hex()

    @property
    def work(self) -> int:
        """The hashes one block of this target costs on average; 0 for a target that is none."""
        target = target_of(self.bits)
        return 0 if target is None else work_of_target(target)


@lru_cache(maxsize=256)
def target_of(bits: int) -> int | None:
    """Expand a compact target; None when it is negative, zero or above 2^256-1 (R17)."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    if bits & 0x800000 or not mantissa:
        return None
    shift = 8 * (exponent - 3)
    target = mantissa << shift if shift >= 0 else mantissa >> -shift
    return target if 0 < target < 1 << 256 else None


def bits_of(target: int) -> int:
    """Cut a target down to its compact form, as consensus does when it retargets."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:  # the top bit is a sign
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


@lru_cache(maxsize=256)
def work_of_target(target: int) -> int:
    """Return floor(2^256 / (target + 1)) (R18)."""
    return (1 << 256) // (target + 1)


def meets_target(block_hash: bytes, bits: int) -> bool:
    """Tell whether a hash, read as a little-endian integer, is at most the compact target."""
    target = target_of(bits)
    return target is not None and int.from_bytes(block_hash, "little") <= target
