r"""Capabilities: the one document of authority (DESIGN D6, operations spec §5).

::

    version 1   cap_id issuer audience issued_at expires_at sig
                scope{predicates min_confidence_bp include_evidence:false}
    version 2   v:2 cap_id issuer audience subject commands not_before expires_at nonce parent
                depth_left sig
                scope{predicates min_confidence_bp include_evidence:false resources rate}

The issuer signs the canonical bytes of all but `cap_id` and `sig`, in version 2 after the tag
``lodestamp/cap/2\n``; `cap_id` is the content address of all but itself. A capability of version 1
reads claims and nothing else: its subject is its issuer, it has no parent and no child.

A signature does not make a capability good: that its issuer holds what is passed on is for the
chain (`attenuation`), that nothing was revoked for the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from lodestamp.core.encoding import (
    INT_MAX,
    JsonObject,
    JsonValue,
    address_of,
    base64_decode,
    base64_encode,
    canonical_json,
)
from lodestamp.core.keys import SUITES, KeyId, Keys, Signer, find_key, verify
from lodestamp.core.operations.commands import READ_CLAIMS, commands
from lodestamp.core.operations.fields import (
    Schema,
    a_confidence,
    a_count,
    a_key_id,
    a_list_of,
    a_principal,
    a_text,
    an_address,
    an_ed25519_id,
    base64_of,
    check_object,
    closed,
    exactly,
    or_null,
    within,
)
from lodestamp.core.operations.limits import DEPTH_LEFT_MAX
from lodestamp.errors import CapError, EncodingError, OpError, SignatureError

NONCE_SIZE: Final = 16
_TAG: Final = b"lodestamp/cap/2\n"
_WHAT: Final = "a capability"
_TEXTS: Final = a_list_of(a_text)
_SCOPE_1: Final[Schema] = MappingProxyType(
    {
        "predicates": (_TEXTS, True),
        "min_confidence_bp": (a_confidence, True),
        "include_evidence": (exactly(expected=False), True),
    }
)
_RATE: Final[Schema] = MappingProxyType(
    {"count": (a_count, True), "per_s": (within(1, INT_MAX), True)}
)
_CAP_1: Final[Schema] = MappingProxyType(
    {
        "cap_id": (an_address, True),
        "issuer": (an_ed25519_id, True),
        "audience": (an_ed25519_id, True),
        "scope": (closed(_SCOPE_1, "a scope"), True),
        "issued_at": (a_count, True),
        "expires_at": (a_count, True),
        "sig": (base64_of(SUITES["ed25519"].signature_size), True),
    }
)
_CAP_2: Final[Schema] = MappingProxyType(
    {
        "v": (exactly(2), True),
        "cap_id": (an_address, True),
        "issuer": (a_key_id, True),
        "audience": (a_principal, True),
        "subject": (a_principal, True),
        "commands": (commands, True),
        "scope": (
            closed(
                {
                    **_SCOPE_1,
                    "resources": (_TEXTS, True),
                    "rate": (or_null(closed(_RATE, "a rate")), True),
                },
                "a scope",
            ),
            True,
        ),
        "not_before": (a_count, True),
        "expires_at": (a_count, True),
        "nonce": (base64_of(NONCE_SIZE), True),
        "parent": (or_null(an_address), True),
        "depth_left": (within(0, DEPTH_LEFT_MAX), True),
        "sig": (a_text, True),
    }
)


def check_cap_1(value: object, name: str) -> None:
    """Check the shape of a capability of version 1; OpError ``bad-body``."""
    check_object(_CAP_1, value, name, _WHAT)


def check_cap_2(value: object, name: str) -> None:
    """Check the shape of a capability of version 2; OpError ``bad-body``."""
    check_object(_CAP_2, value, name, _WHAT)
    document: Any = value
    suite = document["issuer"].partition(":")[0]
    base64_of(SUITES[suite].signature_size)(document["sig"], f"{name}/sig")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` operations in `per_s` seconds. It admits; it never decides what is true."""

    count: int
    per_s: int


@dataclass(frozen=True, slots=True, repr=False)
class Cap:
    """A well-formed capability. Only `parse_cap` and `build_cap` make one.

    `predicates` and `resources` are sets, ascending; no resources means any. The window is
    ``not_before <= t < expires_at`` in Unix seconds; `depth_left` counts the links that may follow.
    """

    v: int
    cap_id: str
    issuer: KeyId
    audience: str
    subject: str
    commands: tuple[str, ...]
    predicates: tuple[str, ...]
    min_confidence_bp: int
    resources: tuple[str, ...]
    rate: Rate | None
    not_before: int
    expires_at: int
    nonce: bytes | None
    parent: str | None
    depth_left: int
    sig: bytes
    document: Mapping[str, JsonValue] = field(compare=False)
    """The JSON object as it stands in the body of a grant; it must not be changed."""

    @property
    def payload(self) -> bytes:
        """The bytes that the issuer signed."""
        return _payload(self.document)

    @property
    def bears_its_id(self) -> bool:
        """Whether `cap_id` is the address of the document; one that is not is another's."""
        return self.cap_id == address_of(canonical_json(_without(self.document, "cap_id")))

    def __repr__(self) -> str:
        return f"<Cap {self.cap_id} from {self.issuer} to {self.audience}>"


