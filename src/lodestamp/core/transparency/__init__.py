"""What a log says in public: signed notes and the checkpoints they carry."""

from lodestamp.core.transparency.checkpoint import (
    ORIGIN_SIZE_MAX,
    Checkpoint,
    parse_checkpoint,
)
from lodestamp.core.transparency.note import (
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    Note,
    NoteSignature,
    NoteSigner,
    Opened,
    open_note,
    parse_note,
    sign_note,
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
    "ED25519_COSIGNATURE",
    "ED25519_NOTE",
    "MLDSA44_COSIGNATURE",
    "NOTE_SIZE_MAX",
    "ORIGIN_SIZE_MAX",
    "SIGNATURES_MAX",
    "Checkpoint",
    "Note",
    "NoteSignature",
    "NoteSigner",
    "Opened",
    "VerifierKey",
    "key_id",
    "open_note",
    "parse_checkpoint",
    "parse_note",
    "parse_vkey",
    "sign_note",
]
