"""Joining what a log holds about one operation into a proof (DESIGN §3, step 7)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from lodestamp.core import proof as proofs
from lodestamp.core.operations import (
    Operation,
    ProvenanceGraph,
    derived_from,
    state_note,
    state_path,
)
from lodestamp.core.transparency import NoteSigner, VerifierKey, parse_note, parse_vkey, sign_note
from lodestamp.node import recorder
from lodestamp.node.anchors import cosigned_note, cosigner_keys
from lodestamp.node.keyring import LOG_PQ_VKEY


def prove(
    connection: Connection,
    key: VerifierKey,
    op_id: str,
    disclose: Sequence[str] = (),
    *,
    state: proofs.AuthorityState | None = None,
) -> proofs.Proof:
    """Return the proof of an operation under the newest checkpoint of this transaction.

    The checkpoint is as `checkpoint_of` gives it. With the grants the operation was made
    under, the key events that acted on it, and `state` if given.
    UnknownOperation when the log does not hold it or a disclosed one.
    """
    subject = recorder.find_operation(connection, op_id)
    operation = subject.operation
    if operation.type == "claim" and operation.body["predicate"] == proofs.STATEMENT_PREDICATE:
        disclose = sorted({*disclose, *derived_from(operation)})
    disclosed = [recorder.find_operation(connection, each).operation for each in disclose]
    rights = recorder.read_rights(connection, subject, disclosed)
    head = recorder.read_head(connection)
    path, _root = recorder.inclusion(connection, subject.log_index, head.size)
    return proofs.from_parts(
        operation,
        disclosed=disclosed,
        content=_content_of([operation, *disclosed]),
        log=proofs.Log(key.name, path.index, path.size, path.to_bytes()),
        checkpoint=checkpoint_of(connection, key, head.note, head.size),
        authority=proofs.authority_from(rights.grants, rights.keys, state),
    )


def checkpoint_of(
    connection: Connection, key: VerifierKey, note: bytes, size: int
) -> proofs.Checkpoint:
    """Return our checkpoint of a size with the cosignatures gathered so far, and its signers' keys.

    Those are the log's own, by which `key` and, where there is one, its second are known here, and
    the witnesses'. A key that has no line under the note is left out.
    """
    note = cosigned_note(connection, note, size)
    second = recorder.read_meta(connection, LOG_PQ_VKEY)
    known = [key, *cosigner_keys(connection, size)]
    if second is not None:
        known.append(parse_vkey(second))
    signed = {(each.name, each.key_id) for each in parse_note(note).signatures}
    vkeys = tuple(each for each in known if (each.name, each.key_id) in signed)
    return proofs.Checkpoint(note.decode("utf-8"), vkeys)


def sign_state(graph: ProvenanceGraph, signer: NoteSigner, op_id: str) -> proofs.AuthorityState:
    """Return the log's signed word for the state, with the path from an operation's status.

    CausalError when the graph does not hold the operation.
    """
    path = state_path(graph, op_id)
    note = sign_note(state_note(graph, signer.name).text(), [signer])
    return proofs.AuthorityState(note.decode("utf-8"), path.proof.index, path.proof.to_bytes())


def _content_of(operations: Sequence[Operation]) -> proofs.Content | None:
    for operation in operations:
        content = proofs.content_of(operation)
        if content is not None:
            return content
    return None
