"""Content addresses: ``sha256:`` and 64 lower-case hex digits (operations spec E4).

>>> content_address({"a": 1})
'sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862'
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, NewType, TypeGuard

from lodestamp.core.encoding.canonical import JsonValue, canonical_json
from lodestamp.errors import EncodingError

Digest = NewType("Digest", bytes)
"""A SHA-256 digest: exactly 32 bytes."""

_PREFIX: Final = "sha256:"
_is_address: Final = re.compile(r"sha256:[0-9a-f]{64}").fullmatch


def address_of(data: bytes) -> str:
    """Return the content address of these bytes."""
    return _PREFIX + sha256(data).hexdigest()


def content_address(value: JsonValue) -> str:
    """Return the content address of a JSON value; EncodingError outside the value space."""
    return address_of(canonical_json(value))


def is_content_address(value: object) -> TypeGuard[str]:
    """Tell whether `value` is a text spelled exactly as an address, with nothing after it."""
    return isinstance(value, str) and _is_address(value) is not None


def address_of_digest(digest: bytes) -> str:
    """Return the content address of what has this SHA-256 digest."""
    return _PREFIX + digest.hex()


def digest_of_address(address: str) -> Digest:
    """Return the 32 bytes an address names; EncodingError ``bad-address`` when it is none."""
    if not is_content_address(address):
        raise EncodingError("bad-address", f"{address[:80]!r} is not a sha256 content address")
    return Digest(bytes.fromhex(address[len(_PREFIX) :]))
