"""A proof's place in its log as a C2SP tlog-proof (transparency spec R22)."""

from __future__ import annotations

import pytest

from lodestamp.core.encoding import canonical_json
from lodestamp.core.merkle import leaf_hash
from lodestamp.core.operations import parse_op
from lodestamp.core.proof import from_parts, to_tlog_proof
from lodestamp.core.transparency import parse_tlog_proof, verify_tlog_proof
from lodestamp.errors import UsageError
from proofs import evidence_of, log_vkey, proof_of_content
from witnesses import W1, cosigned


def test_a_proof_exports_index_path_and_note_verbatim():
    proof = cosigned(proof_of_content(), W1)
    exported = parse_tlog_proof(to_tlog_proof(proof).encode())
    assert proof.log is not None
    assert proof.checkpoint is not None
    assert exported.path.to_bytes() == proof.log.path
    assert (exported.path.index, exported.path.size) == (proof.log.index, proof.log.size)
    assert exported.checkpoint == proof.checkpoint.note.encode()
    operation = parse_op(canonical_json(proof.subject.operation))
    keys = [log_vkey(), W1.verifier_key]
    stated, opened = verify_tlog_proof(exported, leaf_hash(operation.entry), keys)
    assert stated.size == proof.log.size
    assert set(opened.verified) == set(keys)


def test_a_proof_without_a_log_has_no_path_to_export():
    with pytest.raises(UsageError):
        to_tlog_proof(from_parts(evidence_of({}, source="s")))
