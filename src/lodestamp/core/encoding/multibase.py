r"""Multibase: a text that names its own base in its first character (content spec R2).

Read: ``b B`` base32, ``k K`` base36, ``z`` base58btc, ``f F`` base16, ``u`` base64url, all without
padding. ``m`` (base64) is refused because its alphabet holds a slash.

>>> multibase_encode("b", bytes(4)), multibase_decode("f00ff")
('baaaaaaa', ('f', b'\x00\xff'))
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from lodestamp.core.encoding.rfc4648 import (
    base16_decode,
    base16_encode,
    base32_decode,
    base32_encode,
    base64url_decode,
    base64url_encode,
)
from lodestamp.errors import CidError, EncodingError

MULTIBASE_TEXT_MAX: Final = 512
"""Characters. Base58 and base36 decoding is quadratic, so the length is checked first."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def base58btc_encode(data: bytes) -> str:
    """Encode with Bitcoin's alphabet; each leading zero byte is one ``1``."""
    return _radix_encode(data, _BASE58)


def base58btc_decode(text: str, *, length_max: int = MULTIBASE_TEXT_MAX) -> bytes:
    """Decode Bitcoin's base58; EncodingError ``base58btc`` outside its alphabet or if too long."""
    return _radix_decode(text, _BASE58, "base58btc", length_max)


def base36_encode(data: bytes) -> str:
    """Encode with digits and lower-case letters; each leading zero byte is one ``0``."""
    return _radix_encode(data, _BASE36)


def base36_decode(text: str) -> bytes:
    """Decode lower-case base36; EncodingError ``base36`` outside its alphabet."""
    return _radix_decode(text, _BASE36, "base36")


def _upper(decode: Callable[[str], bytes]) -> Callable[[str], bytes]:
    def decode_upper(text: str) -> bytes:
        lower = text.lower()
        if lower.upper() != text:
            raise EncodingError("case", "mixed case")
        return decode(lower)

    return decode_upper


_ENCODERS: Final = MappingProxyType(
    {
        "b": base32_encode,
        "B": lambda data: base32_encode(data).upper(),
        "k": base36_encode,
        "K": lambda data: base36_encode(data).upper(),
        "z": base58btc_encode,
        "f": base16_encode,
        "F": lambda data: base16_encode(data).upper(),
        "u": base64url_encode,
    }
)
_DECODERS: Final = MappingProxyType(
    {
        "b": base32_decode,
        "B": _upper(base32_decode),
        "k": base36_decode,
        "K": _upper(base36_decode),
        "z": base58btc_decode,
        "f": base16_decode,
        "F": _upper(base16_decode),
        "u": base64url_decode,
    }
)


def multibase_encode(prefix: str, data: bytes) -> str:
    """Encode `data` in the base that `prefix` names; CidError ``cid.base`` for any other."""
    encode = _ENCODERS.get(prefix)
    if encode is None:
        raise CidError("cid.base", f"unknown multibase prefix {prefix!r}")
    return prefix + encode(data)


def multibase_decode(text: str) -> tuple[str, bytes]:
    """Split `text` into its prefix and its bytes.

    CidError ``cid.base`` for an empty or over-long text, an unknown prefix, mixed case, padding,
    white space, non-zero trailing bits or a character outside the alphabet.
    """
    if not 0 < len(text) <= MULTIBASE_TEXT_MAX:
        raise CidError("cid.base", f"a multibase text has 1 to {MULTIBASE_TEXT_MAX} characters")
    decode = _DECODERS.get(text[0])
    if decode is None:
        raise CidError("cid.base", f"unknown multibase prefix {text[0]!r}")
    try:
        return text[0], decode(text[1:])
    except EncodingError as error:
        raise CidError("cid.base", error.message) from None


def _radix_encode(data: bytes, alphabet: str) -> str:
    zeros = len(data) - len(data.lstrip(b"\0"))
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return alphabet[0] * zeros + "".join(reversed(digits))


def _radix_decode(
    text: str, alphabet: str, name: str, length_max: int = MULTIBASE_TEXT_MAX
) -> bytes:
    if len(text) > length_max:
        raise EncodingError(name, f"more than {length_max:,} characters")
    number = 0
    for position, character in enumerate(text):
        digit = alphabet.find(character)
        if digit < 0:
            raise EncodingError(name, f"{character!r} is not in the alphabet", at=str(position))
        number = number * len(alphabet) + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
