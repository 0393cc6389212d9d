r"""Signed operations, version 1 (profile FP/1): nine fields, one byte string, one id.

::

    signed = {author, body, node, prev, ts, type, v}
    payload = canonical JSON of signed                     what the author signs
    block   = canonical JSON of signed and sig             op_id = sha256 address of it (D1)
    wire    = canonical JSON of signed, sig and op_id      what travels

A wire form is parsed, checked and serialized once. Its keys are sorted, so the block is the wire
form with ``,"op_id":"…"`` cut out, and the payload is the block with ``,"sig":"…"`` cut out: each
at its last occurrence, because only ids, base64 and numbers follow (operations spec V3).

What a signature does not say: that a referenced operation exists, that the author was entitled, or
that `ts` is true. That is state, decided over a log, not here (V4).

>>> from lodestamp.core.keys import SigningKey
>>> from lodestamp.core.operations import build_op, evidence
>>> signer = SigningKey.from_seed("ed25519", bytes(32))
>>> body = evidence(source="calendar", kind="event", content={}, captured_at=0)
>>> op = build_op(signer, "laptop", "evidence", body, (), 0)
>>> verify_op(op)
>>> parse_op(op.wire) == op
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from lodestamp.core.encoding import (
    INT_MAX,
    OP_CID_PREFIX,
    Cid,
    Digest,
    JsonValue,
    address_of,
    base64_decode,
    base64_encode,
    canonical_json,
    is_content_address,
    json_pointer,
    parse_canonical,
)
from lodestamp.core.keys import SUITES, KeyId, Signer, ed25519_verify, is_key_id
from lodestamp.core.operations.bodies import BODIES, SOURCE_TYPES, Reference, check_body
from lodestamp.core.operations.limits import DEPTH_MAX, NODE_LABEL_MAX, OP_SIZE_MAX, PREV_MAX
from lodestamp.errors import EncodingError, LodestampError, OpError, SignatureError

VERSION: Final = 1
_SIGNED_FIELDS: Final = frozenset({"author", "body", "node", "prev", "ts", "type", "v"})
_FIELDS: Final = _SIGNED_FIELDS | {"op_id", "sig"}
_AUTHOR_PREFIX: Final = "ed25519:"
_control: Final = re.compile("[\x00-\x1f\x7f-\x9f]").search
_SIGNATURE_SIZE: Final = SUITES["ed25519"].signature_size
_SIG_LENGTH: Final = len(base64_encode(bytes(_SIGNATURE_SIZE)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation:
    """A well-formed operation. Only `parse_op` and `build_op` make one; equal wires are equal.

    `ts` is the author's word, in Unix seconds; `prev` are the ids of its parents, ascending;
    `body` must not be changed; `sig` is 64 bytes.
    """

    v: int
    type: str
    author: KeyId
    node: str
    ts: int
    prev: tuple[str, ...]
    body: Mapping[str, JsonValue]
    sig: bytes
    op_id: str
    wire: bytes
    """The canonical bytes of all nine fields."""

    @property
    def block(self) -> bytes:
        """The canonical bytes without `op_id`: the block whose digest is the id."""
        return b"".join(_split_at_op_id(self.wire, self.op_id))

    @property
    def payload(self) -> bytes:
        """The canonical bytes without `op_id` and `sig`: what the author signed."""
        before, after = _split_at_op_id(self.wire, self.op_id)
        parents, _sig_key, rest = after.rpartition(b',"sig":"')
        assert rest[_SIG_LENGTH:].startswith(b'","ts":'), "keys are sorted"  # noqa: S101
        return before + parents + rest[_SIG_LENGTH + 1 :]

    @property
    def digest(self) -> Digest:
        """The 32 bytes that the id and the CID share."""
        return Digest(bytes.fromhex(self.op_id[7:]))

    @property
    def cid(self) -> Cid:
        """The CID of the block: version 1, raw, sha2-256."""
        return Cid.from_op_id(self.op_id)

    @property
    def entry(self) -> bytes:
        """The 36 bytes of the binary CID, which are the operation's entry in a log (D1)."""
        return OP_CID_PREFIX + self.digest

    def __eq__(self, other: object) -> bool:
        return self.wire == other.wire if isinstance(other, Operation) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.op_id)

    def __repr__(self) -> str:
        return f"<Operation {self.type} {self.op_id}>"


