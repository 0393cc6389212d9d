"""The operations of OpenTimestamps: how one message leads to the next (transparency spec R35).

>>> Op.prepend(b"over")(b"leaf")
b'overleaf'
>>> str(Op.append(bytes.fromhex("0aff"))), str(SHA256)
('append 0aff', 'sha256')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Final

from lodestamp.core.hashes import keccak256, ripemd160
from lodestamp.errors import BadTimestamp, LimitExceeded

MESSAGE_SIZE_MAX: Final = 4_096
"""Bytes of a message, of an argument and of a result: what the format's own parser allows."""

APPEND: Final = 0xF0
PREPEND: Final = 0xF1
_REVERSE: Final = 0xF2
_HEXLIFY: Final = 0xF3


def _sha1(message: bytes) -> bytes:
    return sha1(message, usedforsecurity=False).digest()


def _sha256(message: bytes) -> bytes:
    return sha256(message).digest()


def _reverse(message: bytes) -> bytes:
    return message[::-1]


def _hexlify(message: bytes) -> bytes:
    return message.hex().encode()


UNARY: Final[dict[int, tuple[str, Callable[[bytes], bytes]]]] = {
    0x02: ("sha1", _sha1),
    0x03: ("ripemd160", ripemd160),
    0x08: ("sha256", _sha256),
    0x67: ("keccak256", keccak256),
    _REVERSE: ("reverse", _reverse),
    _HEXLIFY: ("hexlify", _hexlify),
}
"""Name and function of each operation that takes nothing but the message, by its tag."""

BINARY: Final = {APPEND: "append", PREPEND: "prepend"}
"""Name of each operation that takes bytes beside the message, by its tag."""

SLOW_TAGS: Final = frozenset({0x03, 0x67})
"""Tags of the hashes that may have to be computed in Python, at half a megabyte a second."""

SLOW_BYTES_MAX: Final = 1 << 18
"""Bytes those hashes read in one timestamp: half a second of work; a real file has a hundred."""


@dataclass(frozen=True, slots=True, order=True)
class Op:
    """One operation: its tag, and the bytes that it appends or prepends (1 to 4,096).

    They sort as a file must list them. BadTimestamp ``ots.unknown-op`` for a tag that is none,
    ``ots.argument`` for bytes where none belong or none where some do; LimitExceeded beyond 4,096.
    """

    tag: int
    argument: bytes = b""

    def __post_init__(self) -> None:
        if self.tag not in BINARY and self.tag not in UNARY:
            raise BadTimestamp("ots.unknown-op", f"there is no operation {self.tag:02x}")
        if (self.tag in BINARY) != bool(self.argument):
            raise BadTimestamp("ots.argument", f"{self.name} with {len(self.argument)} bytes")
        if len(self.argument) > MESSAGE_SIZE_MAX:
            raise LimitExceeded("the argument's size", MESSAGE_SIZE_MAX, len(self.argument))

    @classmethod
    def append(cls, suffix: bytes) -> Op:
        """Put `suffix` behind the message; errors as the class."""
        return cls(APPEND, suffix)

    @classmethod
    def prepend(cls, prefix: bytes) -> Op:
        """Put `prefix` before the message; errors as the class."""
        return cls(PREPEND, prefix)

    @property
    def name(self) -> str:
        """The operation's name, such as ``sha256``."""
        return BINARY.get(self.tag) or UNARY[self.tag][0]

    def __call__(self, message: bytes) -> bytes:
        """Return the result, 1 to 4,096 bytes.

        LimitExceeded when message or result is longer; BadTimestamp ``ots.empty-message``.
        """
        if not message:
            raise BadTimestamp("ots.empty-message", "an operation on an empty message")
        if len(message) > MESSAGE_SIZE_MAX:
            raise LimitExceeded("the message's size", MESSAGE_SIZE_MAX, len(message))
        if self.tag == APPEND:
            result = message + self.argument
        elif self.tag == PREPEND:
            result = self.argument + message
        else:
            result = UNARY[self.tag][1](message)
        if len(result) > MESSAGE_SIZE_MAX:
            raise LimitExceeded("the result's size", MESSAGE_SIZE_MAX, len(result))
        return result

    def __str__(self) -> str:
        return f"{self.name} {self.argument.hex()}".rstrip()


SHA1: Final = Op(0x02)
RIPEMD160: Final = Op(0x03)
SHA256: Final = Op(0x08)
KECCAK256: Final = Op(0x67)
REVERSE: Final = Op(_REVERSE)
HEXLIFY: Final = Op(_HEXLIFY)

DIGEST_SIZES: Final = {SHA1: 20, RIPEMD160: 20, SHA256: 32, KECCAK256: 32}
"""Bytes of the digest of each operation that may hash a whole file (R33)."""


def apply_ops(ops: Iterable[Op], message: bytes) -> bytes:
    """Return what the operations, one after the other, make of `message`; errors as `Op`."""
    for op in ops:
        message = op(message)
    return message
