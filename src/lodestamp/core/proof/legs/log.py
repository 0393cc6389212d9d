"""The ``log`` leg: the operation is an entry of the tree whose root the checkpoint signs.

Nothing is believed but hashes: the entry is made from the operation's digest, the root is the
note's, and the path joins the two (transparency spec R2, R4, R6; RFC 9162 §2.1.3.2).
"""

from __future__ import annotations

from typing import Final

from lodestamp.core.merkle import InclusionProof, leaf_hash, verify_inclusion
from lodestamp.core.operations import Operation
from lodestamp.core.proof.model import Log
from lodestamp.core.transparency import Checkpoint
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import LodestampError

NAME: Final = "log"
HASH_ONLY: Final = "hash only"


def check_log(section: Log, operation: Operation, checkpoint: Checkpoint) -> Leg:
    """Check origin, size, index and path, in this order."""
    if section.origin != checkpoint.origin:
        detail = f"the note is of {checkpoint.origin:.120}, not of {section.origin:.120}"
        return Leg.refuted(NAME, "origin_mismatch", detail)
    if section.size != checkpoint.size:
        detail = f"the note is of size {checkpoint.size:,}, not {section.size:,}"
        return Leg.refuted(NAME, "size_mismatch", detail)
    if section.index >= section.size:
        detail = f"a log of {section.size:,} entries has no entry {section.index:,}"
        return Leg.refuted(NAME, "index_range", detail)
    try:
        path = InclusionProof.from_bytes(section.index, section.size, section.path)
        verify_inclusion(leaf_hash(operation.entry), path, checkpoint.root)
    except LodestampError as error:
        return Leg.refuted(NAME, "path_invalid", error.message)
    facts: dict[str, Fact] = {
        "origin": section.origin,
        "index": section.index,
        "size": section.size,
    }
    return Leg(NAME, Status.ESTABLISHED, basis=HASH_ONLY, facts=facts)
