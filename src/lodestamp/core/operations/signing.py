"""Making and checking signatures of operations (operations spec §4, K11).

Core never draws randomness or holds a secret: a `Signer` does both, and what it signs comes from
here. Checking is the same for one's own operations and for a stranger's (V4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from lodestamp.core.encoding import JsonValue, address_of, base64_encode, canonical_json
from lodestamp.core.keys import KeyEvent, Keys, PublicKey, Signer, ed25519_verify, find_key, verify
from lodestamp.core.operations.envelope import (
    LAYOUTS,
    NOT_A_LABEL,
    TAGS,
    Operation,
    check_signed,
    is_node_label,
    parse_op,
    suite_of,
)
from lodestamp.core.operations.fields import ED25519
from lodestamp.core.operations.limits import DEPTH_MAX
from lodestamp.errors import LodestampError, OpError, SignatureError, UsageError

_RAW_AT: Final = len(ED25519)


def verify_op(op: Operation, keys: Keys | None = None) -> None:
    """Check the author's signature, the same for everyone's operations.

    An Ed25519 id carries its key and a ``key`` operation the key that signed it; every other author
    is looked up in `keys`. SignatureError ``key-unknown`` when it is not there, ``bad-signature``
    when the signature does not hold.
    """
    if op.author.startswith(ED25519):
        raw = bytes.fromhex(op.author[_RAW_AT:])
        if not ed25519_verify(raw, op.payload, op.sig):
            raise _not_signed(op)
        return
    key = author_key(op, keys)
    if key is None:
        message = f"the key of the author {op.author} is not at hand"
        raise SignatureError(message, code="key-unknown")
    try:
        verify(key, op.payload, op.sig)
    except SignatureError:
        raise _not_signed(op) from None


def author_key(op: Operation, keys: Keys | None = None) -> PublicKey | None:
    """Return the key that must have signed an operation, None when it is not at hand."""
    if op.type == "key":
        return KeyEvent.parse(op.body["event"]).key
    return find_key(op.author, keys)


def verify_ops(ops: Iterable[Operation], keys: Keys | None = None) -> list[LodestampError | None]:
    """Check many signatures; each place holds None or the error of that operation."""
    return [_verdict(op, keys) for op in ops]


def build_op(  # noqa: PLR0917  the envelope's own fields, in the order of the walk
    signer: Signer,
    node: str,
    type: str,  # noqa: A002  the field's name on the wire
    body: Mapping[str, JsonValue],
    prev: Iterable[str],
    ts: int,
    *,
    version: int = 1,
    seq: int | None = None,
    cap: str | None = None,
) -> Operation:
    """Sign a new operation; `prev` may come in any order.

    Version 2 needs `seq` and may name the `cap` it acts under; version 1 has neither. Refuses what
    `parse_op` refuses, with the same errors; also OpError ``bad-node`` for a label of more than 128
    code points or with control characters, which we read in version 1 but never write. UsageError
    for `seq` or `cap` in version 1.
    """
    envelope: dict[str, Any] = {
        "author": signer.key_id,
        "body": dict(body),
        "node": node,
        "prev": sorted(prev, key=str),
        "ts": ts,
        "type": type,
        "v": version,
    }
    layout = LAYOUTS.get(version)
    if layout is None:
        raise OpError("bad-version", f"version {version!r:.20} is not written here", at="/v")
    if version == 2:
        envelope |= {"alg": suite_of(signer.key_id).alg, "cap": cap, "seq": seq}
    elif seq is not None or cap is not None:
        raise UsageError("an operation of version 1 has neither seq nor cap")
    signed = canonical_json(envelope, depth_max=DEPTH_MAX)
    check_signed(envelope, layout)
    if not is_node_label(node):
        raise OpError("bad-node", NOT_A_LABEL, at="/node")
    sig = base64_encode(signer.sign(TAGS[version] + signed))
    block = _insert(signed, f',"sig":"{sig}"', b',"ts":')
    return parse_op(_insert(block, f',"op_id":"{address_of(block)}"', b',"prev":['))


def _verdict(op: Operation, keys: Keys | None) -> LodestampError | None:
    try:
        verify_op(op, keys)
    except LodestampError as error:
        return error
    return None


def _not_signed(op: Operation) -> SignatureError:
    return SignatureError(f"operation refused: not signed by its author {op.author}")


def _insert(canonical: bytes, field: str, follower: bytes) -> bytes:
    """Put a field into canonical bytes, before the last occurrence of its follower."""
    before, found, after = canonical.rpartition(follower)
    return before + field.encode("ascii") + found + after
