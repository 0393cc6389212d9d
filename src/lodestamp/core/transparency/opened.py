r"""Opening notes: a text, and who of those we know has signed it (transparency spec R14).

A signature of a key that nobody here knows is ignored; one of a known key must hold. A cosignature
counts like any other signature here, so whoever asks for a log's word gives only the log's keys.

>>> from lodestamp.core.keys import SigningKey
>>> from lodestamp.core.transparency.note import NoteSigner, sign_note
>>> signer = NoteSigner("example.com/log", SigningKey.from_seed("ed25519", bytes(32)))
>>> opened = open_note(sign_note("a text\n", [signer]), [signer.verifier_key])
>>> opened.text, opened.verified == (signer.verifier_key,), opened.ignored
('a text\n', True, ())
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lodestamp.core.keys import ed25519_verify
from lodestamp.core.transparency.cosign import COSIGNATURE_TYPES, verify_cosignature
from lodestamp.core.transparency.note import Note, NoteSignature, parse_note
from lodestamp.core.transparency.vkey import ED25519_NOTE, VerifierKey, by_name_and_id
from lodestamp.errors import BadNote


@dataclass(frozen=True, slots=True)
class Opened:
    """A note with at least one good signature of a known key and no bad one.

    `ignored` holds the raw lines of everybody else.
    """

    text: str
    verified: tuple[VerifierKey, ...]
    ignored: tuple[str, ...]


def open_note(note: bytes | Note, vkeys: Iterable[VerifierKey]) -> Opened:
    """Verify the lines of known keys under a note, parsed or not; ignore every other line (R14).

    Keys of types 01, 04 and 06 are verified, lines of the other types ignored. A line is of a known
    key when both name and id are. BadNote ``malformed`` as `parse_note`; ``bad-signature`` when a
    known key's signature does not hold; ``bad-checkpoint`` when a known key cosigned what is no
    checkpoint; ``no-known-signature`` when no known key has signed; ``bad-vkey`` when two given
    keys share name and id.
    """
    known = by_name_and_id(vkeys)
    if not isinstance(note, Note):
        note = parse_note(note)
    verified: dict[VerifierKey, None] = {}  # a set that keeps the order of the lines
    ignored: list[str] = []
    for signature in note.signatures:
        vkey = known.get((signature.name, signature.key_id))
        if vkey is None or vkey.key_type not in (ED25519_NOTE, *COSIGNATURE_TYPES):
            ignored.append(signature.line())
            continue
        _verify(vkey, note.text, signature)
        verified[vkey] = None
    if not verified:
        raise BadNote("no known key has signed this note", code="no-known-signature")
    return Opened(note.text, tuple(verified), tuple(ignored))


def _verify(vkey: VerifierKey, text: str, signature: NoteSignature) -> None:
    if vkey.key_type in COSIGNATURE_TYPES:
        verify_cosignature(vkey, text, signature)
    elif not ed25519_verify(vkey.public, text.encode(), signature.blob):
        raise BadNote(f"the signature of {vkey.name} does not hold", code="bad-signature")
