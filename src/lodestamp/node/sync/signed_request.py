r"""A request signed by the key that asks: who, what, when and for whom, in one canonical document.

::

    said    = canonical JSON of {body, cap, host, key, method, nonce, pub, target, ts}
    payload = "lodestamp/request/1\n" ‖ said
    header  = "Authorization: Lodestamp " ‖ base64(said) ‖ "." ‖ base64(signature)

`body` is the content address of the body's bytes, `host` the authority of the URL, `target` its
path and query, `ts` Unix milliseconds, `nonce` 16 random bytes, `pub` the raw public key that gives
the key id. What was signed for one host, path, body or minute says nothing for another.

>>> from lodestamp.core.encoding import address_of
>>> from lodestamp.core.keys import SigningKey
>>> key = SigningKey.from_seed("ed25519", bytes(32))
>>> asked = Asked("GET", "127.0.0.1:8470", "/v1/ops?limit=1", address_of(b""))
>>> header = sign_request(key, asked, ts=1_790_000_000_000, nonce=bytes(16))
>>> parse_request(header).key_id == key.key_id
True
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from lodestamp.core.encoding import (
    INT_MAX,
    base64_decode,
    base64_encode,
    canonical_json,
    is_content_address,
    parse_canonical,
)
from lodestamp.core.keys import KeyId, PublicKey, Signer, is_key_id, verify
from lodestamp.errors import AccessError, InputError

TAG: Final = b"lodestamp/request/1\n"
SCHEME: Final = "Lodestamp "
NONCE_SIZE: Final = 16
HEADER_SIZE_MAX: Final = 12_000
"""Characters of the header: a hybrid key and signature take 7,200 in base64, a target 2,000."""
_METHODS: Final = ("GET", "POST")
_MEMBERS: Final = {"body", "cap", "host", "key", "method", "nonce", "pub", "target", "ts"}
_HOST: Final = re.compile(r"[!-~]{1,260}")
_TARGET: Final = re.compile(r"/[!-~]{0,2000}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: method, ``host:port``, path with query, the body's content address."""

    method: str
    host: str
    target: str
    body: str


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request whose signature holds. Whether it is fresh, and who may ask, is not said yet."""

    asked: Asked
    public_key: PublicKey
    ts: int
    nonce: bytes
    cap: str | None
    """The id of the grant under which the key asks, or None."""

    @property
    def key_id(self) -> KeyId:
        """The key that asks."""
        return self.public_key.key_id


def sign_request(
    signer: Signer, asked: Asked, *, ts: int, nonce: bytes, cap: str | None = None
) -> str:
    """Return the header that signs a request; `ts` in Unix milliseconds, `nonce` 16 bytes."""
    said = canonical_json(
        {
            "body": asked.body,
            "cap": cap,
            "host": asked.host,
            "key": signer.key_id,
            "method": asked.method,
            "nonce": base64_encode(nonce),
            "pub": base64_encode(signer.public_key.raw),
            "target": asked.target,
            "ts": ts,
        }
    )
    return f"{SCHEME}{base64_encode(said)}.{base64_encode(signer.sign(TAG + said))}"


def parse_request(header: str | None) -> SignedRequest:
    """Read a header and check its signature.

    AccessError ``unauthenticated`` when there is none, ``bad-request-signature`` when it is not one
    or does not verify.
    """
    if header is None:
        raise AccessError("this takes a request signed by a key", hint="see docs/spec/sync.md")
    try:
        return _parse(header)
    except InputError as error:
        message = f"the request's signature: {error.message}"
        raise AccessError(message, code="bad-request-signature") from error


def _parse(header: str) -> SignedRequest:
    if len(header) > HEADER_SIZE_MAX or not header.startswith(SCHEME):
        raise InputError(f"not a header of the scheme {SCHEME.strip()}")
    said_text, _, signature_text = header.removeprefix(SCHEME).partition(".")
    said = base64_decode(said_text)
    document: dict[str, Any] = parse_canonical(said, size_max=HEADER_SIZE_MAX, depth_max=1)
    if document.keys() != _MEMBERS:
        raise InputError("it has nine members")
    if not is_key_id(document["key"]):
        raise InputError("the key id is none")
    public_key = PublicKey(document["key"].partition(":")[0], _bytes(document["pub"]))
    if public_key.key_id != document["key"]:
        raise InputError("the key id is not that of the key")
    verify(public_key, TAG + said, base64_decode(signature_text))
    nonce, ts, cap = _bytes(document["nonce"]), document["ts"], document["cap"]
    if len(nonce) != NONCE_SIZE or type(ts) is not int or not 0 <= ts <= INT_MAX:
        raise InputError("nonce or time are none")
    if cap is not None and not is_content_address(cap):
        raise InputError("the grant's id is none")
    return SignedRequest(_asked(document), public_key, ts, nonce, cap)


def _asked(document: dict[str, Any]) -> Asked:
    method, host, target = document["method"], document["host"], document["target"]
    if method not in _METHODS:
        raise InputError("the method is none")
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise InputError("the host is none")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise InputError("the target is none")
    if not is_content_address(document["body"]):
        raise InputError("the body's address is none")
    return Asked(method, host, target, document["body"])


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise InputError("base64 is a text")
    return base64_decode(text)
