"""ML-DSA-44 (FIPS 204) with the empty context: for cosignatures alone (transparency spec R17, R19).

C2SP tlog-cosignature fixes this parameter set for the lines of a note. No author signs with it, so
it is none of the `SUITES`. Signing is hedged: two signatures of one message differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn, Self

from lodestamp.errors import KeyFormatError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

PUBLIC_SIZE: Final = 1_312
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 2_420

_KEY_TAG: Final = b"lodestamp/key/1\nmldsa44\n"
_KEYS_KEPT: Final = 64
"""Public keys whose unpacking is remembered: as many as the lines of one note."""

# `cryptography` is imported where it is used: an Ed25519 note never pays for loading OpenSSL.


def mldsa44_verify(raw: bytes, payload: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (2,420 bytes) of `payload` holds under the 1,312-byte key `raw`.

    A key or signature of the wrong size is a signature that does not hold. KeyFormatError
    ``suite-unavailable`` where the cryptography package was built without ML-DSA.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    if len(raw) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        _public_key(raw).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return False
    return True


class Mldsa44Key:
    """A secret ML-DSA-44 key in memory. It cannot be printed, pickled or copied."""

    __slots__ = ("_sign", "public")

    def __init__(self, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        self.public = public
        self._sign = sign

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Derive the key of a 32-byte seed; KeyFormatError for a seed of another size.

        KeyFormatError ``suite-unavailable`` as `mldsa44_verify`.
        """
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.mldsa import (  # noqa: PLC0415
            MLDSA44PrivateKey,
        )

        if len(seed) != SEED_SIZE:
            raise KeyFormatError(f"a seed of ML-DSA-44 has {SEED_SIZE} bytes")
        try:
            secret = MLDSA44PrivateKey.from_seed_bytes(seed)
        except UnsupportedAlgorithm:
            raise _unavailable() from None
        return cls(secret.public_key().public_bytes_raw(), secret.sign)

    @property
    def key_id(self) -> str:
        """``mldsa44:`` and the SHA-256 of the tagged public key in hex; it names a key file."""
        return f"mldsa44:{sha256(_KEY_TAG + self.public).hexdigest()}"

    def sign(self, payload: bytes) -> bytes:
        """Sign exactly these bytes; no two signatures are alike."""
        return self._sign(payload)

    def __repr__(self) -> str:
        return f"<Mldsa44Key {self.key_id}>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise UsageError("a signing key is never pickled or copied")


@lru_cache(maxsize=_KEYS_KEPT)
def _public_key(raw: bytes) -> MLDSA44PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

    try:
        return mldsa.MLDSA44PublicKey.from_public_bytes(raw)
    except UnsupportedAlgorithm:
        raise _unavailable() from None


def _unavailable() -> KeyFormatError:
    return KeyFormatError(
        "this build of the cryptography package has no ML-DSA-44",
        code="suite-unavailable",
        hint="install cryptography from its published wheels",
    )
