"""W3C Data Integrity proofs of the cryptosuite eddsa-jcs-2022, verified offline.

A secured document carries one proof or several in its member ``proof``. What a proof signs is
SHA-256 of its canonical options (the proof without ``proofValue``) followed by SHA-256 of the
canonical document without ``proof`` (VC Data Integrity EdDSA §3.3). Several proofs are a set; one
that names others in ``previousProof`` covers them too, as the array ``proof`` of the document it
signs (VC Data Integrity §4.2), which makes a chain.

The key is the did:key of ``verificationMethod``, or one that the caller hands in. Documents hold no
floating-point numbers: our canonical JSON has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from lodestamp.core.encoding import JsonObject, base58btc_decode, canonical_json
from lodestamp.core.keys.did_key import DID_KEY, did_key_decode
from lodestamp.core.keys.ed25519 import SIGNATURE_SIZE, ed25519_verify
from lodestamp.core.keys.public import PublicKey
from lodestamp.errors import EncodingError, KeyFormatError, SignatureError

CRYPTOSUITE: Final = "eddsa-jcs-2022"
PROOFS_MAX: Final = 64
"""Proofs of one document: each may cover all others, so the work grows with their square."""
_is_xml_time: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)",
    re.ASCII,
).fullmatch


@dataclass(frozen=True, slots=True)
class IntegrityProof:
    """A proof that held: who made it, to what end, and when by their own word."""

    verification_method: str
    purpose: str
    key: PublicKey
    created: str | None = None
    id: str | None = None


def verify_data_integrity(
    document: Mapping[str, Any], keys: Mapping[str, PublicKey] | None = None
) -> tuple[IntegrityProof, ...]:
    """Check every proof of a secured document and return what they say, in their order.

    `keys` names keys by verification method, for methods that are no did:key. SignatureError
    ``bad-proof`` for a document without a proof or with one outside the format, ``bad-cryptosuite``
    for another suite, ``key-unknown`` for a method whose key is not at hand, ``bad-signature``;
    EncodingError for a document outside the value space.
    """
    proofs = _proofs(document)
    bare = {name: value for name, value in document.items() if name != "proof"}
    canonical_json(bare)
    canonical_json({"proof": [dict(proof) for proof in proofs]})
    return tuple(_verify_one(bare, proof, proofs, keys or {}) for proof in proofs)


def proof_hash(document: JsonObject, options: JsonObject) -> bytes:
    """Return the 64 bytes that a proof with these options signs over an unsecured document.

    SHA-256 of the canonical options, then SHA-256 of the canonical document, which takes over the
    options' ``@context`` if they have one (§3.3.2 to §3.3.5).
    """
    if "@context" in options:
        document = {**document, "@context": options["@context"]}
    hashes = (sha256(canonical_json(each)).digest() for each in (options, document))
    return b"".join(hashes)


def _proofs(document: object) -> list[Mapping[str, Any]]:
    held = document.get("proof") if isinstance(document, Mapping) else None
    proofs: list[Any] = held if isinstance(held, list) else [held]
    if not 0 < len(proofs) <= PROOFS_MAX or not all(isinstance(each, dict) for each in proofs):
        raise _refused(f"not a document with 1 to {PROOFS_MAX} proofs")
    return proofs


def _verify_one(
    bare: JsonObject,
    proof: Mapping[str, Any],
    proofs: list[Mapping[str, Any]],
    keys: Mapping[str, PublicKey],
) -> IntegrityProof:
    method, purpose = proof.get("verificationMethod"), proof.get("proofPurpose")
    if proof.get("type") != "DataIntegrityProof":
        raise _refused("its type is not DataIntegrityProof")
    if proof.get("cryptosuite") != CRYPTOSUITE:
        message = f"cryptosuite {proof.get('cryptosuite')!r:.40} is not checked here"
        raise SignatureError(message, code="bad-cryptosuite")
    if not isinstance(method, str) or not isinstance(purpose, str):
        raise _refused("verificationMethod and proofPurpose are texts")
    created, name = proof.get("created"), proof.get("id")
    if created is not None and not (isinstance(created, str) and _is_xml_time(created)):
        raise _refused("created is not a dateTimeStamp")
    if name is not None and not isinstance(name, str):
        raise _refused("its id is not a text")
    covered = _covered(proof, proofs)
    document = {**bare, "proof": covered} if covered else bare
    options = {field: value for field, value in proof.items() if field != "proofValue"}
    _check_context(document, options)
    key = _key(method, keys)
    signature = _signature(proof.get("proofValue"))
    if not ed25519_verify(key.raw, proof_hash(document, options), signature):
        raise SignatureError(f"the proof of {method} does not verify")
    return IntegrityProof(method, purpose, key, created, name)


def _covered(proof: Mapping[str, Any], proofs: list[Mapping[str, Any]]) -> list[Any]:
    """Return the proofs that `previousProof` names, each of which must be there, in their order."""
    named = proof.get("previousProof", [])
    names = named if isinstance(named, list) else [named]
    if not all(isinstance(each, str) for each in names):
        raise _refused("previousProof is a text or an array of texts")
    there = {each["id"] for each in proofs if isinstance(each.get("id"), str)}
    if missing := set(names) - there:
        raise _refused(f"the proof {min(missing)!r:.80} that it follows is not there")
    if proof.get("id") in names:
        raise _refused("it follows itself")
    wanted = set(names)
    return [each for each in proofs if isinstance(each.get("id"), str) and each["id"] in wanted]


def _check_context(document: JsonObject, options: Mapping[str, Any]) -> None:
    """Check that the document's contexts begin with those of the options, in order (§3.3.2)."""
    if "@context" not in options:
        return
    held, wanted = _as_list(document.get("@context", [])), _as_list(options["@context"])
    if held[: len(wanted)] != wanted:
        raise _refused("the document does not begin with the proof's @context")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _key(method: str, keys: Mapping[str, PublicKey]) -> PublicKey:
    if (given := keys.get(method)) is not None and given.suite == "ed25519":
        return given
    did, _hash, fragment = method.partition("#")
    if not did.startswith(DID_KEY) or fragment != did[len(DID_KEY) :]:
        raise SignatureError(f"the key of {method!r:.120} is not at hand", code="key-unknown")
    try:
        codec, raw = did_key_decode(did)
    except KeyFormatError as error:
        raise _refused(error.message) from None
    if codec != "ed25519":
        raise _refused(f"{CRYPTOSUITE} takes ed25519 keys, not {codec}")
    return PublicKey("ed25519", raw)


def _signature(value: object) -> bytes:
    try:
        if isinstance(value, str) and value[:1] == "z":
            signature = base58btc_decode(value[1:])
            if len(signature) == SIGNATURE_SIZE:
                return signature
    except EncodingError:
        pass
    raise _refused(f"proofValue is not base58btc of {SIGNATURE_SIZE} bytes")


def _refused(message: str) -> SignatureError:
    return SignatureError(f"data integrity proof refused: {message}", code="bad-proof")
