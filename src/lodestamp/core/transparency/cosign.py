r"""Cosignatures: what a witness says of a checkpoint, and when (transparency spec R18, R19).

The formats are those of C2SP tlog-cosignature. Type 04 is Ed25519 over a text, type 06 ML-DSA-44
over a packed message; a log may also sign its own checkpoints with type 06 (R17). Both state a
time, in Unix seconds, and both say: this is the newest tree of that log I have seen, and it extends
every one I saw before.

>>> from lodestamp.core.keys import SigningKey
>>> witness = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", bytes(32)))
>>> text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
>>> line = witness.sign(text, 1_700_000_000)
>>> verify_cosignature(witness.verifier_key, text, line).time
1700000000
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lodestamp.core.keys import Mldsa44Key, SigningKey, ed25519_verify, mldsa44_verify
from lodestamp.core.transparency.checkpoint import Checkpoint, parse_checkpoint
from lodestamp.core.transparency.note import Note, NoteSignature
from lodestamp.core.transparency.vkey import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    by_name_and_id,
    require_name,
)
from lodestamp.errors import BadNote, UsageError

COSIGNATURE_TYPES: Final = frozenset({ED25519_COSIGNATURE, MLDSA44_COSIGNATURE})
"""The types of key that a witness may have."""

TIME_MAX: Final = 2**63 - 1
"""The last second that a cosignature can state: 64 bits on the wire, signed in databases."""

COSIGNER_NAME_SIZE_MAX: Final = 255
"""Bytes of a name under a type-06 line: its message writes the length in one byte."""

_TIME_SIZE: Final = 8
_SUBTREE_LABEL: Final = b"subtree/v1\n\x00"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that was verified: whose, when (Unix seconds, 1 to 2^63-1), and its bytes."""

    name: str
    key_id: bytes
    time: int
    signature: bytes

    def line(self) -> str:
        """Spell the signature line, without its newline."""
        blob = self.time.to_bytes(_TIME_SIZE, "big") + self.signature
        return NoteSignature(self.name, self.key_id, blob).line()


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A key that cosigns checkpoints under a name: type 04 for Ed25519, 06 for ML-DSA-44.

    BadNote ``bad-vkey`` for a name that cannot stand in a line or, under type 06, has more than 255
    bytes; UsageError for a key of another suite.
    """

    name: str
    key: SigningKey | Mldsa44Key

    def __post_init__(self) -> None:
        require_name(self.name, "bad-vkey")
        if isinstance(self.key, SigningKey):
            if self.key.public_key.suite != "ed25519":
                raise UsageError(f"a key of suite {self.key.public_key.suite} cannot cosign")
        elif len(self.name.encode()) > COSIGNER_NAME_SIZE_MAX:
            raise BadNote(
                f"the name of a type-06 key has at most {COSIGNER_NAME_SIZE_MAX} bytes",
                code="bad-vkey",
            )

    @property
    def verifier_key(self) -> VerifierKey:
        """The key that verifies this cosigner's lines."""
        if isinstance(self.key, SigningKey):
            return VerifierKey(self.name, ED25519_COSIGNATURE, self.key.public_key.raw)
        return VerifierKey(self.name, MLDSA44_COSIGNATURE, self.key.public)

    def sign(self, text: str, time: int) -> NoteSignature:
        """Cosign the text of a checkpoint at `time`; errors as `cosign_message`."""
        vkey = self.verifier_key
        signature = self.key.sign(cosign_message(vkey, text, time))
        return NoteSignature(self.name, vkey.key_id, time.to_bytes(_TIME_SIZE, "big") + signature)


def cosign_message(vkey: VerifierKey, text: str, time: int) -> bytes:
    """Return the bytes that a key of type 04 or 06 signs of a checkpoint text (R18, R19).

    Type 06 covers origin, size and root, and no extension lines. BadNote ``bad-checkpoint`` when
    the text is no checkpoint, ``bad-vkey`` for a key of another type or a name too long for type
    06; UsageError for a time outside 1 to 2^63-1.
    """
    if not 1 <= time <= TIME_MAX:
        raise UsageError(f"no cosignature states the time {time}")
    return _message(vkey, text, parse_checkpoint(text), time)


def verify_cosignature(vkey: VerifierKey, text: str, signature: NoteSignature) -> Cosignature:
    """Check a line of this key under a checkpoint text, and return what it says.

    BadNote ``bad-signature`` when the line is of another key or does not hold; else as
    `cosign_message`.
    """
    stated = _read_line(vkey, signature)
    _verify(vkey, _message(vkey, text, parse_checkpoint(text), stated.time), stated)
    return stated


def verify_cosignatures(note: Note, vkeys: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the cosignatures of known keys under a note, in the order of its lines.

    Lines of everybody else, and keys of other types, count for nothing. BadNote ``bad-signature``
    when a known key's line does not hold, ``bad-checkpoint`` when such a line stands under a text
    that is no checkpoint, ``bad-vkey`` when two different keys share name and id.
    """
    known = by_name_and_id(vkey for vkey in vkeys if vkey.key_type in COSIGNATURE_TYPES)
    found: list[Cosignature] = []
    checkpoint: Checkpoint | None = None
    for signature in note.signatures:
        vkey = known.get((signature.name, signature.key_id))
        if vkey is None:
            continue
        stated = _read_line(vkey, signature)
        checkpoint = checkpoint or parse_checkpoint(note.text)
        _verify(vkey, _message(vkey, note.text, checkpoint, stated.time), stated)
        found.append(stated)
    return tuple(found)


def _read_line(vkey: VerifierKey, signature: NoteSignature) -> Cosignature:
    """Return what a line of this key says, not verified yet."""
    time = int.from_bytes(signature.blob[:_TIME_SIZE], "big")
    named = (signature.name, signature.key_id) == (vkey.name, vkey.key_id)
    if not named or not 1 <= time <= TIME_MAX:
        raise _does_not_hold(vkey)
    return Cosignature(vkey.name, vkey.key_id, time, signature.blob[_TIME_SIZE:])


def _verify(vkey: VerifierKey, message: bytes, stated: Cosignature) -> None:
    verify = ed25519_verify if vkey.key_type == ED25519_COSIGNATURE else mldsa44_verify
    if not verify(vkey.public, message, stated.signature):
        raise _does_not_hold(vkey)


def _message(vkey: VerifierKey, text: str, checkpoint: Checkpoint, time: int) -> bytes:
    """Return what is signed of a checkpoint, which `text` spells."""
    if vkey.key_type == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    if vkey.key_type != MLDSA44_COSIGNATURE:
        raise BadNote(f"a key of type {vkey.key_type:02x} does not cosign", code="bad-vkey")
    return _subtree_message(vkey.name.encode(), time, checkpoint)


def _subtree_message(name: bytes, time: int, checkpoint: Checkpoint) -> bytes:
    if len(name) > COSIGNER_NAME_SIZE_MAX:
        raise BadNote("the name of a type-06 key is too long to be signed", code="bad-vkey")
    origin = checkpoint.origin.encode()
    start = 0  # the whole tree; only then may a time be stated
    return b"".join(
        (
            _SUBTREE_LABEL,
            bytes([len(name)]) + name,
            time.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            start.to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _does_not_hold(vkey: VerifierKey) -> BadNote:
    return BadNote(f"the cosignature of {vkey.name} does not hold", code="bad-signature")
