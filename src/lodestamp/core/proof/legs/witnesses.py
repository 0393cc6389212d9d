"""The ``witnesses`` leg: others saw this checkpoint, and that it extends what they saw before.

Witnesses cosign the text of the checkpoint (transparency spec R18, R19). Only those that the trust
file names count, each public key once, towards the quorum it asks for (R21). The proof may carry
keys of others: whoever is named that way must have signed, and is believed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lodestamp.core.proof.model import Checkpoint as CheckpointSection
from lodestamp.core.proof.trust import Trust
from lodestamp.core.transparency import (
    COSIGNATURE_TYPES,
    MLDSA44_COSIGNATURE,
    Cosignature,
    Note,
    Policy,
    VerifierKey,
    quorum_met,
    verify_cosignatures,
)
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import BadNote, KeyFormatError

NAME: Final = "witnesses"
SUITE_UNAVAILABLE: Final = "suite-unavailable"
"""The code of the KeyFormatError for a suite that this machine cannot check (R73)."""


@dataclass(frozen=True, slots=True)
class WitnessFinding:
    """The leg, None when the proof carries none, and the signature lines that counted in it."""

    leg: Leg | None
    lines: frozenset[str] = frozenset()


def check_witnesses(
    section: CheckpointSection, note: Note, origin: str, trust: Trust | None, *, required: bool
) -> WitnessFinding:
    """Check the cosignatures under the section's note, which holds a checkpoint of this origin.

    `required` says that the leg counts even where the trust file names no witness.
    """
    policy = trust.witnesses if trust else None
    trusted = () if policy is None else policy.witness_keys
    carried = tuple(vkey for vkey in section.vkeys if is_witness(vkey, origin))
    try:
        found = verify_cosignatures(note, {*trusted, *carried})
    except BadNote as error:
        return WitnessFinding(Leg.refuted(NAME, "bad_signature", error.message))
    except KeyFormatError as error:
        return WitnessFinding(Leg.unknown(NAME, "alg_unavailable", error.message))
    if not carried and not found:
        return WitnessFinding(None)
    if silent := _without_line(note, carried):
        detail = f"the note bears no cosignature of {silent.text():.120}"
        return WitnessFinding(Leg.refuted(NAME, "bad_signature", detail))
    if policy is None or policy.quorum is None:
        return WitnessFinding(_nobody_trusted(found, counts=required))
    named = {(vkey.name, vkey.key_id) for vkey in trusted}
    counted = [each for each in found if (each.name, each.key_id) in named]
    lines = frozenset(each.line() for each in counted)
    return WitnessFinding(_weigh(policy, counted), lines)


def is_witness(vkey: VerifierKey, origin: str) -> bool:
    """Tell whether a carried key is a witness's; one of type 06 may be the log's own (R17)."""
    own = vkey.key_type == MLDSA44_COSIGNATURE and vkey.name == origin
    return vkey.key_type in COSIGNATURE_TYPES and not own


def _without_line(note: Note, carried: Iterable[VerifierKey]) -> VerifierKey | None:
    signers = {(signature.name, signature.key_id) for signature in note.signatures}
    return next((vkey for vkey in carried if (vkey.name, vkey.key_id) not in signers), None)


def _nobody_trusted(found: Iterable[Cosignature], *, counts: bool) -> Leg:
    names = sorted({each.name for each in found})
    detail = f"the trust file names no witness; cosigned by {', '.join(names):.400}"
    return Leg.unknown(NAME, "none_trusted", detail, counts=counts)


def _weigh(policy: Policy, counted: list[Cosignature]) -> Leg:
    """Say whether those that are trusted are enough."""
    names = policy.cosigners(counted)
    number = f"{len(names)} of {len(policy.witnesses)} witnesses"
    if not quorum_met(policy, names):
        detail = f"{number} that the trust file names have cosigned; it asks for more"
        return Leg.unknown(NAME, "no_quorum", detail)
    times = [each.time for each in counted]
    facts: dict[str, Fact] = {
        "witnesses": sorted({each.name for each in counted}),
        "first_seen": min(times),
        "last_seen": max(times),
    }
    return Leg(NAME, Status.ESTABLISHED, basis=number, facts=facts)
