"""The hashes Bitcoin names: double SHA-256, HASH160, and the tagged hashes of BIP-340.

>>> sha256d(b"hello").hex()[:16]
'9595c9df90075148'
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256 as _sha256
from typing import TYPE_CHECKING

from lodestamp.core.hashes import ripemd160

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["hash160", "ripemd160", "sha256", "sha256d", "tagged_hash"]


def sha256(message: bytes) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return _sha256(message).digest()


def sha256d(message: bytes) -> bytes:
    """Return the 32 bytes of SHA-256 of SHA-256, in internal byte order (as hashed)."""
    return _sha256(_sha256(message).digest()).digest()


def hash160(message: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160 of SHA-256."""
    return ripemd160(_sha256(message).digest())


def tagged_hash(tag: str, message: bytes) -> bytes:
    """Return SHA256(SHA256(tag) ‖ SHA256(tag) ‖ message), 32 bytes (BIP-340)."""
    state = _midstate(tag).copy()
    state.update(message)
    return state.digest()


@lru_cache(maxsize=64)
def _midstate(tag: str) -> _Hash:
    digest = _sha256(tag.encode()).digest()
    return _sha256(digest + digest)