def parse_op(wire: bytes) -> Operation:
    """Read an operation from its wire form, checking everything but the signature.

    EncodingError with a code of `parse_canonical` unless these are at most 256 KiB of canonical
    JSON. Then OpError, in this order: ``bad-version`` ``extra-field`` ``missing-field``
    ``bad-type`` ``bad-author`` ``bad-node`` ``bad-ts`` ``bad-prev`` ``bad-body``
    ``bad-sig-encoding`` ``bad-op-id`` ``op-id-mismatch`` (operations spec E6, V3).
    """
    envelope: dict[str, Any] = parse_canonical(wire, size_max=OP_SIZE_MAX, depth_max=DEPTH_MAX)
    _check_fields(envelope, _FIELDS)
    _check_signed(envelope)
    sig = _parse_sig(envelope["sig"])
    op_id = envelope["op_id"]
    if not is_content_address(op_id):
        raise OpError("bad-op-id", "not a sha256 content address", at="/op_id")
    actual = address_of(b"".join(_split_at_op_id(wire, op_id)))
    if actual != op_id:
        raise OpError(
            "op-id-mismatch",
            "not the id of these bytes",
            at="/op_id",
            expected=actual,
            actual=op_id,
        )
    return Operation(
        v=VERSION,
        type=envelope["type"],
        author=envelope["author"],
        node=envelope["node"],
        ts=envelope["ts"],
        prev=tuple(envelope["prev"]),
        body=envelope["body"],
        sig=sig,
        op_id=op_id,
        wire=wire,
    )


def verify_op(op: Operation) -> None:
    """Check the author's signature, the same for everyone's operations; SignatureError if not."""
    raw = bytes.fromhex(op.author[len(_AUTHOR_PREFIX) :])
    if not ed25519_verify(raw, op.payload, op.sig):
        raise SignatureError(f"operation refused: not signed by its author {op.author}")


def verify_ops(ops: Iterable[Operation]) -> list[LodestampError | None]:
    """Check many signatures; each place holds None or the error of that operation."""
    return [_verdict(op) for op in ops]


def _verdict(op: Operation) -> LodestampError | None:
    try:
        verify_op(op)
    except LodestampError as error:
        return error
    return None


def build_op(  # noqa: PLR0917  the envelope's own fields, in the order of the walk
    signer: Signer,
    node: str,
    type: str,  # noqa: A002  the field's name on the wire
    body: Mapping[str, JsonValue],
    prev: Iterable[str],
    ts: int,
) -> Operation:
    """Sign a new operation of version 1; `prev` may come in any order.

    Refuses what `parse_op` refuses, with the same errors; also OpError ``bad-node`` for a label of
    more than 128 code points or with control characters, which we read but never write.
    """
    envelope: dict[str, Any] = {
        "author": signer.key_id,
        "body": dict(body),
        "node": node,
        "prev": sorted(prev, key=str),
        "ts": ts,
        "type": type,
        "v": VERSION,
    }
    payload = canonical_json(envelope, depth_max=DEPTH_MAX)
    _check_signed(envelope)
    if not is_node_label(node):
        message = f"a label has at most {NODE_LABEL_MAX} characters, none of them a control"
        raise OpError("bad-node", message, at="/node")
    sig = base64_encode(signer.sign(payload))
    block = _insert(payload, f',"sig":"{sig}"', b',"ts":')
    return parse_op(_insert(block, f',"op_id":"{address_of(block)}"', b',"prev":['))


