r"""Key events: how an identity begins, changes its key, and ends (operations spec K6, K7).

::

    inception     kind entity index:0 prior:null key next owner nonce
    rotation      kind did    index   prior      key next
    deactivation  kind did    index   prior      key next:null

A DID is ``did:pn:<entity>:`` and the digest of its inception, so an identity is named before anyone
registers it, and nobody can turn a person into an organisation: the entity is inside the digest.
``next`` is the digest of the *id* of the key that will come next, which stays hidden until then.

>>> from lodestamp.core.keys import SigningKey
>>> key = SigningKey.from_seed("ed25519", bytes(32)).public_key
>>> event = KeyEvent.inception("human", key, nonce=bytes(16))
>>> event.did
'did:pn:human:5e9fe15120ba21a5769842c2dc8385e4b5a527ca4da7532f5e957c1e23858193'
>>> KeyEvent.parse(event.document) == event
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NewType, TypeGuard

from lodestamp.core.encoding import (
    INT_MAX,
    JsonValue,
    address_of_digest,
    base64_decode,
    base64_encode,
    canonical_json,
    is_content_address,
    json_pointer,
)
from lodestamp.core.keys.public import KeyId, PublicKey, is_key_id
from lodestamp.core.keys.suites import SUITES
from lodestamp.errors import EncodingError, KeyEventError

Did = NewType("Did", str)
"""``did:pn:``, ``human``, ``agent`` or ``org``, a colon, and 64 lower-case hex digits."""

NONCE_SIZE: Final = 16
_EVENT_TAG: Final = b"lodestamp/did-pn/1\n"
_NEXT_TAG: Final = b"lodestamp/next-key/1\n"
_is_did: Final = re.compile(r"did:pn:(?:human|agent|org):[0-9a-f]{64}").fullmatch


class Entity(StrEnum):
    """Who an identity stands for."""

    HUMAN = "human"
    AGENT = "agent"
    ORG = "org"


class EventKind(StrEnum):
    """What a key event does."""

    INCEPTION = "inception"
    ROTATION = "rotation"
    DEACTIVATION = "deactivation"


_LATER_FIELDS: Final = ("kind", "did", "index", "prior", "key", "next")
_FIELDS: Final = MappingProxyType(
    {
        EventKind.INCEPTION: (
            "kind", "entity", "index", "prior", "key", "next", "owner", "nonce",
        ),
        EventKind.ROTATION: _LATER_FIELDS,
        EventKind.DEACTIVATION: _LATER_FIELDS,
    }
)  # fmt: skip


def is_did(value: object) -> TypeGuard[Did]:
    """Tell whether `value` is a text spelled exactly as a ``did:pn`` identifier."""
    return isinstance(value, str) and _is_did(value) is not None


def next_key_digest(key_id: KeyId) -> str:
    """Return what an event says of the key that will come next: the tagged digest of its id."""
    return address_of_digest(sha256(_NEXT_TAG + key_id.encode("ascii")).digest())


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A well-formed key event. Whether it may follow another is for `KeyLog` to say.

    `entity`, `owner` and `nonce` (16 bytes) belong to inceptions; `prior` is the digest address of
    the event before, None for an inception; `next` the digest of the next key's id, or None when no
    other key may follow. `owner` is a hint: authority needs a grant.
    """

    kind: EventKind
    did: Did
    index: int
    prior: str | None
    key: PublicKey
    next: str | None
    digest: str
    """The digest address of this event, which the event after it names as `prior`."""
    entity: Entity | None = None
    owner: Did | None = None
    nonce: bytes | None = None

    @property
    def document(self) -> dict[str, JsonValue]:
        """The event as it stands in the body of a ``key`` operation."""
        key: JsonValue = {"id": self.key.key_id, "pub": base64_encode(self.key.raw)}
        common: dict[str, JsonValue] = {
            "kind": self.kind.value,
            "index": self.index,
            "prior": self.prior,
            "key": key,
            "next": self.next,
        }
        if self.entity is None or self.nonce is None:
            return common | {"did": self.did}
        nonce = base64_encode(self.nonce)
        return common | {"entity": self.entity.value, "owner": self.owner, "nonce": nonce}

    @classmethod
    def inception(
        cls,
        entity: str,
        key: PublicKey,
        *,
        nonce: bytes,
        next: str | None = None,  # noqa: A002  the field's name on the wire
        owner: str | None = None,
    ) -> KeyEvent:
        """Begin an identity; `nonce` is 16 fresh random bytes. KeyEventError as `parse`."""
        return cls.parse(
            {
                "kind": EventKind.INCEPTION.value,
                "entity": str(entity),
                "index": 0,
                "prior": None,
                "key": {"id": key.key_id, "pub": base64_encode(key.raw)},
                "next": next,
                "owner": owner,
                "nonce": base64_encode(nonce),
            }
        )

    def rotation(self, key: PublicKey, *, next: str | None = None) -> KeyEvent:  # noqa: A002
        """Return the event that puts `key` in force after this one. KeyEventError as `parse`."""
        return self._after(EventKind.ROTATION, key, next)

    def deactivation(self, key: PublicKey) -> KeyEvent:
        """Return the event that ends the identity after this one. KeyEventError as `parse`."""
        return self._after(EventKind.DEACTIVATION, key, None)

    def _after(self, kind: EventKind, key: PublicKey, next_digest: str | None) -> KeyEvent:
        return KeyEvent.parse(
            {
                "kind": kind.value,
                "did": self.did,
                "index": self.index + 1,
                "prior": self.digest,
                "key": {"id": key.key_id, "pub": base64_encode(key.raw)},
                "next": next_digest,
            }
        )

    @classmethod
    def parse(cls, document: object) -> KeyEvent:
        """Read an event from its closed JSON object.

        KeyEventError ``bad-event`` with a JSON pointer into the event for anything else, a public
        key that does not give its id included.
        """
        if type(document) is not dict:
            raise _bad("not an object", "")
        kind = _kind(document)
        inception = kind is EventKind.INCEPTION
        index = document["index"]
        if type(index) is not int or not 0 <= index <= INT_MAX or (index == 0) != inception:
            raise _bad("0 for an inception, more for what follows", "/index")
        key = _key(document["key"])
        following, prior = document["next"], document["prior"]
        if following is not None and not is_content_address(following):
            raise _bad("not a digest address or null", "/next")
        if kind is EventKind.DEACTIVATION and following is not None:
            raise _bad("no key follows a deactivation", "/next")
        if prior is not None if inception else not is_content_address(prior):
            raise _bad("null for an inception, else the digest of the event before", "/prior")
        entity, owner, nonce = _beginning(document) if inception else (None, None, None)
        digest = _digest(document)
        did = Did(f"did:pn:{entity}:{digest[7:]}") if inception else document["did"]
        if not is_did(did):
            raise _bad("not a did:pn identifier", "/did")
        return cls(kind, did, index, prior, key, following, digest, entity, owner, nonce)


