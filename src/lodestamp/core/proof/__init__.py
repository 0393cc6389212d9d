"""The portable proof: one file that carries every leg, and the verifier that judges it."""

from lodestamp.core.proof.build import authority_from, from_parts
from lodestamp.core.proof.codec import FORMAT, VERSION, Proof
from lodestamp.core.proof.codes import CODES
from lodestamp.core.proof.legs.content import (
    CONTENT_KIND,
    STATEMENT_PREDICATE,
    Pieces,
    content_of,
)
from lodestamp.core.proof.model import (
    ANCHORS_MAX,
    DISCLOSED_MAX,
    EXTENSION,
    GRANTS_MAX,
    KEY_EVENTS_MAX,
    LEGS,
    MEDIA_TYPE,
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    VKEYS_MAX,
    Authority,
    AuthorityState,
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
    "GRANTS_MAX",
    "KEY_EVENTS_MAX",
    "LEGS",
    "MEDIA_TYPE",
    "PROOF_DEPTH_MAX",
    "PROOF_SIZE_MAX",
    "STATEMENT_PREDICATE",
    "VERSION",
    "VKEYS_MAX",
    "AuthorPin",
    "Authority",
    "AuthorityState",
    "Checkpoint",
    "Content",
    "Log",
    "LogPin",
    "Pieces",
    "Proof",
    "Subject",
    "Trust",
    "Unpinned",
    "authority_from",
    "content_of",
    "from_parts",
    "verify",
]
