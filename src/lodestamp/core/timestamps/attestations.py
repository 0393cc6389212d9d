"""What a timestamp ends in: someone's word for a time (transparency spec R36).

Every kind has `tag`, the eight bytes that name it, and `payload`, the bytes that stand behind it.

>>> parse_attestation(bytes.fromhex("0588960d73d71901"), bytes.fromhex("e7ef15"))
BitcoinHeader(height=358375)
>>> str(Pending("https://calendar.example"))
'pending at https://calendar.example'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from lodestamp.core.encoding import leb128_encode
from lodestamp.core.timestamps.varuint import VARUINT_END, read_varuint
from lodestamp.errors import BadTimestamp, LimitExceeded

PAYLOAD_SIZE_MAX: Final = 8_192
"""Bytes an attestation may carry: what the format's own parser allows."""

URI_LENGTH_MAX: Final = 1_000
"""Characters of a calendar's URI: what the format's own parser allows."""

TAG_SIZE: Final = 8
"""Bytes that name the kind of an attestation."""

_is_uri: Final = re.compile(rb"[A-Za-z0-9._/:-]*").fullmatch


@dataclass(frozen=True, slots=True)
class Pending:
    """A calendar's promise: ask at `uri` later for the way to a block.

    BadTimestamp ``ots.uri`` for a character outside ``A-Za-z0-9-._/:``; LimitExceeded when longer
    than 1,000. That it is a URI at all, or one to be asked, is not said (transparency spec R54).
    """

    tag: ClassVar[bytes] = bytes.fromhex("83dfe30d2ef90c8e")
    uri: str

    def __post_init__(self) -> None:
        if len(self.uri) > URI_LENGTH_MAX:
            raise LimitExceeded("the URI's length", URI_LENGTH_MAX, len(self.uri))
        if not self.uri.isascii() or not _is_uri(self.uri.encode()):
            raise BadTimestamp("ots.uri", f"{self.uri[:80]!r} is not the URI of a calendar")

    @property
    def payload(self) -> bytes:
        """The URI behind its length."""
        return leb128_encode(len(self.uri)) + self.uri.encode()

    def __str__(self) -> str:
        return f"pending at {self.uri}"


@dataclass(frozen=True, slots=True)
class _Header:
    """A height below 2^64, in a chain that the class names; LimitExceeded for one outside."""

    tag: ClassVar[bytes]
    chain: ClassVar[str]
    height: int

    def __post_init__(self) -> None:
        if not 0 <= self.height < VARUINT_END:
            raise LimitExceeded("the height", VARUINT_END - 1, self.height)

    @property
    def payload(self) -> bytes:
        """The height, in groups of seven bits."""
        return leb128_encode(self.height)

    def __str__(self) -> str:
        return f"{self.chain} block {self.height}"


@dataclass(frozen=True, slots=True)
class BitcoinHeader(_Header):
    """The message is the Merkle root in a Bitcoin header, internal byte order (R40).

    The root decides; the height is a hint where to look. Of which network is not said.
    """

    tag: ClassVar[bytes] = bytes.fromhex("0588960d73d71901")
    chain: ClassVar[str] = "Bitcoin"


@dataclass(frozen=True, slots=True)
class LitecoinHeader(_Header):
    """The same for Litecoin: read and written, never verified."""

    tag: ClassVar[bytes] = bytes.fromhex("06869a0d73d71b45")
    chain: ClassVar[str] = "Litecoin"


@dataclass(frozen=True, slots=True)
class EthereumHeader(_Header):
    """The same for Ethereum: read and written, never verified."""

    tag: ClassVar[bytes] = bytes.fromhex("30fe8087b5c7ead7")
    chain: ClassVar[str] = "Ethereum"


_HEADERS: Final = {each.tag: each for each in (BitcoinHeader, LitecoinHeader, EthereumHeader)}


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attestation of a kind not known here, kept as it is.

    BadTimestamp ``ots.tag`` for a tag of another size, or of a known kind; LimitExceeded for a
    payload over 8,192 bytes.
    """

    tag: bytes
    payload: bytes

    def __post_init__(self) -> None:
        if len(self.tag) != TAG_SIZE or self.tag == Pending.tag or self.tag in _HEADERS:
            raise BadTimestamp("ots.tag", f"{self.tag.hex()} is no tag of an unknown kind")
        if len(self.payload) > PAYLOAD_SIZE_MAX:
            raise LimitExceeded("the payload's size", PAYLOAD_SIZE_MAX, len(self.payload))

    def __str__(self) -> str:
        return f"unknown attestation {self.tag.hex()} {self.payload.hex()}".rstrip()


Attestation: TypeAlias = Pending | BitcoinHeader | LitecoinHeader | EthereumHeader | Unknown


def parse_attestation(tag: bytes, payload: bytes) -> Attestation:
    """Read the payload of an attestation; longer numbers than needed pass, as stock parsers do.

    BadTimestamp ``ots.payload`` when a known kind leaves bytes over, ``ots.truncated`` when it
    lacks some, and as the classes; LimitExceeded.
    """
    if tag == Pending.tag:
        size, start = read_varuint(payload, 0)
        if size > URI_LENGTH_MAX:
            raise LimitExceeded("the URI's length", URI_LENGTH_MAX, size)
        _require_end(payload, start + size)
        if not _is_uri(payload, start):
            raise BadTimestamp("ots.uri", f"{payload[start:][:80]!r} is not the URI of a calendar")
        return Pending(payload[start:].decode())
    header = _HEADERS.get(tag)
    if header is None:
        return Unknown(tag, payload)
    height, end = read_varuint(payload, 0)
    _require_end(payload, end)
    return header(height)


def order(attestation: Attestation) -> tuple[bytes, bytes]:
    """Return what a file sorts its attestations by: tag, then URI, number or payload (R37)."""
    if isinstance(attestation, Pending):
        return attestation.tag, attestation.uri.encode()
    if isinstance(attestation, _Header):
        return attestation.tag, attestation.height.to_bytes(8)
    return attestation.tag, attestation.payload


def _require_end(payload: bytes, end: int) -> None:
    if end > len(payload):
        raise BadTimestamp("ots.truncated", "an attestation is cut short")
    if end < len(payload):
        raise BadTimestamp("ots.payload", f"an attestation has {len(payload) - end} bytes too many")
