"""RIPEMD-160, from OpenSSL where it has it and in Python where it does not.

OpenSSL 3 keeps it in a legacy provider that many systems leave out; Bitcoin needs it everywhere
(BIP-16, BIP-141). Both roads give the same bytes, which a test shows.

>>> ripemd160(b"abc").hex()
'8eb208f7e05d987a9b044a8e98c6b087f15a0bfc'
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from typing import Final

_LEFT_WORDS: Final = bytes.fromhex(
    "000102030405060708090a0b0c0d0e0f"
    "07040d010a060f030c000905020e0b08"
    "030a0e04090f0801020700060d0b050c"
    "01090b0a00080c040d03070f0e050602"
    "04000509070c020a0e0103080b060f0d"
)
_RIGHT_WORDS: Final = bytes.fromhex(
    "050e070009020b040d060f08010a030c"
    "060b0307000d050a0e0f080c04090102"
    "0f050103070e06090b080c020a00040d"
    "08060401030b0f00050c020d09070a0e"
    "0c0f0a040105080706020d0e0003090b"
)
_LEFT_TURNS: Final = bytes.fromhex(
    "0b0e0f0c050807090b0d0e0f06070908"
    "0706080d0b09070f070c0f090b070d0c"
    "0b0d06070e090d0f0e080d06050c0705"
    "0b0c0e0f0e0f0908090e05060806050c"
    "090f050b06080d0c050c0d0e0b080506"
)
_RIGHT_TURNS: Final = bytes.fromhex(
    "0809090b0d0f0f050707080b0e0e0c06"
    "090d0f070c08090b07070c07060f0d0b"
    "09070f0b0806060e0c0d050e0d0d0705"
    "0f05080b0e0e060e06090c090c050f08"
    "08050c090c050e06080d06050f0d0b0b"
)
"""Order of the words and rotations of the 80 steps on either line, 16 per round."""
_LEFT_ADDS: Final = (0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_ADDS: Final = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0)
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
_WORD: Final = 0xFFFFFFFF

_State = tuple[int, int, int, int, int]


def ripemd160_in_python(message: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160, computed without OpenSSL."""
    padding = b"\x80" + bytes(-(len(message) + 9) % 64)
    padded = message + padding + struct.pack("<Q", len(message) * 8)
    state: _State = _START
    for start in range(0, len(padded), 64):
        state = _compress(state, struct.unpack_from("<16I", padded, start))
    return struct.pack("<5I", *state)


def _compress(state: _State, words: tuple[int, ...]) -> _State:
    left = _line(state, words, _LEFT_WORDS, _LEFT_TURNS, _LEFT_ADDS, first=0)
    right = _line(state, words, _RIGHT_WORDS, _RIGHT_TURNS, _RIGHT_ADDS, first=4)
    mixed = [
        (state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _WORD for i in range(5)
    ]
    return mixed[0], mixed[1], mixed[2], mixed[3], mixed[4]


def _line(
    state: _State,
    words: tuple[int, ...],
    order: bytes,
    turns: bytes,
    adds: tuple[int, ...],
    *,
    first: int,
) -> _State:
    """Run the 80 steps of one line; the right one takes the five functions backwards."""
    a, b, c, d, e = state
    for step in range(80):
        phase = step >> 4
        mixed = a + _mix(abs(first - phase), b, c, d) + words[order[step]] + adds[phase]
        mixed &= _WORD
        turn = turns[step]
        turned = (mixed << turn | mixed >> 32 - turn) + e & _WORD
        a, b, c, d, e = e, turned, b, (c << 10 | c >> 22) & _WORD, d
    return a, b, c, d, e


def _mix(function: int, x: int, y: int, z: int) -> int:
    if function == 0:
        return x ^ y ^ z
    if function == 1:
        return (x & y) | (~x & z)
    if function == 2:
        return (x | (~y & _WORD)) ^ z
    if function == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | (~z & _WORD))


def ripemd160_in_openssl(message: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160 from OpenSSL, which must have it."""
    return hashlib.new("ripemd160", message, usedforsecurity=False).digest()


def _fastest() -> Callable[[bytes], bytes]:
    try:
        ripemd160_in_openssl(b"")
    except ValueError:
        return ripemd160_in_python
    return ripemd160_in_openssl


_chosen: Final = _fastest()


def ripemd160(message: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160 of `message`."""
    return _chosen(message)
