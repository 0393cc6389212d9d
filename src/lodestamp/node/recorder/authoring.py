"""Our own operations: placed, dated and signed inside the writer, so that no author forks (N5)."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from lodestamp.core.encoding import JsonObject, digest_of_address, is_content_address
from lodestamp.core.keys import PublicKey, Signer
from lodestamp.core.operations import build_op, verify_op
from lodestamp.node.recorder.admission import Place
from lodestamp.node.recorder.batch import Batch
from lodestamp.node.recorder.causes import named_in
from lodestamp.node.recorder.recorded import Recorded, RecordStatus
from lodestamp.node.recorder.rows import Private


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who writes our own operations: the key, the node label, the cap it acts under.

    `cap` is a cap_id, or None for the author's own right. `version` is that of the envelope.
    """

    signer: Signer
    node: str
    cap: str | None = None
    version: int = 2


@dataclass(frozen=True, slots=True)
class Own:
    """An operation to build and sign inside the writer."""

    type: str
    body: JsonObject
    by: Authorship
    private: Private
    future: Future[Recorded]
    count: int = 1


def author(batch: Batch, own: Own, now_s: int) -> Place:
    """Build, sign, verify and accept an operation on top of everything the log holds.

    Errors as `build_op`, `verify_op`, `Batch.parents_for` and `Batch.accept`.
    """
    by, author_id = own.by, own.by.signer.key_id
    wanted = named_in(own.type, own.body)
    named = own.body.get("cap_id") if own.type == "attestation" else None
    caps = [digest_of_address(each) for each in (by.cap, named) if is_content_address(each)]
    place: int | None = None
    if by.version == 2:
        place, before = batch.next_place(author_id, by.node)
        wanted += [] if before is None else [before]
    carried = own.type == "key" or PublicKey.parse_key_id(author_id) is not None
    if not carried:
        wanted += batch.key_events(author_id)
    op = build_op(
        by.signer,
        by.node,
        own.type,
        own.body,
        batch.parents_for(wanted, caps),
        now_s,
        version=by.version,
        seq=place,
        cap=by.cap,
    )
    if carried:
        verify_op(op)
    # in its chain, or on top of what it merges: it cannot be there yet
    known = batch.accept(op, private=own.private, verified=carried)
    return Place(op.op_id, known.seq, RecordStatus.NEW)
