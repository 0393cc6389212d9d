r"""Signed operations: the envelope, its bytes and its id, in versions 1 and 2.

::

    signed  = {author, body, node, prev, ts, type, v}      version 1, profile FP/1
              and {alg, cap, seq}                          in version 2
    payload = canonical JSON of signed                     what the author signs; in version 2
                                                           after the tag "lodestamp/op/2\n"
    block   = canonical JSON of signed and sig             op_id = sha256 address of it (D1)
    wire    = canonical JSON of signed, sig and op_id      what travels

A wire form is parsed, checked and serialized once. Its keys are sorted, so the block is the wire
form with ``,"op_id":"…"`` cut out, and the payload is the block with ``,"sig":"…"`` cut out: each
at its last occurrence, because only ids, base64 and numbers follow (operations spec V3).

What a signature does not say: that a referenced operation exists, that the author was entitled, or
that `ts` is true. That is state, decided over a log, not here (V4).

>>> from lodestamp.core.keys import SigningKey
>>> from lodestamp.core.operations import build_op, evidence, verify_op
>>> signer = SigningKey.from_seed("ed25519", bytes(32))
>>> body = evidence(source="calendar", kind="event", content={}, captured_at=0)
>>> op = build_op(signer, "laptop", "evidence", body, (), 0, version=2, seq=0)
>>> verify_op(op)
>>> parse_op(op.wire) == op
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeGuard

from lodestamp.core.encoding import (
    INT_MAX,
    OP_CID_PREFIX,
    Cid,
    Digest,
    JsonValue,
    address_of,
    base64_decode,
    is_content_address,
    json_pointer,
    parse_canonical,
)
from lodestamp.core.keys import SUITES, KeyId, Suite, is_key_id
from lodestamp.core.operations.bodies import BODIES_1, BODIES_2, check_body
from lodestamp.core.operations.fields import ED25519, Schema
from lodestamp.core.operations.limits import DEPTH_MAX, NODE_LABEL_MAX, OP_SIZE_MAX, PREV_MAX
from lodestamp.errors import EncodingError, OpError

_SIGNED_1: Final = frozenset({"author", "body", "node", "prev", "ts", "type", "v"})
_SIGNED_2: Final = _SIGNED_1 | {"alg", "cap", "seq"}
_ADDED: Final = frozenset({"op_id", "sig"})
TAGS: Final = MappingProxyType({1: b"", 2: b"lodestamp/op/2\n"})
"""What stands before the signed bytes of each version."""
NOT_A_LABEL: Final = f"a label has at most {NODE_LABEL_MAX} characters, none of them a control"
_control: Final = re.compile("[\x00-\x1f\x7f-\x9f]").search


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells one version of the envelope from another."""

    version: int
    fields: frozenset[str]
    bodies: Mapping[str, Schema]


LAYOUTS: Final = MappingProxyType(
    {
        1: Layout(1, _SIGNED_1 | _ADDED, BODIES_1),
        2: Layout(2, _SIGNED_2 | _ADDED, BODIES_2),
    }
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation:
    """A well-formed operation. Only `parse_op` and `build_op` make one; equal wires are equal.

    `ts` is the author's word, in Unix seconds; `prev` are the ids of its parents, ascending;
    `body` must not be changed; `sig` has the size of the author's suite.

    Version 2 only, else None: `alg` names the suite, `cap` is the id of the capability under which
    the author acts (None: in the author's own right), `seq` counts the operations of one author
    and node label from 0.
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
    """The canonical bytes of all fields."""
    alg: str | None = None
    cap: str | None = None
    seq: int | None = None

    @property
    def block(self) -> bytes:
        """The canonical bytes without `op_id`: the block whose digest is the id."""
        return b"".join(_split_at_op_id(self.wire, self.op_id))

    @property
    def payload(self) -> bytes:
        """What the author signed: the canonical bytes without `op_id` and `sig`, and their tag."""
        before, after = _split_at_op_id(self.wire, self.op_id)
        parents, _sig_key, rest = after.rpartition(b',"sig":"')
        end = (len(self.sig) + 2) // 3 * 4  # of padded base64
        assert rest[end:].startswith(b'","ts":'), "keys are sorted"  # noqa: S101
        return TAGS[self.v] + before + parents + rest[end + 1 :]

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
    ``bad-type`` ``bad-author`` ``bad-node`` ``bad-ts`` ``bad-prev`` ``bad-alg`` ``bad-cap``
    ``bad-seq`` ``bad-body`` ``bad-sig-encoding`` ``bad-op-id`` ``op-id-mismatch`` (operations spec
    E6, V3).
    """
    envelope: dict[str, Any] = parse_canonical(wire, size_max=OP_SIZE_MAX, depth_max=DEPTH_MAX)
    layout = _layout_of(envelope)
    check_signed(envelope, layout)
    sig = _parse_sig(envelope["sig"], envelope["author"])
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
        v=layout.version,
        type=envelope["type"],
        author=envelope["author"],
        node=envelope["node"],
        ts=envelope["ts"],
        prev=tuple(envelope["prev"]),
        body=envelope["body"],
        sig=sig,
        op_id=op_id,
        wire=wire,
        alg=envelope.get("alg"),
        cap=envelope.get("cap"),
        seq=envelope.get("seq"),
    )


