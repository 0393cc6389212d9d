"""DID documents: what W3C tools read of an identity (DID Core, operations spec K10)."""

from __future__ import annotations

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.keys.did_key import (
    DID_KEY,
    multikey_encode,
    multikeys_of,
    x25519_from_ed25519,
)
from lodestamp.core.keys.key_log import KeyState
from lodestamp.errors import KeyFormatError, UsageError


def did_document(did: str, state: KeyState) -> JsonObject:
    """Return the document of an identity in this state.

    Each part of the current key is a `Multikey` method, ``<did>#<index>``; the two of a hybrid add
    their suite, ``<did>#<index>-mldsa65``. An Ed25519 key also gives its X25519 key for agreement.
    A deactivated identity has no method. UsageError when the state is of another DID.
    """
    if state.did != did:
        raise UsageError(f"this is the state of {state.did}")
    parts = multikeys_of(state.key) if state.key else ()
    names = [f"-{codec}" if len(parts) > 1 else "" for codec, _ in parts]
    ids: list[JsonValue] = [f"{did}#{state.index}{name}" for name in names]
    document: JsonObject = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": [DID_KEY + multikey for _, multikey in parts],
        "verificationMethod": [
            _method(f"{did}#{state.index}{name}", did, multikey)
            for name, (_, multikey) in zip(names, parts, strict=True)
        ],
        "authentication": ids,
        "assertionMethod": list(ids),
    }
    if state.key and state.key.suite == "ed25519" and (agreement := _agreement(state.key.raw)):
        document["keyAgreement"] = [_method(f"{did}#{state.index}-x25519", did, agreement)]
    return document


def _method(name: str, did: str, multikey: str) -> JsonValue:
    return {"id": name, "type": "Multikey", "controller": did, "publicKeyMultibase": multikey}


def _agreement(raw: bytes) -> str | None:
    """Return the X25519 multikey of an Ed25519 key, None when it has none."""
    try:
        return multikey_encode("x25519", x25519_from_ed25519(raw))
    except KeyFormatError:
        return None
