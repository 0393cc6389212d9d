"""What a log says in public: signed notes, checkpoints, cosignatures, policies."""

from lodestamp.core.transparency.checkpoint import (
    ORIGIN_SIZE_MAX,
    Checkpoint,
    parse_checkpoint,
)
from lodestamp.core.transparency.cosign import (
    COSIGNATURE_TYPES,
    Cosignature,
    Cosigner,
    cosign_message,
    verify_cosignature,
    verify_cosignatures,
)
from lodestamp.core.transparency.note import (
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    Note,
    NoteSignature,
    NoteSigner,
    parse_note,
    sign_note,
)
from lodestamp.core.transparency.opened import Opened, open_note
from lodestamp.core.transparency.policy import (
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    parse_policy,
    quorum_met,
    threshold_policy,
)
from lodestamp.core.transparency.vkey import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    key_id,
    parse_vkey,
)

__all__ = [
    "COSIGNATURE_TYPES",
    "ED25519_COSIGNATURE",
    "ED25519_NOTE",
    "MLDSA44_COSIGNATURE",
    "NOTE_SIZE_MAX",
    "ORIGIN_SIZE_MAX",
    "SIGNATURES_MAX",
    "Checkpoint",
    "Cosignature",
    "Cosigner",
    "Note",
    "NoteSignature",
    "NoteSigner",
    "Opened",
    "Policy",
    "PolicyGroup",
    "PolicyLog",
    "PolicyWitness",
    "VerifierKey",
    "cosign_message",
    "key_id",
    "open_note",
    "parse_checkpoint",
    "parse_note",
    "parse_policy",
    "parse_vkey",
    "quorum_met",
    "sign_note",
    "threshold_policy",
    "verify_cosignature",
    "verify_cosignatures",
]
