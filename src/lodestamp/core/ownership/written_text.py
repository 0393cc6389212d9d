"""The JSON of operations as it is written (§3.2): keys in the published order, nothing between.

>>> transfer_text("da39a3ee5e6b4b0d3255bfef95601890afd80709", 5, 365)
b'{"op":"t","sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709","value":5,"ttl":365}'
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lodestamp.core.encoding import INT_MAX, base58btc_encode
from lodestamp.core.ownership.operation_text import VALUE_MAX
from lodestamp.errors import UsageError

_is_sha1 = re.compile(r"[0-9a-f]{40}").fullmatch


@dataclass(frozen=True, slots=True)
class RegistrationText:
    """What a registration says of a work: its digests, and words for people.

    `sha1` is 40 lowercase hex digits, `sha256` 32 bytes; `btih` the info hash of a torrent, 40
    lowercase hex digits; `size` in bytes. UsageError for others, and for text with lone surrogates.
    """

    sha1: str
    sha256: bytes
    btih: str | None = None
    name: str | None = None
    size: int | None = None
    type: str | None = None
    title: str | None = None
    uri: str | None = None
    keywords: str | None = None

    def __post_init__(self) -> None:
        if not _is_sha1(self.sha1) or (self.btih is not None and not _is_sha1(self.btih)):
            raise UsageError("a SHA-1 is 40 lowercase hex digits")
        if len(self.sha256) != 32:
            raise UsageError("a SHA-256 has 32 bytes")
        if self.size is not None and not 0 <= self.size <= INT_MAX:
            raise UsageError("no file has such a size")
        self.encode()

    def fields(self) -> dict[str, str | int]:
        """Return the keys in the order in which they are written."""
        found = {
            "op": "r",
            "btih": self.btih,
            "sha1": self.sha1,
            "ipfs": base58btc_encode(b"\x12\x20" + self.sha256),
            "name": self.name,
            "size": self.size,
            "type": self.type,
            "title": self.title,
            "uri": self.uri,
            "keywords": self.keywords,
        }
        return {key: value for key, value in found.items() if value is not None}

    def encode(self) -> bytes:
        """Return the bytes of the operation."""
        return _written(self.fields())

    def longest(self) -> tuple[str, int]:
        """Return the key whose value takes the most bytes, and how many."""
        sizes = {key: len(_written({key: value})) for key, value in self.fields().items()}
        name = max(sizes, key=lambda key: sizes[key] - len(key))
        return name, len(str(self.fields()[name]).encode())


def transfer_text(sha1: str, value: int, ttl: int) -> bytes:
    """Return the bytes of a transfer of units; `ttl` in days, which no rule uses. UsageError."""
    if not _is_sha1(sha1) or not 1 <= value <= VALUE_MAX or not 0 <= ttl <= INT_MAX:
        raise UsageError("no such transfer can be written")
    return _written({"op": "t", "sha1": sha1, "value": value, "ttl": ttl})


def _written(fields: dict[str, str | int]) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise UsageError("the text has half of a surrogate pair") from None
