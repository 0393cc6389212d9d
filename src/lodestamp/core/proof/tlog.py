"""A proof's place in its log as a C2SP tlog-proof, for tools that know no other (R22)."""

from __future__ import annotations

from lodestamp.core.merkle import InclusionProof
from lodestamp.core.proof.codec import Proof
from lodestamp.core.transparency import TlogProof
from lodestamp.errors import UsageError


def to_tlog_proof(proof: Proof) -> TlogProof:
    """Return index, path and signed checkpoint; the rest of the proof has no place there.

    It is joined and not judged. UsageError for a proof without a log; BadNote,
    BadTreeProof or BadHashLength where log and checkpoint do not belong together.
    """
    if proof.log is None or proof.checkpoint is None:
        raise UsageError("the proof carries no log, so there is no path to write")
    path = InclusionProof.from_bytes(proof.log.index, proof.log.size, proof.log.path)
    return TlogProof(path, proof.checkpoint.note.encode())
