"""Strict RFC 4648: one text per byte string, in both directions.

`base64_*` keeps its padding (operations spec E7); `base16`, `base32` and `base64url` here are the
unpadded, lower-case forms that multibase uses (content spec R2). A decoder re-encodes and compares,
which refuses foreign alphabets, white space, wrong padding and non-zero unused bits in one test.
"""

from __future__ import annotations

import binascii
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from lodestamp.errors import EncodingError


def base64_encode(data: bytes) -> str:
    """Encode with the standard alphabet and padding, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def base64_decode(text: str) -> bytes:
    """Decode padded base64; EncodingError ``base64`` for any other spelling of the same bytes."""
    return _strictly("base64", text, binascii.a2b_base64, base64_encode)


def base64url_encode(data: bytes) -> str:
    """Encode with the URL alphabet, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Decode unpadded base64url; EncodingError ``base64url`` for any other spelling."""
    return _strictly("base64url", text, _from_base64url, base64url_encode)


def base32_encode(data: bytes) -> str:
    """Encode with the lower-case alphabet, without padding."""
    return b32encode(data).rstrip(b"=").decode("ascii").lower()


def base32_decode(text: str) -> bytes:
    """Decode unpadded lower-case base32; EncodingError ``base32`` for any other spelling."""
    return _strictly("base32", text, lambda raw: b32decode(_padded(raw.upper(), 8)), base32_encode)


def base16_encode(data: bytes) -> str:
    """Encode as lower-case hex."""
    return data.hex()


def base16_decode(text: str) -> bytes:
    """Decode lower-case hex; EncodingError ``base16`` for any other spelling."""
    return _strictly("base16", text, binascii.a2b_hex, base16_encode)


def _from_base64url(raw: bytes) -> bytes:
    return urlsafe_b64decode(_padded(raw, 4))


def _padded(raw: bytes, group: int) -> bytes:
    return raw + b"=" * (-len(raw) % group)


def _strictly(
    name: str, text: str, decode: Callable[[bytes], bytes], encode: Callable[[bytes], str]
) -> bytes:
    try:
        data = decode(text.encode("ascii"))
    except ValueError:  # binascii.Error and UnicodeEncodeError are both ValueErrors
        raise EncodingError(name, f"not {name}") from None
    if encode(data) != text:
        raise EncodingError(name, f"not the one {name} spelling of its bytes")
    return data
