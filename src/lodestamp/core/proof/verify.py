"""The verifier: one proof file in, one verdict out, leg by leg (transparency spec §9.1).

Each leg recomputes what it needs from the legs it rests on, so there is nothing to look up and no
copy that could disagree. A leg that rests on one that is refuted, or could not be read, is
``unknown/<leg>.blocked``.

    operation <- content        the evidence among the operations names the content
    operation <- log            the entry is made from the operation's digest
    checkpoint <- log           the path ends in the note's root
    operation <- authority      the author, and the capability the author names
    checkpoint <- authority     a state note is signed by who signed the checkpoint
    checkpoint <- witnesses     they cosigned its text
    log        <- time          what is anchored is the root that the operation is under

A ledger section, which a version-1 proof may carry and this library cannot check yet, leaves its
leg ``unknown/ledger.unsupported``: such a proof is never established, nor refuted for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from lodestamp.core.proof.best_chain import BestChain, HeaderTrust
from lodestamp.core.proof.codec import VERSION, Proof
from lodestamp.core.proof.key_history import KeyHistory
from lodestamp.core.proof.legs.authority import AuthorityFinding, check_authority, read_keys
from lodestamp.core.proof.legs.checkpoint import CheckpointFinding, check_checkpoint
from lodestamp.core.proof.legs.content import Pieces, check_content
from lodestamp.core.proof.legs.log import check_log
from lodestamp.core.proof.legs.operation import (
    KEY_UNKNOWN,
    OperationFinding,
    check_operation,
    vouched_for,
)
from lodestamp.core.proof.legs.witnesses import WitnessFinding, check_witnesses
from lodestamp.core.proof.model import LEGS, NETWORKS
from lodestamp.core.proof.trust import Trust
from lodestamp.core.transparency import COSIGNATURE_TYPES
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import ProofFormatError, UsageError

FORMAT: Final = "format"
_UNSUPPORTED: Final = "format.unsupported"


def verify(
    data: bytes,
    trust: Trust | None = None,
    content: Pieces | None = None,
    *,
    without_content: bool = False,
    require: Collection[str] = (),
    headers: BestChain | None = None,
    network: str | None = None,
) -> Verdict:
    """Judge the bytes of a proof file. Whatever they are, the answer is a verdict, never an error.

    `content` is what the proof is said to be about: bytes, or pieces of them in order, read once;
    what reading them raises passes through. Without it the content leg stays unknown, which leaves
    the verdict unknown too unless `without_content` says that nobody asked. `require` names legs
    that must be established, beside those of the trust file; UsageError for a name that is no leg.
    `headers` is what the caller knows of a best chain; `network` accepts anchors of one beside main
    and that of the trust file, UsageError for a name that is none.

    At most 4 MiB are read, 1,286 operations verified, 128 note signatures looked at, 16,128 headers
    hashed: bounded work.
    """
    required = _required(trust, require)
    if network is not None and network not in NETWORKS:
        raise UsageError(
            f"no network is named {network!r:.80}", hint="one of " + ", ".join(NETWORKS)
        )
    try:
        proof = Proof.parse(data)
    except ProofFormatError as error:
        return _unreadable(error)
    keys = read_keys(proof.authority) if proof.authority else None
    operation = check_operation(
        proof.subject, trust, keys if isinstance(keys, KeyHistory) else None
    )
    checkpoint = check_checkpoint(proof.checkpoint, trust) if proof.checkpoint else None
    authority = _authority(proof, keys, operation, checkpoint, trust) if keys else None
    witnesses = _witnesses(proof, checkpoint, trust, required="witnesses" in required)
    log = _log_leg(proof, operation, checkpoint)
    found = {
        FORMAT: Leg(FORMAT, Status.ESTABLISHED, facts={"version": VERSION}),
        "operation": vouched_for(operation.leg)
        if authority and authority.pinned
        else operation.leg,
        "content": _content_leg(
            proof, operation, content, asked=not without_content or "content" in required
        ),
        "authority": authority.leg if authority else None,
        "log": log,
        "checkpoint": checkpoint.leg if checkpoint else None,
        "witnesses": witnesses.leg,
        "ledger": _unsupported("ledger") if proof.ledger is not None else None,
        "time": _time_leg(
            proof, log, checkpoint, HeaderTrust((trust or Trust()).bitcoin, network, headers)
        ),
    }
    return Verdict.of(
        tuple(found[name] or Leg.not_carried(name, required=name in required) for name in LEGS),
        subject=operation.operation.op_id if operation.operation else None,
        ignored=tuple(
            line
            for each in (checkpoint, authority)
            if each
            for line in each.ignored
            if line not in witnesses.lines
        ),
    )


def _required(trust: Trust | None, require: Collection[str]) -> frozenset[str]:
    if foreign := sorted(set(require) - set(LEGS), key=str):
        raise UsageError(f"no leg is named {foreign[0]!r:.80}", hint="one of " + ", ".join(LEGS))
    return frozenset(require) | (trust.require if trust else frozenset())


def _unreadable(error: ProofFormatError) -> Verdict:
    """Return the verdict of a file whose legs cannot be told apart."""
    if error.code == _UNSUPPORTED:
        return Verdict.of(
            tuple(Leg(name, Status.UNKNOWN, _UNSUPPORTED, detail=error.message) for name in LEGS)
        )
    refused = Leg(FORMAT, Status.REFUTED, error.code, detail=error.message)
    return Verdict.of((refused, *(_blocked(name) for name in LEGS if name != FORMAT)))


def _blocked(name: str) -> Leg:
    detail = "it rests on a leg that does not stand"
    return Leg.unknown(name, "blocked", detail, counts=False)


def _unsupported(name: str) -> Leg:
    return Leg.unknown(name, "unsupported", "carried, but not checkable by this version")


def _authority(
    proof: Proof,
    keys: KeyHistory | Leg,
    found: OperationFinding,
    checkpoint: CheckpointFinding | None,
    trust: Trust | None,
) -> AuthorityFinding:
    if isinstance(keys, Leg):
        return AuthorityFinding(keys)
    if proof.authority is None or found.operation is None or found.leg.status is Status.REFUTED:
        return AuthorityFinding(_blocked("authority"))
    return check_authority(
        proof.authority, keys, found, log=proof.log, checkpoint=checkpoint, trust=trust
    )


def _content_leg(
    proof: Proof, found: OperationFinding, content: Pieces | None, *, asked: bool
) -> Leg | None:
    if proof.content is None:
        # Whoever hands over content asks about it, so its absence from the proof counts.
        return Leg.not_carried("content", required=True) if content is not None else None
    unsigned = found.leg.code == KEY_UNKNOWN  # nobody's word yet: the signature was not checked
    if found.operation is None or found.leg.status is Status.REFUTED or unsigned:
        return _blocked("content")
    return check_content(proof.content, (found.operation, *found.disclosed), content, counts=asked)


def _log_leg(
    proof: Proof, found: OperationFinding, checkpoint: CheckpointFinding | None
) -> Leg | None:
    if proof.log is None or checkpoint is None:
        return None
    if found.operation is None or found.leg.status is Status.REFUTED:
        return _blocked("log")
    if checkpoint.checkpoint is None:
        return _blocked("log")
    return check_log(proof.log, found.operation, checkpoint.checkpoint)


def _witnesses(
    proof: Proof, found: CheckpointFinding | None, trust: Trust | None, *, required: bool
) -> WitnessFinding:
    if proof.checkpoint is None or found is None:
        return WitnessFinding(None)
    if found.checkpoint is None or found.note is None:
        carried = any(vkey.key_type in COSIGNATURE_TYPES for vkey in proof.checkpoint.vkeys)
        return WitnessFinding(_blocked("witnesses") if carried else None)
    return check_witnesses(
        proof.checkpoint, found.note, found.checkpoint.origin, trust, required=required
    )


def _time_leg(
    proof: Proof, log: Leg | None, found: CheckpointFinding | None, trust: HeaderTrust
) -> Leg | None:
    if not proof.anchors:
        return None
    if found is None or found.checkpoint is None or not log or log.status is not Status.ESTABLISHED:
        return _blocked("time")
    # Most proofs have no anchors, and the room of Bitcoin takes a while to import.
    from lodestamp.core.proof.legs.time import check_time  # noqa: PLC0415

    return check_time(proof.anchors, found.checkpoint, trust)
