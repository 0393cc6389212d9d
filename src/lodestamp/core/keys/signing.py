"""Signing keys: made from a seed, never shown (operations spec K3, K4).

>>> key = SigningKey.from_seed("ed25519", bytes(32))
>>> key
<SigningKey ed25519:3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29>
>>> from lodestamp.core.keys import verify
>>> verify(key.public_key, b"payload", key.sign(b"payload"))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol

from lodestamp.core.keys.public import KeyId, PublicKey
from lodestamp.core.keys.suites import suite_named
from lodestamp.errors import KeyFormatError, UsageError


class Signer(Protocol):
    """Whatever signs for one key: a `SigningKey`, a key file, a device, a person's wallet."""

    @property
    def key_id(self) -> KeyId:
        """The id of the key that signs."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what `sign` returns."""

    def sign(self, payload: bytes) -> bytes:
        """Sign exactly these bytes."""


class SigningKey:
    """A secret key in memory. It cannot be printed, pickled or copied."""

    __slots__ = ("_sign", "public_key")

    def __init__(self, public_key: PublicKey, sign: Callable[[bytes], bytes]) -> None:
        self.public_key = public_key
        self._sign = sign

    @classmethod
    def from_seed(cls, suite: str, seed: bytes) -> SigningKey:
        """Derive the key of a seed: 32 bytes, or 64 for hybrid (Ed25519 seed, ML-DSA-65 seed).

        KeyFormatError ``bad-suite`` for an unknown suite, ``bad-key`` for a seed of another size.
        """
        scheme = suite_named(suite)
        if len(seed) != scheme.seed_size:
            raise KeyFormatError(f"a seed of suite {suite} has {scheme.seed_size} bytes")
        raw, sign = scheme.expand(seed)
        return cls(PublicKey(suite, raw), sign)

    @property
    def key_id(self) -> KeyId:
        """The id of the public key."""
        return self.public_key.key_id

    def sign(self, payload: bytes) -> bytes:
        """Sign exactly these bytes. Ed25519 repeats itself; ML-DSA-65 and hybrid never do."""
        return self._sign(payload)

    def __repr__(self) -> str:
        return f"<SigningKey {self.key_id}>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise UsageError("a signing key is never pickled or copied")
