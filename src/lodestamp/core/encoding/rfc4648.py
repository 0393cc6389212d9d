"""Strict RFC 4648: one text per byte string, in both directions.

`base64_*` keeps its padding (operations spec E7); `base16`, `base32` and `base64url` here are the
unpadded, lower-case forms that multibase uses (content spec R2). A decoder re-encodes and compares,
which refuses foreign alphabets, white space, wrong padding and non-zero unused bits in one test.
Base32, which the standard library decodes slowly, is read as one number instead and checks the
same apart.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from lodestamp.errors import EncodingError

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]
_BASE32_SLICE: Final = 40
"""Bytes of base32 written as one number: 64 characters, and numbers stay small."""
_AS_DIGITS: Final = bytes.maketrans(_BASE32.encode(), b"0123456789abcdefghijklmnopqrstuv")
"""From our alphabet to the digits of a number to the base 32 as `int` reads it."""


def base64_encode(data: bytes) -> str:
    """Encode with the standard alphabet and padding, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def base64_decode(text: str) -> bytes:
    """Decode padded base64; EncodingError ``base64`` for any other spelling of the same bytes."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:  # binascii.Error, and what is not ASCII
        raise EncodingError("base64", "not base64") from None
    if base64_encode(data) != text:
        raise EncodingError("base64", "not the one base64 spelling of its bytes")
    return data


def base64url_encode(data: bytes) -> str:
    """Encode with the URL alphabet, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Decode unpadded base64url; EncodingError ``base64url`` for any other spelling."""
    return _strictly("base64url", text, _from_base64url, base64url_encode)


def base32_encode(data: bytes) -> str:
    """Encode with the lower-case alphabet, without padding."""
    slices = range(0, len(data), _BASE32_SLICE)
    return "".join([_base32_slice(data[at : at + _BASE32_SLICE]) for at in slices])


def base32_decode(text: str) -> bytes:
    """Decode unpadded lower-case base32; EncodingError ``base32`` for any other spelling."""
    raw = text.encode("ascii", "replace")  # what is not ASCII becomes a question mark
    size, unused = divmod(5 * len(raw), 8)
    if raw.translate(None, _BASE32.encode()) or unused >= 5:  # a whole character of nothing
        raise EncodingError("base32", "not base32")
    number = int(raw.translate(_AS_DIGITS) or b"0", 32)
    if number & (1 << unused) - 1:
        raise EncodingError("base32", "not the one base32 spelling of its bytes")
    return (number >> unused).to_bytes(size, "big")


def base16_encode(data: bytes) -> str:
    """Encode as lower-case hex."""
    return data.hex()


def base16_decode(text: str) -> bytes:
    """Decode lower-case hex; EncodingError ``base16`` for any other spelling."""
    return _strictly("base16", text, binascii.a2b_hex, base16_encode)


def _base32_slice(data: bytes) -> str:
    size = len(data)
    number = int.from_bytes(data, "big") << -8 * size % 10
    shifts = range(-(-8 * size // 10) * 10 - 10, -1, -10)
    pairs = [_BASE32_PAIRS[number >> shift & 1023] for shift in shifts]
    return "".join(pairs)[: -(-8 * size // 5)]


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
