"""Verifier keys: who may sign notes, under which name (transparency spec R14, R15).

A key's id is four bytes, so it names a key and proves nothing; name and id together tell which key
a signature line is to be checked with.

>>> vkey = parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
>>> vkey.name, vkey.key_type, vkey.key_id.hex()
('example.com/foo', 1, '530d903a')
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.errors import BadNote, EncodingError

KEY_ID_SIZE: Final = 4
"""Bytes of a key id. It names a key and proves nothing."""

VKEY_LENGTH_MAX: Final = 4_096
"""Characters in the longest verifier key: an ML-DSA-44 key takes 1,752 beside its name."""

ED25519_NOTE: Final = 0x01
"""Ed25519 over the text of the note: the type that a log signs with."""

ECDSA_NOTE: Final = 0x02
ED25519_COSIGNATURE: Final = 0x04
RFC6962_NOTE: Final = 0x05
MLDSA44_COSIGNATURE: Final = 0x06
UNASSIGNED: Final = 0xFF

_PUBLIC_SIZES: Final = {
    ED25519_NOTE: 32,
    ECDSA_NOTE: None,
    ED25519_COSIGNATURE: 32,
    RFC6962_NOTE: None,
    MLDSA44_COSIGNATURE: 1_312,
    UNASSIGNED: None,
}
"""Bytes of the public key of each type; None where the type is parsed but never verified."""

_BAD_VKEY: Final = "bad-vkey"
_find_control: Final = re.compile(r"[\x00-\x1f]").search
_is_ascii_name: Final = re.compile(r"[!-*,-~]+").fullmatch
"""Nearly every name there is: printable ASCII but for space and plus."""
_is_hex_id: Final = re.compile(r"[0-9a-f]{8}").fullmatch


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under the name that its signature lines carry.

    BadNote ``bad-vkey`` for a name that cannot stand in a line, a type the format does not assign,
    or a public key of another size than its type has.
    """

    name: str
    key_type: int
    public: bytes
    key_id: bytes = field(init=False, repr=False, compare=False)
    """The four bytes that stand before this key's signatures."""

    def __post_init__(self) -> None:
        require_name(self.name, _BAD_VKEY)
        if self.key_type not in _PUBLIC_SIZES:
            raise BadNote(f"no key has signature type {self.key_type}", code=_BAD_VKEY)
        size = _PUBLIC_SIZES[self.key_type]
        if not self.public or len(self.public) != (size or len(self.public)):
            raise BadNote(
                f"a key of type {self.key_type:02x} does not have {len(self.public)} bytes",
                code=_BAD_VKEY,
            )
        named = self.name.encode() + b"\n" + bytes([self.key_type])
        hashed = self.public if self.key_type == ECDSA_NOTE else named + self.public
        object.__setattr__(self, "key_id", sha256(hashed).digest()[:KEY_ID_SIZE])

    def text(self) -> str:
        """Spell it as a vkey: name, key id in hex, base64 of type and public key, joined by +."""
        encoded = base64_encode(bytes([self.key_type]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def __str__(self) -> str:
        return self.text()


def key_id(name: str, key_type: int, public: bytes) -> bytes:
    """Return the first four bytes of SHA-256 of name, newline, type and public key (R15).

    Type 02 alone hashes its public key, in DER, and nothing else (C2SP signed-note). Errors as
    `VerifierKey`.
    """
    return VerifierKey(name, key_type, public).key_id


def parse_vkey(text: str) -> VerifierKey:
    """Parse the text form of a verifier key; BadNote ``bad-vkey`` for anything else.

    The name ends at the first plus sign and the id at the second; base64 may hold more of them.
    The id must be that of the key.
    """
    parts = text.split("+", 2) if len(text) <= VKEY_LENGTH_MAX else []
    if len(parts) != 3 or _is_hex_id(parts[1]) is None:
        raise BadNote(f"{text[:80]!r} is not name+id+key", code=_BAD_VKEY)
    name, hex_id, encoded = parts
    try:
        raw = base64_decode(encoded)
    except EncodingError as error:
        raise BadNote(f"the verifier key is {error.message}", code=_BAD_VKEY) from None
    if not raw:
        raise BadNote("the verifier key has no signature type", code=_BAD_VKEY)
    vkey = VerifierKey(name, raw[0], raw[1:])
    if vkey.key_id.hex() != hex_id:
        raise BadNote(f"the id of this key is {vkey.key_id.hex()}, not {hex_id}", code=_BAD_VKEY)
    return vkey


def by_name_and_id(vkeys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    """Index keys as signature lines name them; BadNote ``bad-vkey`` when two cannot be told apart.

    The same key may be given twice.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for vkey in vkeys:
        if known.setdefault((vkey.name, vkey.key_id), vkey) != vkey:
            raise BadNote(f"two keys share the name and id of {vkey.name}", code=_BAD_VKEY)
    return known


def require_name(name: str, code: str) -> None:
    """Refuse, with BadNote `code`, a name that cannot stand in a signature line (R14).

    It must be non-empty UTF-8 without Unicode spaces, plus signs and control characters.
    """
    if _is_ascii_name(name):
        return
    if name.split() != [name] or "+" in name or _find_control(name):
        raise BadNote(f"{name[:80]!r} is not a key name", code=code)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadNote(f"{name[:80]!r} is not encodable as UTF-8", code=code) from None
