"""Who signs: key ids, suites, signing and verifying under one rule, identities and their keys."""

from lodestamp.core.keys.ed25519 import ed25519_verify
from lodestamp.core.keys.event import (
    Did,
    Entity,
    EventKind,
    KeyEvent,
    is_did,
    next_key_digest,
)
from lodestamp.core.keys.public import (
    KeyId,
    Keys,
    PublicKey,
    find_key,
    is_key_id,
    verify,
)
from lodestamp.core.keys.signing import Signer, SigningKey
from lodestamp.core.keys.suites import SUITES, Suite

__all__ = [
    "SUITES",
    "Did",
    "Entity",
    "EventKind",
    "KeyEvent",
    "KeyId",
    "Keys",
    "PublicKey",
    "Signer",
    "SigningKey",
    "Suite",
    "ed25519_verify",
    "find_key",
    "is_did",
    "is_key_id",
    "next_key_digest",
    "verify",
]