def is_node_label(label: object) -> TypeGuard[str]:
    """Tell whether a node label is one of version 2, and the only kind that we write.

    1 to 128 code points, no control characters. Version 1 on the wire takes any that is not empty.
    """
    return isinstance(label, str) and 0 < len(label) <= NODE_LABEL_MAX and not _control(label)


def _layout_of(envelope: Mapping[str, Any]) -> Layout:
    """Return the layout of an envelope's version after checking that it has just its fields."""
    version = envelope.get("v", 1)
    if type(version) is not int or version not in LAYOUTS:  # True == 1 and 1.0 == 1
        raise OpError(
            "bad-version", f"version {version!r:.20} is not read here, only 1, 2", at="/v"
        )
    layout = LAYOUTS[version]
    if envelope.keys() == layout.fields:
        return layout
    extra = sorted(envelope.keys() - layout.fields)
    of_version = f"an envelope of version {version} has"
    if extra:
        raise OpError("extra-field", f"{of_version} no such field", at=json_pointer(extra[0]))
    missing = min(layout.fields - envelope.keys())
    raise OpError("missing-field", f"{of_version} {len(layout.fields)} fields", at=f"/{missing}")


def check_signed(envelope: Mapping[str, Any], layout: Layout) -> None:
    """Check the signed fields in the order of V3, from the type to the body; OpError."""
    kind, author, node = envelope["type"], envelope["author"], envelope["node"]
    ts, two = envelope["ts"], layout.version == 2
    if type(kind) is not str or kind not in layout.bodies:
        message = f"type {kind!r:.60}: version {layout.version} has {', '.join(layout.bodies)}"
        raise OpError("bad-type", message, at="/type")
    if not is_key_id(author) or not (two or author.startswith(ED25519)):
        raise OpError("bad-author", f"not an {'' if two else 'ed25519 '}key id", at="/author")
    if type(node) is not str or not node:
        raise OpError("bad-node", "not a text, or an empty one", at="/node")
    if two and not is_node_label(node):
        raise OpError("bad-node", NOT_A_LABEL, at="/node")
    if type(ts) is not int or not 0 <= ts <= INT_MAX:
        raise OpError("bad-ts", "not an integer from 0 to 2^53-1", at="/ts")
    _check_prev(envelope["prev"])
    if two:
        _check_added(envelope, author)
    check_body(layout.bodies, kind, envelope["body"])
    if kind == "key" and envelope["body"]["event"]["key"]["id"] != author:
        raise OpError("bad-body", "a key event is signed by its own key", at="/body/event/key/id")


def _check_added(envelope: Mapping[str, Any], author: KeyId) -> None:
    """Check what version 2 adds: alg, cap, seq."""
    alg, cap, seq = envelope["alg"], envelope["cap"], envelope["seq"]
    if type(alg) is not str or alg != suite_of(author).alg:
        raise OpError("bad-alg", f"{alg!r:.40} is not what {author:.12}… signs with", at="/alg")
    if cap is not None and not is_content_address(cap):
        raise OpError("bad-cap", "not the id of a capability or null", at="/cap")
    if type(seq) is not int or not 0 <= seq <= INT_MAX:
        raise OpError("bad-seq", "not an integer from 0 to 2^53-1", at="/seq")


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


def _parse_sig(text: object, author: KeyId) -> bytes:
    try:
        sig = base64_decode(text) if type(text) is str else b""
    except EncodingError as error:
        raise OpError("bad-sig-encoding", error.message, at="/sig") from None
    size = suite_of(author).signature_size
    if len(sig) != size:
        raise OpError("bad-sig-encoding", f"not base64 of {size:,} bytes", at="/sig")
    return sig


def suite_of(author: KeyId) -> Suite:
    """Return the suite that a key id names."""
    return SUITES[author.partition(":")[0]]


def _split_at_op_id(wire: bytes, op_id: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the id in a wire form, at its last occurrence."""
    before, found, after = wire.rpartition(f',"op_id":"{op_id}"'.encode("ascii"))
    assert found and after.startswith(b',"prev":['), "keys are sorted"  # noqa: S101, PT018
    return before, after
