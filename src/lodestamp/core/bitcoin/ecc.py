"""Signatures over secp256k1 as Bitcoin's consensus checks them, by libsecp256k1 (coincurve).

What a verifier is given is hostile: anything malformed is a signature that does not hold, False,
never an error. What a signer is given is the caller's own, and a wrong size is told.
"""

from __future__ import annotations

from typing import Final

from coincurve import PrivateKey, PublicKey, PublicKeyXOnly

from lodestamp.errors import KeyFormatError, UsageError

GROUP_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER: Final = GROUP_ORDER // 2


def schnorr_verify(sig64: bytes, msg: bytes, xonly: bytes) -> bool:
    """Whether a 64-byte BIP-340 signature over `msg`, of any length, holds for an x-only key."""
    if len(sig64) != 64 or len(xonly) != 32:
        return False
    try:
        return bool(PublicKeyXOnly(xonly).verify(sig64, msg))
    except ValueError:
        return False


def schnorr_sign(msg32: bytes, secret: bytes, aux32: bytes) -> bytes:
    """Return the 64-byte BIP-340 signature of 32 bytes, with 32 bytes of randomness from outside.

    KeyFormatError for a secret that is not 32 bytes in 1..n-1; UsageError for other sizes.
    """
    if len(msg32) != 32 or len(aux32) != 32:
        raise UsageError("a Schnorr signature takes a message and randomness of 32 bytes each")
    return bytes(_private_key(secret).sign_schnorr(msg32, aux32))


def ecdsa_sign(digest: bytes, secret: bytes) -> bytes:
    """Return the DER signature of a 32-byte digest, low S, its nonce by RFC 6979.

    KeyFormatError for a secret that is not 32 bytes in 1..n-1; UsageError for other sizes.
    """
    if len(digest) != 32:
        raise UsageError("an ECDSA signature is over 32 bytes")
    return bytes(_private_key(secret).sign(digest, hasher=None))


def public_key(secret: bytes, *, compressed: bool = True) -> bytes:
    """Return the compressed key, 33 bytes, whose last 32 are the x-only key; else 65 bytes."""
    return bytes(_private_key(secret).public_key.format(compressed=compressed))


def ecdsa_verify(sig_der: bytes, digest: bytes, pubkey: bytes) -> bool:
    """Whether an ECDSA signature over a 32-byte digest holds, as consensus reads it.

    The DER is read laxly, as blocks from before BIP-66 need it, and a high S is taken as its low
    twin. The key is compressed, uncompressed or hybrid (06, 07).
    """
    numbers = _read_der_laxly(sig_der)
    if numbers is None or len(digest) != 32:
        return False
    r, s = numbers
    if not (0 < r < GROUP_ORDER and 0 < s < GROUP_ORDER):
        return False
    strict = _write_der(r, s if s <= HALF_ORDER else GROUP_ORDER - s)
    try:
        return bool(PublicKey(pubkey).verify(strict, digest, hasher=None))
    except ValueError:
        return False


def has_low_s(sig_der: bytes) -> bool:
    """Whether the S of a signature is at most half the group's order (BIP-62 rule 5)."""
    numbers = _read_der_laxly(sig_der)
    if numbers is None:
        return False
    # Nodes read numbers beyond the group's order as zero, hence as low.
    return max(numbers) >= GROUP_ORDER or numbers[1] <= HALF_ORDER


def tweak_xonly(xonly: bytes, t32: bytes) -> tuple[bytes, int]:
    """Return P + t·G as an x-only key, and the parity of its y (BIP-341).

    KeyFormatError when `xonly` is no x of a point, `t32` is not below the group's order, or the
    sum is infinity.
    """
    if len(xonly) != 32 or len(t32) != 32:
        raise KeyFormatError("an x-only key and its tweak have 32 bytes each")
    try:
        key = PublicKeyXOnly(xonly)
        key.tweak_add(t32)
    except ValueError as error:
        raise KeyFormatError(f"the key cannot be tweaked so: {error}") from error
    return bytes(key.format()), int(key.parity)


def is_xonly(xonly: bytes) -> bool:
    """Whether 32 bytes are the x of a point of the curve."""
    if len(xonly) != 32:
        return False
    try:
        PublicKeyXOnly(xonly)
    except ValueError:
        return False
    return True


def _private_key(secret: bytes) -> PrivateKey:
    if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < GROUP_ORDER:
        raise KeyFormatError("a secret key is 32 bytes, a number in 1..n-1")
    return PrivateKey(secret)


def _read_der_laxly(sig: bytes) -> tuple[int, int] | None:
    """Read (r, s) as nodes did before BIP-66: lengths may be padded, bytes may follow."""
    if len(sig) < 2 or sig[0] != 0x30:
        return None
    pos = 2
    if sig[1] & 0x80:
        pos += sig[1] - 0x80
        if pos > len(sig):
            return None
    first = _read_integer_laxly(sig, pos)
    if first is None:
        return None
    second = _read_integer_laxly(sig, first[1])
    return None if second is None else (first[0], second[0])


def _read_integer_laxly(sig: bytes, pos: int) -> tuple[int, int] | None:
    """Read an integer, unsigned whatever its top bit says; return it and where the next begins."""
    if pos + 2 > len(sig) or sig[pos] != 0x02:
        return None
    size = sig[pos + 1]
    pos += 2
    if size & 0x80:
        after = pos + size - 0x80
        if after > len(sig):
            return None
        digits = sig[pos:after].lstrip(b"\x00")
        if len(digits) >= 4:
            return None
        size, pos = int.from_bytes(digits, "big"), after
    if pos + size > len(sig):
        return None
    return int.from_bytes(sig[pos : pos + size], "big"), pos + size


def _write_der(r: int, s: int) -> bytes:
    body = b"".join(
        b"\x02" + bytes((len(digits),)) + digits
        for digits in (n.to_bytes(n.bit_length() // 8 + 1, "big") for n in (r, s))
    )
    return b"\x30" + bytes((len(body),)) + body
