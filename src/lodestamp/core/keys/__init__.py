"""Who signs: key ids, suites, signing and verifying under one rule, identities and their keys."""

from lodestamp.core.keys.did_key import (
    MULTIKEY_TEXT_MAX,
    did_key_decode,
    did_key_encode,
    multikey_decode,
    multikey_encode,
    x25519_from_ed25519,
)
from lodestamp.core.keys.document import did_document
from lodestamp.core.keys.ed25519 import ed25519_verify
from lodestamp.core.keys.event import (
    Did,
    Entity,
    EventKind,
    KeyEvent,
    is_did,
    next_key_digest,
)
from lodestamp.core.keys.integrity import (
    IntegrityProof,
    proof_hash,
    verify_data_integrity,
)
from lodestamp.core.keys.key_log import FORK, KeyFork, KeyLog, KeyState, Position
from lodestamp.core.keys.mldsa44 import Mldsa44Key, mldsa44_verify
from lodestamp.core.keys.public import (
    KeyId,
    Keys,
    PublicKey,
    find_key,
    is_key_id,
    verify,
)
from lodestamp.core.keys.secp256k1 import secp256k1_verify
from lodestamp.core.keys.signing import Signer, SigningKey
from lodestamp.core.keys.suites import SUITES, Suite

__all__ = [
    "FORK",
    "MULTIKEY_TEXT_MAX",
    "SUITES",
    "Did",
    "Entity",
    "EventKind",
    "IntegrityProof",
    "KeyEvent",
    "KeyFork",
    "KeyId",
    "KeyLog",
    "KeyState",
    "Keys",
    "Mldsa44Key",
    "Position",
    "PublicKey",
    "Signer",
    "SigningKey",
    "Suite",
    "did_document",
    "did_key_decode",
    "did_key_encode",
    "ed25519_verify",
    "find_key",
    "is_did",
    "is_key_id",
    "mldsa44_verify",
    "multikey_decode",
    "multikey_encode",
    "next_key_digest",
    "proof_hash",
    "secp256k1_verify",
    "verify",
    "verify_data_integrity",
    "x25519_from_ed25519",
]
