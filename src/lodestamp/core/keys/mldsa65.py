"""ML-DSA-65 (FIPS 204) with the empty context (operations spec K2).

Domains are kept apart by a tag inside the payload, not by the context. Signing is hedged: the
primitive draws its own randomness, so two signatures of one payload differ (K3). Keep the bytes;
never sign twice to retry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lodestamp.errors import KeyFormatError

PUBLIC_SIZE: Final = 1952
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 3309

# `cryptography` is imported where it is used: an Ed25519 proof never pays for loading OpenSSL.


def mldsa65_verify(raw: bytes, payload: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (3,309 bytes) of `payload` holds under the 1,952-byte key `raw`.

    A key or signature of the wrong size is a signature that does not hold.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey  # noqa: PLC0415

    if len(raw) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        MLDSA65PublicKey.from_public_bytes(raw).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm:
        raise _unavailable() from None
    return True


def expand_mldsa65(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the public key of a 32-byte seed and the function that signs with it."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey  # noqa: PLC0415

    try:
        secret = MLDSA65PrivateKey.from_seed_bytes(seed)
    except UnsupportedAlgorithm:
        raise _unavailable() from None
    return secret.public_key().public_bytes_raw(), secret.sign


def _unavailable() -> KeyFormatError:
    return KeyFormatError(
        "this build of the cryptography package has no ML-DSA-65",
        code="suite-unavailable",
        hint="install cryptography from its published wheels",
    )
