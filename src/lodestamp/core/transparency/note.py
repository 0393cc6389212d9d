r"""Signed notes: a text and the lines of those who sign it (transparency spec R13-R15, R17).

The format is that of C2SP signed-note: the text, an empty line, then one line for each signature.
Reading a note verifies nothing: `lodestamp.core.transparency.opened` does.

>>> from lodestamp.core.keys import SigningKey
>>> signer = NoteSigner("example.com/log", SigningKey.from_seed("ed25519", bytes(32)))
>>> note = parse_note(sign_note("a text\n", [signer]))
>>> note.text, note.signatures == (signer.sign("a text\n"),)
('a text\n', True)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.keys import Signer
from lodestamp.core.transparency.vkey import (
    ED25519_NOTE,
    KEY_ID_SIZE,
    VerifierKey,
    require_name,
)
from lodestamp.errors import BadNote, EncodingError, UsageError

NOTE_SIZE_MAX: Final = 131_072
"""Bytes in the largest note: 64 signatures of 2 KB, which is more than any log gathers."""

SIGNATURES_MAX: Final = 64
"""Signature lines in one note; the format asks for at least 16."""

_MALFORMED: Final = "malformed"
_DASH: Final = "\u2014 "
_LINE_SIZE: Final = len(f"{_DASH} \n".encode())
"""Bytes of a signature line beside its name and its base64."""
_find_control: Final = re.compile(r"[\x00-\x09\x0b-\x1f]").search


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who signs, the four-byte id of the key, and the signature itself.

    BadNote ``malformed`` for a name with a space or a plus sign, an id not of four bytes, or an
    empty signature.
    """

    name: str
    key_id: bytes
    blob: bytes

    def __post_init__(self) -> None:
        require_name(self.name, _MALFORMED)
        if len(self.key_id) != KEY_ID_SIZE or not self.blob:
            raise BadNote("a signature line lacks its key id or signature", code=_MALFORMED)

    @property
    def line_size(self) -> int:
        """The bytes of the line, its newline included."""
        in_base64 = (KEY_ID_SIZE + len(self.blob) + 2) // 3 * 4
        return _LINE_SIZE + len(self.name.encode()) + in_base64

    def line(self) -> str:
        """Spell the line, without its newline."""
        return f"{_DASH}{self.name} {base64_encode(self.key_id + self.blob)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and 1 to 64 signatures. Nothing here has been verified.

    BadNote ``malformed`` for a text without final newline, with another control character or not
    encodable as UTF-8, for another number of signatures, and above 131,072 bytes in all.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or _find_control(self.text):
            raise BadNote("the text is not whole lines without control characters", code=_MALFORMED)
        if not 1 <= len(self.signatures) <= SIGNATURES_MAX:
            raise BadNote(
                f"the note has {len(self.signatures)} signatures, not 1 to {SIGNATURES_MAX}",
                code=_MALFORMED,
            )
        lines = sum(signature.line_size for signature in self.signatures)
        _require_size(len(_encoded(self.text)) + 1 + lines)

    def encode(self) -> bytes:
        """Return the note as bytes: text, empty line, signature lines."""
        lines = "".join(f"{signature.line()}\n" for signature in self.signatures)
        return _encoded(f"{self.text}\n{lines}")


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A signer under the name that its lines shall carry; a log signs under its origin (R17).

    BadNote ``bad-vkey`` for a name that cannot stand in a line, UsageError for a key that is not
    Ed25519: the format assigns no type to the other suites.
    """

    name: str
    signer: Signer

    def __post_init__(self) -> None:
        require_name(self.name, "bad-vkey")
        if self.signer.public_key.suite != "ed25519":
            raise UsageError(f"a key of suite {self.signer.public_key.suite} cannot sign a note")

    @property
    def verifier_key(self) -> VerifierKey:
        """The key that verifies this signer's lines."""
        return VerifierKey(self.name, ED25519_NOTE, self.signer.public_key.raw)

    def sign(self, text: str) -> NoteSignature:
        """Sign exactly this text; BadNote ``malformed`` when it is not encodable as UTF-8."""
        return NoteSignature(self.name, self.verifier_key.key_id, self.signer.sign(_encoded(text)))


def parse_note(data: bytes) -> Note:
    """Take a note apart, verifying nothing; BadNote ``malformed`` for any other bytes (R13).

    Text and signatures part at the last empty line. Every accepted note encodes to its own bytes.
    """
    _require_size(len(data))
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise BadNote("the note is not UTF-8", code=_MALFORMED) from None
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n"):
        raise BadNote("the note lacks its empty line or final newline", code=_MALFORMED)
    lines = whole[split + 2 : -1].split("\n", SIGNATURES_MAX)
    return Note(whole[: split + 1], tuple(map(_parse_line, lines)))


def sign_note(text: str, signers: Iterable[NoteSigner]) -> bytes:
    """Sign a text and return the whole note, signature lines in the order of the signers.

    BadNote ``malformed`` when text or number of signers would not make a note.
    """
    return Note(text, tuple(signer.sign(text) for signer in signers)).encode()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadNote("the text is not encodable as UTF-8", code=_MALFORMED) from None


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise BadNote(f"{line[:80]!r} is not a signature line", code=_MALFORMED)
    try:
        raw = base64_decode(encoded)
    except EncodingError as error:
        raise BadNote(f"a signature is {error.message}", code=_MALFORMED) from None
    return NoteSignature(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])


def _require_size(size: int) -> None:
    if size > NOTE_SIZE_MAX:
        raise BadNote(f"a note of {size:,} bytes is above {NOTE_SIZE_MAX:,}", code=_MALFORMED)
