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
from lodestamp.core.transparency import NoteSigner, VerifierKey, sign_note
from lodestamp.node import recorder
from lodestamp.node.anchors import cosigned_note


def prove(
    connection: Connection,
    key: VerifierKey,
    op_id: str,
    disclose: Sequence[str] = (),
    *,
    state: proofs.AuthorityState | None = None,
) -> proofs.Proof:
    """Return the proof of an operation under the newest checkpoint of this transaction.

    The note bears the cosignatures gathered for it; the keys of witnesses are for who trusts them.
    With the grants it was made under, the key events that acted on it, and `state` if given.
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
    note = cosigned_note(connection, head.note, head.size)
    return proofs.from_parts(
        operation,
        disclosed=disclosed,
        content=_content_of([operation, *disclosed]),
        log=proofs.Log(key.name, path.index, path.size, path.to_bytes()),
        checkpoint=proofs.Checkpoint(note.decode("utf-8"), (key,)),
        authority=proofs.authority_from(rights.grants, rights.keys, state),
    )


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
