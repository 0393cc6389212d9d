"""Multihash: a digest that names its own hash function.

Parsing and checking are apart (content spec R6): any code parses, so that foreign links survive,
but only the functions in `_HASHERS` can check bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.encoding.varint import uvarint_decode, uvarint_encode
from lodestamp.errors import CidError

DIGEST_BYTES_MAX: Final = 128
"""Content spec R6; identity digests too (IPIP-0512)."""


class HashCode(IntEnum):
    """Multicodec codes of the hash functions this product knows by name."""

    IDENTITY = 0x00
    SHA1 = 0x11
    SHA2_256 = 0x12
    SHA2_512 = 0x13
    SHA3_512 = 0x14
    SHA3_384 = 0x15
    SHA3_256 = 0x16
    SHA3_224 = 0x17
    BLAKE3 = 0x1E
    MD5 = 0xD5
    BLAKE2B_256 = 0xB220


FULL_LENGTHS: Final = MappingProxyType(
    {
        HashCode.SHA1: 20,
        HashCode.SHA2_256: 32,
        HashCode.SHA2_512: 64,
        HashCode.SHA3_512: 64,
        HashCode.SHA3_384: 48,
        HashCode.SHA3_256: 32,
        HashCode.SHA3_224: 28,
        HashCode.BLAKE3: 32,
        HashCode.MD5: 16,
        HashCode.BLAKE2B_256: 32,
    }
)
"""Digest length in bytes of each function, untruncated."""


@dataclass(frozen=True, slots=True, order=True)
class Multihash:
    """A hash function's code and a digest of at most 128 bytes, which may be truncated."""

    code: int
    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) > DIGEST_BYTES_MAX:
            code = "cid.identity-too-long" if self.code == 0 else "cid.digest-length"
            raise CidError(code, f"a digest of {len(self.digest)} bytes, more than 128")

    @classmethod
    def decode(cls, buf: bytes) -> Self:
        """Parse a whole multihash; CidError on a cut, over-long or trailing byte."""
        multihash, end = cls.read(buf, 0)
        if end != len(buf):
            raise CidError("cid.trailing", "bytes follow the multihash", at=f"byte {end}")
        return multihash

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Self, int]:
        """Parse the multihash at `pos`; return it and the position after it."""
        code, pos = uvarint_decode(buf, pos)
        length, pos = uvarint_decode(buf, pos)
        if length > DIGEST_BYTES_MAX:
            name = "cid.identity-too-long" if code == 0 else "cid.digest-length"
            raise CidError(name, f"a digest of {length} bytes, more than 128")
        if pos + length > len(buf):
            raise CidError("cid.digest-length", "the digest is cut short", at=f"byte {pos}")
        return cls(code, bytes(buf[pos : pos + length])), pos + length

    def encode(self) -> bytes:
        """Return varint code, varint length, digest."""
        return uvarint_encode(self.code) + uvarint_encode(len(self.digest)) + self.digest

    def matches(self, data: bytes) -> bool:
        """Tell whether `data` has this (whole) digest.

        CidError ``hash.weak`` for SHA-1 and MD5, ``hash.unsupported`` for functions we cannot run.
        """
        if self.code in (HashCode.SHA1, HashCode.MD5):
            raise CidError("hash.weak", "SHA-1 and MD5 prove nothing about bytes any more")
        hasher = _HASHERS.get(self.code)
        if hasher is None:
            raise CidError("hash.unsupported", f"cannot check hash function 0x{self.code:x}")
        return hasher(data) == self.digest


def hash_with(code: int, data: bytes) -> bytes:
    """Return the digest of `data`; CidError ``hash.unsupported`` for a function we cannot run."""
    hasher = _HASHERS.get(code)
    if hasher is None:
        raise CidError("hash.unsupported", f"cannot compute hash function 0x{code:x}")
    return hasher(data)


def _blake3(data: bytes) -> bytes:
    try:
        from blake3 import blake3  # noqa: PLC0415  an extra; most installs have none
    except ImportError:
        hint = "install lodestamp[blake3]"
        raise CidError("hash.unsupported", "BLAKE3 is not installed", hint=hint) from None
    return blake3(data).digest()


_HASHERS: Final[MappingProxyType[int, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        HashCode.IDENTITY: bytes,
        HashCode.SHA2_256: lambda data: hashlib.sha256(data).digest(),
        HashCode.SHA2_512: lambda data: hashlib.sha512(data).digest(),
        HashCode.SHA3_256: lambda data: hashlib.sha3_256(data).digest(),
        HashCode.BLAKE2B_256: lambda data: hashlib.blake2b(data, digest_size=32).digest(),
        HashCode.BLAKE3: _blake3,
    }
)
