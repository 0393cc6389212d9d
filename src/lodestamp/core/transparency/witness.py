r"""What a witness is asked, and what it decides (transparency spec R23, C2SP tlog-witness).

A log shows its newest checkpoint, the size it believes the witness has seen last, and the proof
that its tree has only grown since. `decide` is the whole judgement; whoever keeps the state must
store the new one, by compare and swap on the old, before the cosignature leaves (R24).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    SIZE_MAX,
    ConsistencyProof,
    verify_consistency,
)
from lodestamp.core.transparency.checkpoint import parse_stated
from lodestamp.core.transparency.note import NOTE_SIZE_MAX, Note, parse_note
from lodestamp.core.transparency.opened import open_note
from lodestamp.core.transparency.vkey import VerifierKey
from lodestamp.errors import BadNote, BadTreeProof, EncodingError

ADD_CHECKPOINT_SIZE_MAX: Final = NOTE_SIZE_MAX
"""Bytes of one request: its checkpoint is a note, and the proof before it has 63 hashes."""

PROOF_HASHES_MAX: Final = 63
"""Hashes in the longest consistency proof: no tree is higher."""

_is_old: Final = re.compile(r"old (0|[1-9][0-9]{0,18})").fullmatch


@dataclass(frozen=True, slots=True)
class Stated:
    """What a signed text says of a log: origin, size and root; the root of size 0 is unchecked."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign: the size seen last, the proof since then, the checkpoint as signed.

    BadNote ``malformed`` for a size outside 0 to 2^63-1, more than 63 hashes or one not of 32
    bytes, ``bad-checkpoint`` when the text of the note is no checkpoint.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def __post_init__(self) -> None:
        if not 0 <= self.old <= SIZE_MAX:
            raise _malformed(f"no tree has {self.old} leaves")
        if len(self.proof) > PROOF_HASHES_MAX:
            raise _malformed(f"{len(self.proof)} hashes, more than {PROOF_HASHES_MAX}")
        if any(len(each) != HASH_SIZE for each in self.proof):
            raise _malformed("a hash of the proof has not 32 bytes")
        parse_stated(self.note.text)

    @property
    def stated(self) -> Stated:
        """What the checkpoint says."""
        return Stated(*parse_stated(self.note.text))


@dataclass(frozen=True, slots=True)
class WitnessState:
    """The last tree of a log that was cosigned; a log that never was has the empty one."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Outcome(Enum):
    """How a request ends, with its HTTP status."""

    COSIGN = "cosign", 200
    UNKNOWN_LOG = "unknown-log", 404
    NOT_SIGNED = "not-signed", 403
    OLD_ABOVE_SIZE = "old-above-size", 400
    CONFLICT = "conflict", 409
    NOTHING_TO_PROVE = "nothing-to-prove", 422
    TWO_ROOTS = "two-roots", 422
    NOT_SHOWN = "not-shown", 422

    def __init__(self, code: str, status: int) -> None:
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, why, and what is worth keeping of the request.

    `note` is the checkpoint with a line of each known key that signed it; as it came where none
    did.
    """

    outcome: Outcome
    reason: str
    note: Note

    @property
    def is_evidence(self) -> bool:
        """Whether the log signed what is not shown to follow from what it signed before (R25).

        Only two roots of one size convict it: whoever holds a true checkpoint can send it with a
        proof that does not hold.
        """
        return self.outcome in (Outcome.TWO_ROOTS, Outcome.NOT_SHOWN)


def encode_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Return the body of a request: old size, proof, empty line, checkpoint."""
    lines = [f"old {request.old}", *map(base64_encode, request.proof), "", ""]
    return "\n".join(lines).encode() + request.note.encode()


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Read the body of a request, verifying nothing.

    Every accepted body encodes to its own bytes. BadNote ``malformed`` or ``bad-checkpoint`` for
    any other, and above 131,072 bytes.
    """
    if len(data) > ADD_CHECKPOINT_SIZE_MAX:
        raise _malformed(f"{len(data):,} bytes, more than {ADD_CHECKPOINT_SIZE_MAX:,}")
    head, empty, note = data.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n", PROOF_HASHES_MAX + 1)
    except UnicodeDecodeError:
        raise _malformed("the lines before the checkpoint are not ASCII") from None
    old = _is_old(first)
    if not empty or old is None:
        raise _malformed("it does not begin with an old size and an empty line")
    try:
        proof = tuple(map(base64_decode, lines))
    except EncodingError as error:
        raise _malformed(f"a hash is {error.message}") from None
    return AddCheckpoint(int(old[1]), proof, parse_note(note))


def decide(
    state: WitnessState, request: AddCheckpoint, keys: Iterable[VerifierKey] | None
) -> Decision:
    """Say what a witness does with a request (R23), by the first of these that holds.

    `keys` are the keys trusted for the checkpoint's origin, None for a log that is not witnessed;
    `state` is what was cosigned last. Unknown log 404; no trusted signature, or a bad one of a
    trusted key, 403; old size above the size 400; old size other than the state's 409; a wrong
    empty root, a proof of nothing, a second root for one size, or a proof that does not hold 422;
    else the checkpoint is to be cosigned.
    """
    stated = request.stated
    if keys is None:
        reason = f"{stated.origin:.120} is not witnessed here"
        return Decision(Outcome.UNKNOWN_LOG, reason, request.note)
    try:
        note = _signed_by(request.note, keys)
    except BadNote as error:
        return Decision(Outcome.NOT_SIGNED, error.message, request.note)
    if request.old > stated.size:
        return Decision(
            Outcome.OLD_ABOVE_SIZE, f"old size {request.old} is above size {stated.size}", note
        )
    if request.old != state.size:
        return Decision(Outcome.CONFLICT, f"the last size cosigned is {state.size}", note)
    return _grown(state, request, stated, note)


def _grown(state: WitnessState, request: AddCheckpoint, stated: Stated, note: Note) -> Decision:
    """Decide about a checkpoint that is signed and asks from the state we are in."""
    if stated.size == 0 and stated.root != EMPTY_ROOT:
        return Decision(Outcome.TWO_ROOTS, "the root of size 0 is not that of the empty tree", note)
    if stated.size == state.size and stated.root != state.root:
        return Decision(Outcome.TWO_ROOTS, f"a second root for size {stated.size}", note)
    if state.size == 0:
        if request.proof:
            return Decision(Outcome.NOTHING_TO_PROVE, "size 0 is extended by every tree", note)
        return Decision(Outcome.COSIGN, "the first tree seen of this log", note)
    try:
        proof = ConsistencyProof(state.size, stated.size, request.proof)
        verify_consistency(proof, state.root, stated.root)
    except BadTreeProof as error:
        return Decision(Outcome.NOT_SHOWN, error.message, note)
    return Decision(Outcome.COSIGN, f"it extends size {state.size}", note)


def _signed_by(note: Note, keys: Iterable[VerifierKey]) -> Note:
    """Return the note with one line of each of these keys that signed; BadNote as `open_note`."""
    verified = open_note(note, keys).verified
    lines = {(each.name, each.key_id): each for each in note.signatures}
    return Note(note.text, tuple(lines[vkey.name, vkey.key_id] for vkey in verified))


def _malformed(reason: str) -> BadNote:
    return BadNote(f"not an add-checkpoint request: {reason}", code="malformed")