def _bad(message: str, at: str) -> KeyEventError:
    return KeyEventError("bad-event", message, at=at)


def _kind(document: Mapping[str, Any]) -> EventKind:
    """Return the kind after checking that the fields are exactly those of its kind."""
    name = document.get("kind")
    if type(name) is not str or name not in _FIELDS:
        raise _bad(f"one of {', '.join(_FIELDS)}", "/kind")
    kind = EventKind(name)
    fields = _FIELDS[kind]
    for field in fields:
        if field not in document:
            raise _bad("a field is missing", f"/{field}")
    if extra := sorted(map(str, document.keys() - set(fields))):
        raise _bad(f"{kind} has no such field", json_pointer(extra[0]))
    return kind


def _key(value: object) -> PublicKey:
    if type(value) is not dict or value.keys() != {"id", "pub"}:
        raise _bad("an object of id and pub", "/key")
    key_id = value["id"]
    if not is_key_id(key_id):
        raise _bad("not a key id", "/key/id")
    raw = _decoded(value["pub"], "/key/pub")
    suite = key_id.partition(":")[0]
    if len(raw) != SUITES[suite].public_size:
        raise _bad(f"not a public key of suite {suite}", "/key/pub")
    key = PublicKey(suite, raw)
    if key.key_id != key_id:
        raise _bad("this key has another id", "/key/pub")
    return key


def _beginning(document: Mapping[str, Any]) -> tuple[Entity, Did | None, bytes]:
    """Check what only an inception has: entity, owner, nonce."""
    entity, owner = document["entity"], document["owner"]
    if type(entity) is not str or entity not in set(Entity):
        raise _bad(f"one of {', '.join(Entity)}", "/entity")
    if owner is not None and not is_did(owner):
        raise _bad("not a did:pn identifier or null", "/owner")
    nonce = _decoded(document["nonce"], "/nonce")
    if len(nonce) != NONCE_SIZE:
        raise _bad(f"not base64 of {NONCE_SIZE} bytes", "/nonce")
    return Entity(entity), owner, nonce


def _decoded(text: object, at: str) -> bytes:
    try:
        return base64_decode(text) if type(text) is str else b""
    except EncodingError as error:
        raise _bad(error.message, at) from None


def _digest(document: dict[str, Any]) -> str:
    """Return the tagged digest of the event; every field was checked, so it has one."""
    return address_of_digest(sha256(_EVENT_TAG + canonical_json(document)).digest())
