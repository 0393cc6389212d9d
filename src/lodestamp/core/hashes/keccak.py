"""Keccak-256 as it was submitted, before SHA-3 changed its padding; OpenTimestamps knows it.

It is the sponge of FIPS 202 with 1,088 bits of rate; only the byte after the message differs, 01
here and 06 in SHA3-256, so OpenSSL cannot compute it.

>>> keccak256(b"").hex()
'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
"""

from __future__ import annotations

import struct
from typing import Final

RATE: Final = 136
"""Bytes absorbed by one permutation."""

_LANE: Final = (1 << 64) - 1
_ROUNDS: Final = 24


def _round_constants() -> tuple[int, ...]:
    """Compute the constant of each round from the register of FIPS 202, algorithm 5."""
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << (1 << power) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _moves() -> tuple[tuple[int, int], ...]:
    """Compute, for the lanes 1 to 24 in the order they move, target and rotation (rho and pi)."""
    moves, x, y = [], 1, 0
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        moves.append((x + 5 * y, (step + 1) * (step + 2) // 2 % 64))
    return tuple(moves)


_CONSTANTS: Final = _round_constants()
_MOVES: Final = _moves()
_ROWS: Final = (0, 5, 10, 15, 20)


def _permute(lanes: list[int]) -> None:
    """Run the 24 rounds of Keccak-f[1600] over 25 lanes of 64 bits."""
    for constant in _CONSTANTS:
        a, b, c, d, e = (
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        )
        turned = (
            e ^ (b << 1 & _LANE | b >> 63),
            a ^ (c << 1 & _LANE | c >> 63),
            b ^ (d << 1 & _LANE | d >> 63),
            c ^ (e << 1 & _LANE | e >> 63),
            d ^ (a << 1 & _LANE | a >> 63),
        )
        lanes[:] = [lane ^ turned[place % 5] for place, lane in enumerate(lanes)]
        moved = lanes[1]
        for target, turn in _MOVES:
            moved, lanes[target] = lanes[target], moved << turn & _LANE | moved >> 64 - turn
        for row in _ROWS:
            a, b, c, d, e = lanes[row : row + 5]
            lanes[row : row + 5] = (a ^ ~b & c, b ^ ~c & d, c ^ ~d & e, d ^ ~e & a, e ^ ~a & b)
        lanes[0] ^= constant


def keccak256(message: bytes) -> bytes:
    """Return the 32 bytes of Keccak-256; some 0.2 ms for each 136 bytes of `message`."""
    padding = bytearray(RATE - len(message) % RATE)
    padding[0] = 0x01
    padding[-1] |= 0x80
    padded = message + padding
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for place, lane in enumerate(struct.unpack_from("<17Q", padded, start)):
            lanes[place] ^= lane
        _permute(lanes)
    return struct.pack("<4Q", *lanes[:4])
