"""The state note of the ``authority`` leg: what a log says of an operation's standing (§7).

The log signs the digest of all statuses at one size. The path leads to it from a leaf of the
operation's digest and its status byte, so one status fits it at most. Nothing but the log's word
stands behind that: nobody who has not the whole log can compute it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lodestamp.core.merkle import InclusionProof
from lodestamp.core.operations import Operation, StateNote, StatePath, Status
from lodestamp.core.proof.model import AuthorityState, Log
from lodestamp.core.transparency import VerifierKey, open_note, parse_note
from lodestamp.core.verdict import Leg
from lodestamp.errors import BadNote, LodestampError

_LEG: Final = "authority"
_NOTE_REASONS: Final = MappingProxyType(
    {"bad-signature": "bad_signature", "no-known-signature": "no_log_signature"}
)
_SAID: Final = MappingProxyType(
    {
        Status.REFUTED: "refuted",
        Status.SOURCE_INVALID: "resting on something that does not hold",
        Status.UNAUTHORISED: "without authority",
        Status.INEFFECTIVE: "without effect",
        Status.REVOKED: "revoked",
        Status.STALE: "stale: its claim no longer holds",
    }
)


@dataclass(frozen=True, slots=True)
class Vouched:
    """The log of `size` operations says that this one is valid; lines of others were ignored."""

    size: int
    ignored: tuple[str, ...] = ()


def check_state(
    section: AuthorityState, operation: Operation, log: Log, signers: Iterable[VerifierKey]
) -> Vouched | Leg:
    """Check note, origin, signature, size and path, then what status the path leads from.

    `signers` are the keys that signed the checkpoint; one of them must have signed the note.
    """
    data = section.note.encode()
    try:
        note = StateNote.parse(parse_note(data).text)
    except BadNote as error:
        return _refuted("bad_note", error.message)
    if note.origin != log.origin:
        detail = f"the state is that of {note.origin:.120}, not of {log.origin:.120}"
        return _refuted("origin_mismatch", detail)
    try:
        opened = open_note(data, signers)
    except BadNote as error:
        return _refuted(_NOTE_REASONS.get(error.code, "bad_note"), error.message)
    if note.size <= log.index:
        detail = f"a state of {note.size:,} operations does not hold entry {log.index:,}"
        return _refuted("index_range", detail)
    status = _status(section, operation, note)
    if status is None:
        return _refuted("path_invalid", "the path leads from no status of the operation")
    if status is not Status.VALID:
        detail = f"{_SAID[status]} as of log size {note.size:,}, on the log's word"
        return _refuted(status.name.lower(), detail)
    return Vouched(note.size, opened.ignored)


def _status(section: AuthorityState, operation: Operation, note: StateNote) -> Status | None:
    """Return the status from whose leaf the path leads to the note, or None."""
    for status in Status:
        try:
            proof = InclusionProof.from_bytes(section.index, note.leaves, section.path)
            StatePath(operation.digest, status, proof).verify(note)
        except LodestampError:
            continue
        return status
    return None


def _refuted(reason: str, detail: str) -> Leg:
    return Leg.refuted(_LEG, reason, detail)
