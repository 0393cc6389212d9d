"""Who signs: key ids, suites, signing and verifying under one rule."""

from lodestamp.core.keys.ed25519 import ed25519_verify
from lodestamp.core.keys.public import KeyId, PublicKey, is_key_id, verify
from lodestamp.core.keys.signing import Signer, SigningKey
from lodestamp.core.keys.suites import SUITES, Suite

__all__ = [
    "SUITES",
    "KeyId",
    "PublicKey",
    "Signer",
    "SigningKey",
    "Suite",
    "ed25519_verify",
    "is_key_id",
    "verify",
]
