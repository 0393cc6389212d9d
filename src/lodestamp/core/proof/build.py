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

    Disclosed operations, keys and anchors may come in any order. It joins and does not judge:
    that the parts belong together is what `verify` finds out. EncodingError or ProofFormatError
    when the file would be outside its format, such as a log without its checkpoint.
    """
    if checkpoint is not None:
        checkpoint = replace(checkpoint, vkeys=tuple(sorted(checkpoint.vkeys, key=vkey_order)))
    sources = sorted(disclosed, key=lambda operation: operation.op_id)
    section = Subject(_wire_object(subject), tuple(_wire_object(source) for source in sources))
    ordered = tuple(sorted(anchors, key=lambda anchor: anchor.order))
    proof = Proof(section, content, log, checkpoint, authority, ledger, ordered)
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
