"""The portable proof: one file that carries every leg, and the verifier that judges it."""

from lodestamp.core.proof.build import from_parts
from lodestamp.core.proof.codec import FORMAT, VERSION, Proof
from lodestamp.core.proof.codes import CODES
from lodestamp.core.proof.legs.content import CONTENT_KIND, Pieces
from lodestamp.core.proof.model import (
    ANCHORS_MAX,
    DISCLOSED_MAX,
    EXTENSION,
    LEGS,
    MEDIA_TYPE,
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    VKEYS_MAX,
    Checkpoint,
    Content,
    Log,
    Subject,
)
from lodestamp.core.proof.trust import AuthorPin, LogPin, Trust, Unpinned
from lodestamp.core.proof.verify import verify

__all__ = [
    "ANCHORS_MAX",
    "CODES",
    "CONTENT_KIND",
    "DISCLOSED_MAX",
    "EXTENSION",
    "FORMAT",
    "LEGS",
    "MEDIA_TYPE",
    "PROOF_DEPTH_MAX",
    "PROOF_SIZE_MAX",
    "VERSION",
    "VKEYS_MAX",
    "AuthorPin",
    "Checkpoint",
    "Content",
    "Log",
    "LogPin",
    "Pieces",
    "Proof",
    "Subject",
    "Trust",
    "Unpinned",
    "from_parts",
    "verify",
]
