"""ECDSA over secp256k1, verified only, by libsecp256k1 (coincurve).

A signature (r, s) comes as 64 bytes, ``compact``, or in strict DER. With (r, s) holds (r, n - s)
too, so that anyone could make a second signature out of a first; hence s must be at most n / 2
unless the caller says that the protocol at hand allows both.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from lodestamp.errors import UsageError

PUBLIC_SIZE: Final = 33
DIGEST_SIZE: Final = 32
ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""n, the order of the group (SEC 2 §2.4.1)."""
_INTEGER_SIZE: Final = 32
_DER_SIZE_MAX: Final = 72

Form = Literal["compact", "der"]

# `coincurve` is imported where it is used: an Ed25519 proof never pays for loading it.


def secp256k1_verify(
    pub33: bytes, digest32: bytes, sig: bytes, form: Form, *, low_s: bool = True
) -> bool:
    """Tell whether `sig` of a 32-byte digest holds under a compressed public key (33 bytes).

    `form` is ``compact`` (r and s, 32 bytes each, big-endian) or ``der`` (strict: one encoding per
    signature). A key, digest or signature of another size or spelling does not hold. UsageError for
    another form.
    """
    if form not in ("compact", "der"):
        raise UsageError(f"a signature is compact or der, not {form!r:.20}")
    numbers = _from_compact(sig) if form == "compact" else _from_der(sig)
    if numbers is None or len(digest32) != DIGEST_SIZE:
        return False
    r, s = numbers
    if not (0 < r < ORDER and 0 < s < ORDER) or (low_s and s > ORDER // 2):
        return False
    key = _point(pub33)
    # libsecp256k1 takes only the lower s; both hold or neither does
    return key is not None and bool(key.verify(_to_der(r, min(s, ORDER - s)), digest32, None))


def is_secp256k1_point(raw: bytes) -> bool:
    """Tell whether these are 33 bytes of a compressed point of the curve."""
    return _point(raw) is not None


def _point(raw: bytes) -> Any:
    """Return coincurve's key of a compressed point, None when it is none."""
    from coincurve import PublicKey  # noqa: PLC0415

    if len(raw) != PUBLIC_SIZE:
        return None
    try:
        return PublicKey(raw)
    except ValueError:
        return None


def _from_compact(sig: bytes) -> tuple[int, int] | None:
    if len(sig) != 2 * _INTEGER_SIZE:
        return None
    return int.from_bytes(sig[:_INTEGER_SIZE], "big"), int.from_bytes(sig[_INTEGER_SIZE:], "big")


def _from_der(sig: bytes) -> tuple[int, int] | None:
    """Read a DER signature by encoding again what it says: any other spelling differs."""
    if not 8 <= len(sig) <= _DER_SIZE_MAX:
        return None
    size = sig[3]
    r = int.from_bytes(sig[4 : 4 + size], "big")
    s = int.from_bytes(sig[6 + size :], "big")
    return (r, s) if _to_der(r, s) == sig else None


def _to_der(r: int, s: int) -> bytes:
    integers = b"".join(_der_integer(number) for number in (r, s))
    return b"\x30" + len(integers).to_bytes(1, "big") + integers


def _der_integer(number: int) -> bytes:
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + len(octets).to_bytes(1, "big") + octets
