"""Multikeys and did:key: a public key that says in its own text what kind it is (K5).

A multikey is ``z`` and base58btc of the multicodec's varint and the raw key; ``did:key:`` before it
makes an identifier that is its own document. Keys of seven kinds are read; authors are only those
of the suites. Points are stored compressed and must lie on their curve.

============= ========= ==========
codec         code      bytes
============= ========= ==========
``ed25519``   0xed      32
``x25519``    0xec      32
``secp256k1`` 0xe7      33
``p256``      0x1200    33
``p384``      0x1201    49
``p521``      0x1202    67
``mldsa65``   0x1211    1,952
============= ========= ==========

>>> text = multikey_encode("ed25519", bytes(32))
>>> text, multikey_decode(text) == ("ed25519", bytes(32))
('z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP', True)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lodestamp.core.encoding import (
    base58btc_decode,
    base58btc_encode,
    uvarint_decode,
    uvarint_encode,
)
from lodestamp.core.keys import ed25519, mldsa65
from lodestamp.core.keys.public import PublicKey
from lodestamp.core.keys.secp256k1 import is_secp256k1_point
from lodestamp.errors import EncodingError, KeyFormatError

MULTIKEY_TEXT_MAX: Final = 2_800
"""Characters: an ML-DSA-65 key takes 2,670, and base58 decoding is quadratic."""
DID_KEY: Final = "did:key:"


def _any_bytes(_raw: bytes) -> bool:
    """Accept what shows only in use: such a key has no signatures."""
    return True


def _on_curve(curve: str) -> Callable[[bytes], bool]:
    """Return the check that a compressed point lies on a NIST curve."""

    def is_point(raw: bytes) -> bool:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  OpenSSL is slow

        if raw[0] not in (2, 3):
            return False
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(getattr(ec, curve)(), raw)
        except ValueError:
            return False
        return True

    return is_point


@dataclass(frozen=True, slots=True)
class _Codec:
    code: int
    size: int
    is_key: Callable[[bytes], bool]


_CODECS: Final = MappingProxyType(
    {
        "ed25519": _Codec(0xED, ed25519.PUBLIC_SIZE, _any_bytes),
        "x25519": _Codec(0xEC, 32, _any_bytes),
        "secp256k1": _Codec(0xE7, 33, is_secp256k1_point),
        "p256": _Codec(0x1200, 33, _on_curve("SECP256R1")),
        "p384": _Codec(0x1201, 49, _on_curve("SECP384R1")),
        "p521": _Codec(0x1202, 67, _on_curve("SECP521R1")),
        "mldsa65": _Codec(0x1211, mldsa65.PUBLIC_SIZE, _any_bytes),
    }
)
_NAMES: Final = MappingProxyType({codec.code: name for name, codec in _CODECS.items()})


def multikey_encode(codec: str, raw: bytes) -> str:
    """Spell a public key as a multikey; KeyFormatError as `multikey_decode`."""
    kind = _CODECS.get(codec)
    if kind is None:
        raise _refused(f"no multicodec is called {codec!r:.40}")
    _check(codec, kind, raw)
    return "z" + base58btc_encode(uvarint_encode(kind.code) + raw)


def multikey_decode(text: str) -> tuple[str, bytes]:
    """Return the codec's name and the raw key of a multikey.

    KeyFormatError ``bad-multikey`` for another base, an unknown codec, a key of another size, or
    bytes that are no point of their curve.
    """
    if type(text) is not str or text[:1] != "z":
        raise _refused("it begins with z, for base58btc")
    try:
        prefixed = base58btc_decode(text[1:], length_max=MULTIKEY_TEXT_MAX)
        code, start = uvarint_decode(prefixed)
    except EncodingError as error:
        raise _refused(error.message) from None
    name = _NAMES.get(code)
    if name is None:
        raise _refused(f"codec {code:#x} is not read here")
    raw = prefixed[start:]
    _check(name, _CODECS[name], raw)
    return name, raw


def multikeys_of(key: PublicKey) -> tuple[tuple[str, str], ...]:
    """Return (codec, multikey) of each part of a key: two of a hybrid, one of any other."""
    if key.suite != "hybrid":
        return ((key.suite, multikey_encode(key.suite, key.raw)),)
    split = ed25519.PUBLIC_SIZE
    return (
        ("ed25519", multikey_encode("ed25519", key.raw[:split])),
        ("mldsa65", multikey_encode("mldsa65", key.raw[split:])),
    )


def did_key_encode(public_key: PublicKey) -> str:
    """Return the did:key of a public key.

    KeyFormatError ``bad-multikey`` for a hybrid, which no multicodec names.
    """
    return DID_KEY + multikey_encode(public_key.suite, public_key.raw)


def did_key_decode(text: str) -> tuple[str, bytes]:
    """Return the codec's name and the raw key of a did:key; KeyFormatError as `multikey_decode`."""
    if type(text) is not str or not text.startswith(DID_KEY):
        raise _refused(f"it begins with {DID_KEY}")
    return multikey_decode(text[len(DID_KEY) :])


def x25519_from_ed25519(raw: bytes) -> bytes:
    """Return the X25519 key (32 bytes) that belongs to an Ed25519 key.

    KeyFormatError ``bad-key`` for another size, or bytes that are no point of large order.
    """
    from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519  # noqa: PLC0415
    from nacl.exceptions import CryptoError  # noqa: PLC0415

    try:
        return crypto_sign_ed25519_pk_to_curve25519(raw)
    except (CryptoError, TypeError, ValueError):
        raise KeyFormatError("these 32 bytes are no Ed25519 key of large order") from None


def _check(name: str, codec: _Codec, raw: bytes) -> None:
    if len(raw) != codec.size:
        raise _refused(f"a key of {name} has {codec.size:,} bytes, not {len(raw):,}")
    if not codec.is_key(raw):
        raise _refused(f"these bytes are no point of {name}")


def _refused(message: str) -> KeyFormatError:
    return KeyFormatError(f"not a multikey: {message}", code="bad-multikey")
