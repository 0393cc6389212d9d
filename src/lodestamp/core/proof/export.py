"""A proof's way into time as an OpenTimestamps file, for clients that know no other (R42, R43).

The file is about the operation block: whoever has that as a file can check it with a stock client.
A way from the content itself exists only where the operation states its SHA-256.
"""

from __future__ import annotations

from functools import reduce
from typing import Final

from lodestamp.core.encoding import base16_decode, canonical_json
from lodestamp.core.merkle import InclusionProof, leaf_hash, verify_inclusion
from lodestamp.core.operations import Operation, parse_op
from lodestamp.core.proof.anchor import anchor_digest
from lodestamp.core.proof.codec import Proof
from lodestamp.core.proof.legs.content import sha256_of
from lodestamp.core.timestamps import (
    ENTRY_OPS,
    SHA256,
    Detached,
    anchor_ops,
    content_ops,
    lead_to,
    merge,
    parse_timestamp,
    path_ops,
)
from lodestamp.core.transparency import parse_checkpoint, parse_note
from lodestamp.errors import EncodingError, LimitExceeded, NotExpressible

MAIN: Final = "main"


def to_ots(proof: Proof, *, network: str = MAIN, from_content: bool = False) -> Detached:
    """Return the timestamp file of a proof's operation block, or of its content.

    The anchors in `network` are joined; a file does not say of which network it is, and stock
    clients take it for main. NotExpressible ``no_log`` or ``no_anchor`` where the proof carries
    none, ``no_hex_digest`` for content whose SHA-256 the operation does not state, ``depth`` when
    the way has more than 255 operations. What the proof carries must hold together: OpError,
    BadNote, BadTreeProof, BadTimestamp and LimitExceeded as it does not.
    """
    operation = parse_op(canonical_json(proof.subject.operation))
    if proof.log is None or proof.checkpoint is None:
        raise NotExpressible("the proof carries no log", code="no_log")
    anchors = [each for each in proof.anchors if each.network == network]
    if not anchors:
        message = f"the proof carries no anchor in {network}"
        others = sorted({each.network for each in proof.anchors})
        hint = "`lodestamp upgrade` completes it once its log is anchored"
        if others:
            hint = f"it has one in {' and '.join(others)}: --network names it"
        raise NotExpressible(message, code="no_anchor", hint=hint)
    path = InclusionProof.from_bytes(proof.log.index, proof.log.size, proof.log.path)
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint.note.encode()).text)
    verify_inclusion(leaf_hash(operation.entry), path, checkpoint.root)
    digest = anchor_digest(checkpoint.origin, checkpoint.size, checkpoint.root)
    end = reduce(merge, (parse_timestamp(each.ots, digest, strict=True) for each in anchors))
    ops = (*ENTRY_OPS, *path_ops(path), *anchor_ops(checkpoint.origin, checkpoint.size))
    start: bytes = operation.digest
    if from_content:
        start = _stated_digest(operation)
        ops = (*content_ops(operation.block, start), *ops)
    try:
        return Detached(SHA256, lead_to(start, ops, end))
    except LimitExceeded as error:
        raise NotExpressible(error.message, code="depth") from error


def _stated_digest(operation: Operation) -> bytes:
    """Return the SHA-256 that the operation states of its content."""
    stated = sha256_of(operation)
    if stated is None:
        hint = "`stamp --sha256` states it"
        message = "the operation states no SHA-256 of its content"
        raise NotExpressible(message, code="no_hex_digest", hint=hint)
    try:
        return base16_decode(stated)
    except EncodingError as error:
        raise NotExpressible(f"the stated SHA-256: {error.message}", code="no_hex_digest") from None