def parse_cap(document: object) -> Cap:
    """Read a capability from its JSON object, checking its shape only.

    CapError ``bad-cap`` for anything outside the two schemas.
    """
    two = isinstance(document, Mapping) and "v" in document
    try:
        canonical_json(document)  # type: ignore[arg-type]  # whatever it is, this refuses it
        (check_cap_2 if two else check_cap_1)(document, "cap")
    except OpError as error:
        at = error.at.removeprefix("/body/cap")
        raise CapError("bad-cap", f"{error.reason}{' at ' + at if at else ''}") from None
    except EncodingError as error:
        raise CapError("bad-cap", error.message) from None
    return _read(document)  # type: ignore[arg-type]  # an object of the schema


def _read(document: Mapping[str, Any]) -> Cap:
    scope, two = document["scope"], "v" in document
    rate = scope.get("rate")
    return Cap(
        v=2 if two else 1,
        cap_id=document["cap_id"],
        issuer=document["issuer"],
        audience=document["audience"],
        subject=document["subject"] if two else document["issuer"],
        commands=tuple(document["commands"]) if two else (READ_CLAIMS,),
        predicates=tuple(sorted(set(scope["predicates"]))),
        min_confidence_bp=scope["min_confidence_bp"],
        resources=tuple(sorted(set(scope.get("resources", ())))),
        rate=Rate(rate["count"], rate["per_s"]) if rate else None,
        not_before=document["not_before" if two else "issued_at"],
        expires_at=document["expires_at"],
        nonce=base64_decode(document["nonce"]) if two else None,
        parent=document["parent"] if two else None,
        depth_left=document["depth_left"] if two else 0,
        sig=base64_decode(document["sig"]),
        document=document,
    )


def verify_cap(cap: Cap, keys: Keys | None = None) -> None:
    """Check what a capability proves alone: its id, its window, its issuer's signature.

    CapError ``cap-id-mismatch``, ``bad-cap`` when it expires no later than it begins,
    ``key-unknown`` when the issuer's id only names a key that `keys` does not have, or
    ``bad-signature``.
    """
    if not cap.bears_its_id:
        raise CapError("cap-id-mismatch", f"{cap.cap_id} is not the address of the capability")
    if cap.expires_at <= cap.not_before:
        raise CapError("bad-cap", "it expires no later than it begins")
    key = find_key(cap.issuer, keys)
    if key is None:
        raise CapError("key-unknown", f"the key of its issuer {cap.issuer} is not at hand")
    try:
        verify(key, cap.payload, cap.sig)
    except SignatureError:
        raise CapError("bad-signature", f"not signed by its issuer {cap.issuer}") from None


def build_cap(
    signer: Signer,
    *,
    audience: str,
    predicates: Iterable[str],
    not_before: int,
    expires_at: int,
    min_confidence_bp: int = 0,
    commands: Iterable[str] = (READ_CLAIMS,),
    resources: Iterable[str] = (),
    rate: Rate | None = None,
    nonce: bytes = b"",
    subject: str | None = None,
    parent: str | None = None,
    depth_left: int = 0,
) -> Cap:
    """Sign a capability of version 2; `nonce` is 16 fresh random bytes.

    `subject` is the root whose authority flows: the signer's own key id unless it passes on what
    `parent` (a cap_id) gave it. CapError ``bad-cap`` outside the schema or for an empty window.
    Whether it is narrower than its parent is for `attenuates`.
    """
    unsigned: JsonObject = {
        "v": 2,
        "issuer": signer.key_id,
        "audience": audience,
        "subject": subject or signer.key_id,
        "commands": list[JsonValue](sorted(set(commands))),
        "scope": {
            "predicates": list[JsonValue](predicates),
            "min_confidence_bp": min_confidence_bp,
            "include_evidence": False,
            "resources": list[JsonValue](resources),
            "rate": {"count": rate.count, "per_s": rate.per_s} if rate else None,
        },
        "not_before": not_before,
        "expires_at": expires_at,
        "nonce": base64_encode(nonce),
        "parent": parent,
        "depth_left": depth_left,
    }
    return _signed(signer, unsigned)


def build_cap_1(
    signer: Signer,
    *,
    audience: str,
    predicates: Iterable[str],
    issued_at: int,
    expires_at: int,
    min_confidence_bp: int = 0,
) -> Cap:
    """Sign a capability of version 1, which an Ed25519 key gives to an Ed25519 key.

    CapError as `build_cap`. Two of one scope in one second are the same capability.
    """
    unsigned: JsonObject = {
        "issuer": signer.key_id,
        "audience": audience,
        "scope": {
            "predicates": list[JsonValue](predicates),
            "min_confidence_bp": min_confidence_bp,
            "include_evidence": False,
        },
        "issued_at": issued_at,
        "expires_at": expires_at,
    }
    return _signed(signer, unsigned)


def _signed(signer: Signer, unsigned: JsonObject) -> Cap:
    try:
        sig = base64_encode(signer.sign(_payload(unsigned)))
    except EncodingError as error:
        raise CapError("bad-cap", error.message) from None
    block: JsonObject = {**unsigned, "sig": sig}
    cap = parse_cap({**block, "cap_id": address_of(canonical_json(block))})
    if cap.expires_at <= cap.not_before:
        raise CapError("bad-cap", "it expires no later than it begins")
    return cap


def _payload(document: Mapping[str, JsonValue]) -> bytes:
    tag = _TAG if "v" in document else b""
    return tag + canonical_json(_without(document, "cap_id", "sig"))


def _without(document: Mapping[str, JsonValue], *names: str) -> JsonObject:
    return {name: value for name, value in document.items() if name not in names}
