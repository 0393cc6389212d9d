"""The operations of OpenTimestamps: how one message leads to the next (transparency spec R35).

>>> Op.prepend(b"over")(b"leaf")
b'overleaf'
>>> str(Op.append(bytes.fromhex("0aff"))), str(SHA256)
('append 0aff', 'sha256')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Final

from lodestamp.core.hashes import keccak256, ripemd160
from lodestamp.errors import BadTimestamp, LimitExceeded

if TYPE_CHECKING:
    from hashlib import _Hash

MESSAGE_SIZE_MAX: Final = 4_096
"""Bytes of a message, of an argument and of a result: what the format's own parser allows."""

SLOW_FILE_SIZE_MAX: Final = 1 << 20
"""Bytes of a file that is hashed in a way that may have to be computed in Python: two seconds."""

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

UNARY_OPS: Final = {op.tag: op for op in (SHA1, RIPEMD160, SHA256, KECCAK256, REVERSE, HEXLIFY)}
"""Each operation that takes nothing but the message, by its tag."""

DIGEST_SIZES: Final = {SHA1: 20, RIPEMD160: 20, SHA256: 32, KECCAK256: 32}
"""Bytes of the digest of each operation that may hash a whole file (R33)."""

_STREAMED: Final[dict[Op, Callable[[], _Hash]]] = {
    SHA1: partial(sha1, usedforsecurity=False),
    SHA256: sha256,
}


def hash_pieces(op: Op, pieces: Iterable[bytes | memoryview]) -> bytes:
    """Return the digest of a file given in pieces, by an operation of `DIGEST_SIZES`.

    The hashes that may have to be computed in Python take the file whole, and LimitExceeded tells
    when it has more than 1 MiB. BadTimestamp ``ots.file-op`` for an
    operation that is no hash.
    """
    if op in _STREAMED:
        state = _STREAMED[op]()
        for piece in pieces:
            state.update(piece)
        return state.digest()
    if op not in DIGEST_SIZES:
        raise BadTimestamp("ots.file-op", f"{op.name} is not how a file is hashed")
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > SLOW_FILE_SIZE_MAX:
            raise LimitExceeded(f"a file for {op}", SLOW_FILE_SIZE_MAX, len(whole))
    return UNARY[op.tag][1](bytes(whole))


def apply_ops(ops: Iterable[Op], message: bytes) -> bytes:
    """Return what the operations, one after the other, make of `message`; errors as `Op`."""
    for op in ops:
        message = op(message)
    return message
