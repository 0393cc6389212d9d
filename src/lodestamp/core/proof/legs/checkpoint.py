"""The ``checkpoint`` leg: a log signed this origin, size and root (transparency spec R13-R17).

The keys are those the trust file pins for the origin, else those the proof carries. Either way no
carried key is decoration: each Ed25519 note key, and each post-quantum key under the log's name
(type 06, R17), must be the log's and must have signed the note. Keys of witnesses are for the leg
``witnesses``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lodestamp.core.encoding import base64_encode
from lodestamp.core.proof.legs.witnesses import is_witness
from lodestamp.core.proof.model import Checkpoint as CheckpointSection
from lodestamp.core.proof.trust import Trust, Unpinned
from lodestamp.core.transparency import (
    ED25519_NOTE,
    Checkpoint,
    Note,
    Opened,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_note,
)
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import BadNote, KeyFormatError

NAME: Final = "checkpoint"
SELF_ASSERTED: Final = "self-asserted log key"
PINNED: Final = "pinned log key"
_REASONS: Final = MappingProxyType(
    {"bad-signature": "bad_signature", "no-known-signature": "no_log_signature"}
)


@dataclass(frozen=True, slots=True)
class CheckpointFinding:
    """The leg, the checkpoint the ``log`` leg rests on, and signature lines nobody checked.

    `signers` are the note keys of the log that signed it.
    """

    leg: Leg
    checkpoint: Checkpoint | None = None
    note: Note | None = None
    ignored: tuple[str, ...] = ()
    signers: tuple[VerifierKey, ...] = ()


def check_checkpoint(section: CheckpointSection, trust: Trust | None) -> CheckpointFinding:
    """Check the note under the log's keys."""
    try:
        note = parse_note(section.note.encode())
        checkpoint = parse_checkpoint(note.text)
    except BadNote as error:
        return CheckpointFinding(Leg.refuted(NAME, "bad_note", error.message))
    origin = checkpoint.origin
    carried = [vkey for vkey in section.vkeys if not is_witness(vkey, origin)]
    pin = trust.log(origin) if trust else None
    allowed = carried if pin is None else pin.vkeys
    for vkey in carried:
        if vkey.name != origin or vkey not in allowed:
            whose = "no key of this origin" if pin is None else "not the key pinned for it"
            detail = f"{vkey.text():.120} is {whose}"
            return CheckpointFinding(Leg.refuted(NAME, "key_mismatch", detail))
    if all(vkey.key_type != ED25519_NOTE for vkey in carried):
        detail = f"the proof carries no key of {origin:.120} for the note"
        return CheckpointFinding(Leg.refuted(NAME, "no_log_signature", detail))
    try:
        opened = open_note(note, allowed)
    except BadNote as error:
        reason = _REASONS.get(error.code, "bad_note")
        return CheckpointFinding(Leg.refuted(NAME, reason, error.message))
    except KeyFormatError as error:
        return CheckpointFinding(
            Leg.unknown(NAME, "alg_unavailable", error.message), checkpoint, note
        )
    if unsigned := [vkey for vkey in carried if vkey not in opened.verified]:
        detail = f"the note bears no signature of {unsigned[0].text():.120}"
        return CheckpointFinding(Leg.refuted(NAME, "no_log_signature", detail))
    leg = _weigh(checkpoint, opened, trust, pinned=pin is not None)
    signers = tuple(vkey for vkey in opened.verified if vkey.key_type == ED25519_NOTE)
    return CheckpointFinding(leg, checkpoint, note, opened.ignored, signers)


def _weigh(checkpoint: Checkpoint, opened: Opened, trust: Trust | None, *, pinned: bool) -> Leg:
    """Say what the leg rests on: the trust file's word for the log, or the log's own."""
    facts: dict[str, Fact] = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": base64_encode(checkpoint.root),
        "keys": _texts(opened.verified),
    }
    if pinned:
        return Leg(NAME, Status.ESTABLISHED, basis=PINNED, facts=facts)
    if trust and trust.unpinned is Unpinned.UNKNOWN:
        detail = f"the trust file does not list the log {checkpoint.origin:.120}"
        return Leg(NAME, Status.UNKNOWN, f"{NAME}.key_not_pinned", detail=detail, facts=facts)
    return Leg(NAME, Status.ESTABLISHED, basis=SELF_ASSERTED, facts=facts)


def _texts(vkeys: Iterable[VerifierKey]) -> list[str]:
    return [vkey.text() for vkey in vkeys]
