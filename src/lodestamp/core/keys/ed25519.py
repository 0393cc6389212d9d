"""Ed25519 by libsodium's rule, the only one that decides here (DESIGN D3, operations spec K1).

S must be below the group order, A must be canonical and of large order, R must not be of small
order, and the equation is checked without the cofactor. Other libraries accept other edge cases: of
the 914 CCTV vectors libsodium accepts 43, OpenSSL 208. A network with two rules splits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

PUBLIC_SIZE: Final = 32
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64


def ed25519_verify(raw: bytes, payload: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (64 bytes, R then S) of `payload` holds under the key `raw`.

    A key or signature of the wrong size is a signature that does not hold, never an error.
    """
    if len(raw) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        return False  # the binding hands C a bare pointer, so the size is ours to check
    try:
        crypto_sign_open(signature + payload, raw)
    except BadSignatureError:
        return False
    return True


def expand_ed25519(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the public key of a 32-byte seed and the function that signs with it."""
    public, secret = crypto_sign_seed_keypair(seed)

    def sign(payload: bytes) -> bytes:
        return crypto_sign(payload, secret)[:SIGNATURE_SIZE]

    return public, sign
