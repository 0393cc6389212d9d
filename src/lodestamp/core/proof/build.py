"""Joining the legs into a proof: what a recorder does with the values it has at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lodestamp.core.encoding import JsonObject, parse_canonical
from lodestamp.core.operations import Operation
from lodestamp.core.proof.anchor import Anchor
from lodestamp.core.proof.codec import Proof
from lodestamp.core.proof.key_history import key_order
from lodestamp.core.proof.model import (
    Authority,
    AuthorityState,
    Checkpoint,
    Content,
    Ledger,
    Log,
    Subject,
)
from lodestamp.core.proof.sections import vkey_order
from lodestamp.errors import UsageError


def from_parts(
    subject: Operation,
    disclosed: Iterable[Operation] = (),
    content: Content | None = None,
    log: Log | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    authority: Authority | None = None,
    anchors: Iterable[Anchor] = (),
    ledger: Ledger | None = None,
) -> Proof:
    """Return the proof of these parts, in the one order a proof file has.

    Disclosed operations, keys and anchors may come in any order; of these, `prune_anchors` leaves
    out what is needless. It joins and does not judge: that the parts belong together is what
    `verify` finds out. EncodingError or ProofFormatError
    when the file would be outside its format, such as a log without its checkpoint.
    """
    if checkpoint is not None:
        checkpoint = _ordered(checkpoint)
    sources = sorted(disclosed, key=lambda operation: operation.op_id)
    section = Subject(_wire_object(subject), tuple(_wire_object(source) for source in sources))
    proof = Proof(section, content, log, checkpoint, authority, ledger, prune_anchors(anchors))
    return Proof.parse(proof.encode())


def authority_from(
    grants: Iterable[Operation] = (),
    keys: Iterable[Operation] = (),
    state: AuthorityState | None = None,
) -> Authority | None:
    """Return the section of these parts, None when there are none.

    Grants come root first; ``key`` operations in any order, each taken once.
    """
    ordered = sorted({each.op_id: each for each in keys}.values(), key=key_order)
    section = Authority(tuple(map(_wire_object, grants)), tuple(map(_wire_object, ordered)), state)
    return section if section != Authority() else None


def _wire_object(operation: Operation) -> JsonObject:
    return parse_canonical(operation.wire)


def replace_checkpoint(
    proof: Proof,
    log: Log,
    checkpoint: Checkpoint,
    anchors: Iterable[Anchor] = (),
    ledger: Ledger | None = None,
) -> Proof:
    """Return the proof under another checkpoint of its log: all that binds one, at once (R68).

    Ledger and anchors of the old one go, since they say nothing of the new root. A complete anchor
    of a network makes those that are still pending there needless, and they are left out (R70). A
    state note stays: it names its own size. UsageError when the log is another, or its entry would
    be; else as `from_parts`.
    """
    before = proof.log
    if before is None or (before.origin, before.index) != (log.origin, log.index):
        raise UsageError("a proof keeps its place: the same log, and the same index in it")
    upgraded = replace(
        proof,
        log=log,
        checkpoint=_ordered(checkpoint),
        ledger=ledger,
        anchors=prune_anchors(anchors),
    )
    return Proof.parse(upgraded.encode())


def prune_anchors(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """Return anchors in order, without the pending ones of a network that has a complete one."""
    ordered = tuple(sorted(anchors, key=lambda anchor: anchor.order))
    done = {anchor.network for anchor in ordered if anchor.height is not None}
    return tuple(
        anchor for anchor in ordered if anchor.height is not None or anchor.network not in done
    )


def _ordered(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, vkeys=tuple(sorted(checkpoint.vkeys, key=vkey_order)))
