"""Verifying a C2SP tlog-proof together with the operation it speaks of (transparency spec R22).

Such a file carries neither the entry nor a key. The entry is made from the operation's bytes, the
keys are those the trust file pins for the log, and the rest is judged as in a proof of our own.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Final

from lodestamp.core import proof as proofs
from lodestamp.core.encoding import JsonObject, canonical_json, parse_canonical
from lodestamp.core.operations import Operation, parse_op
from lodestamp.core.transparency import (
    ED25519_NOTE,
    TLOG_PROOF_HEADER,
    TlogProof,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
)
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import BadNote, InputError, UsageError

_HEADER: Final = TLOG_PROOF_HEADER.encode() + b"\n"


def is_tlog_proof(data: bytes) -> bool:
    """Tell whether a file begins as a tlog-proof does."""
    return data.startswith(_HEADER)


def verify_tlog(
    data: bytes,
    operation: bytes | None,
    trust: proofs.Trust | None = None,
    *,
    require: Collection[str] = (),
) -> Verdict:
    """Judge a tlog-proof of an operation, which is given as its block or as its wire form.

    Bad files are refuted, never raised. Where no trust file pins the log, its signature cannot be
    checked, and the leg ``checkpoint`` is unknown. UsageError without an operation.
    """
    if operation is None:
        hint = "lodestamp verify FILE.tlog-proof OPERATION --trust TRUST"
        raise UsageError("a tlog-proof does not carry the operation", hint=hint)
    try:
        tlog = parse_tlog_proof(data)
    except InputError as error:
        return _refused(Leg.refuted("format", "bad_type", error.message))
    try:
        subject = _read_operation(operation)
    except InputError as error:
        return _refused(Leg.refuted("operation", "schema", error.message))
    origin = parse_checkpoint(parse_note(tlog.checkpoint).text).origin
    keys = _keys_of(tlog, origin, trust)
    if not keys:
        alone = proofs.verify(proofs.from_parts(subject).encode(), trust, require=require)
        detail = f"a tlog-proof carries no key, and no trust file pins one of {origin:.120}"
        unknown = {
            "checkpoint": Leg.unknown("checkpoint", "key_not_pinned", detail),
            "log": Leg.unknown("log", "blocked", "it rests on a leg that does not stand"),
        }
        legs = tuple(unknown.get(leg.name, leg) for leg in alone.legs)
        return Verdict.of(legs, subject=alone.subject)
    path = tlog.path
    proof = proofs.from_parts(
        subject,
        log=proofs.Log(origin, path.index, path.size, path.to_bytes()),
        checkpoint=proofs.Checkpoint(tlog.checkpoint.decode(), keys),
    )
    return proofs.verify(proof.encode(), trust, require=require)


def _read_operation(data: bytes) -> Operation:
    """Parse an operation's wire form, or its block, which is the same without `op_id`."""
    document = parse_canonical(data)
    if "op_id" not in document:
        named: JsonObject = {**document, "op_id": f"sha256:{sha256(data).hexdigest()}"}
        return parse_op(canonical_json(named))
    return parse_op(data)


def _keys_of(tlog: TlogProof, origin: str, trust: proofs.Trust | None) -> tuple[VerifierKey, ...]:
    """Return the pinned note keys of the log that signed; all of them where none did."""
    pin = trust.log(origin) if trust else None
    if pin is None:
        return ()
    pinned = tuple(vkey for vkey in pin.vkeys if vkey.key_type == ED25519_NOTE)
    try:
        return open_note(tlog.checkpoint, pinned).verified
    except BadNote:
        return pinned  # the verifier says what is wrong


def _refused(leg: Leg) -> Verdict:
    """Return the verdict of files that cannot be read as what they should be."""
    before, after = proofs.LEGS[: proofs.LEGS.index(leg.name)], proofs.LEGS
    detail = "it rests on a leg that does not stand"
    held = {name: Leg(name, Status.ESTABLISHED) for name in before}
    blocked = {name: Leg.unknown(name, "blocked", detail, counts=False) for name in after}
    return Verdict.of(tuple((blocked | held | {leg.name: leg})[name] for name in proofs.LEGS))