def is_node_label(label: object) -> TypeGuard[str]:
    """Tell whether we write this node label: 1 to 128 code points, no control characters."""
    return isinstance(label, str) and 0 < len(label) <= NODE_LABEL_MAX and not _control(label)


def derived_from(op: Operation) -> tuple[str, ...]:
    """Return the ids of the operations a claim rests on; none for evidence."""
    sources: Any = op.body.get("derived_from", ()) if op.type == "claim" else ()
    return tuple(sources)


def references(op: Operation) -> tuple[Reference, ...]:
    """Return every operation the body names; each must be an ancestor of one of its types (S6)."""
    return tuple(
        Reference(op_id, SOURCE_TYPES, f"/body/derived_from/{index}")
        for index, op_id in enumerate(derived_from(op))
    )


def _check_fields(envelope: Mapping[str, Any], fields: frozenset[str]) -> None:
    version = envelope.get("v", VERSION)
    if type(version) is not int or version != VERSION:  # True == 1 and 1.0 == 1
        raise OpError("bad-version", f"version {version!r:.20} is not read here, only 1", at="/v")
    if envelope.keys() == fields:
        return
    extra = sorted(envelope.keys() - fields)
    if extra:
        at = json_pointer(extra[0])
        raise OpError("extra-field", "an envelope of version 1 has no such field", at=at)
    missing = min(fields - envelope.keys())
    raise OpError("missing-field", "an envelope of version 1 has nine fields", at=f"/{missing}")


def _check_signed(envelope: Mapping[str, Any]) -> None:
    """Check type, author, node, ts, prev and body, in this order."""
    kind, node, ts = envelope["type"], envelope["node"], envelope["ts"]
    if type(kind) is not str or kind not in BODIES:
        message = f"type {kind!r:.60}: this version reads {' and '.join(BODIES)}"
        raise OpError("bad-type", message, at="/type")
    author = envelope["author"]
    if not is_key_id(author) or not author.startswith(_AUTHOR_PREFIX):
        raise OpError("bad-author", "not an ed25519 key id", at="/author")
    if type(node) is not str or not node:
        raise OpError("bad-node", "not a text, or an empty one", at="/node")
    if type(ts) is not int or not 0 <= ts <= INT_MAX:
        raise OpError("bad-ts", "not an integer from 0 to 2^53-1", at="/ts")
    _check_prev(envelope["prev"])
    check_body(kind, envelope["body"])


def _check_prev(prev: object) -> None:
    if type(prev) is not list:
        raise OpError("bad-prev", "not an array", at="/prev")
    if len(prev) > PREV_MAX:
        raise OpError("bad-prev", f"{len(prev):,} parents, more than {PREV_MAX}", at="/prev")
    last = ""
    for index, parent in enumerate(prev):
        if not is_content_address(parent):
            raise OpError("bad-prev", "not an operation id", at=f"/prev/{index}")
        if parent <= last:
            raise OpError("bad-prev", "not ascending, or twice", at=f"/prev/{index}")
        last = parent


def _parse_sig(text: object) -> bytes:
    try:
        sig = base64_decode(text) if type(text) is str else b""
    except EncodingError as error:
        raise OpError("bad-sig-encoding", error.message, at="/sig") from None
    if len(sig) != _SIGNATURE_SIZE:
        raise OpError("bad-sig-encoding", f"not base64 of {_SIGNATURE_SIZE} bytes", at="/sig")
    return sig


def _split_at_op_id(wire: bytes, op_id: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the id in a wire form, at its last occurrence."""
    before, found, after = wire.rpartition(f',"op_id":"{op_id}"'.encode("ascii"))
    assert found and after.startswith(b',"prev":['), "keys are sorted"  # noqa: S101, PT018
    return before, after


def _insert(data: bytes, field: str, follower: bytes) -> bytes:
    """Put a field into canonical bytes, before the last occurrence of its follower."""
    before, found, after = data.rpartition(follower)
    return before + field.encode("ascii") + found + after
