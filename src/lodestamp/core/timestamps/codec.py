"""Timestamps as bytes, read and written (transparency spec R33-R39).

Two modes read. Lenient, the default, takes what the stock parser takes: any order, doubles (which
merge), numbers longer than needed. Strict takes only what this module itself would write. Nothing
here recurses: a reader keeps a stack of the messages to which it has to come back.

>>> from lodestamp.core.timestamps import SHA256, Pending, attested
>>> detached = parse_detached(encode_detached(Detached(SHA256, attested(bytes(32), Pending("")))))
>>> detached.file_op.name, detached.digest == bytes(32)
('sha256', True)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import leb128_encode
from lodestamp.core.timestamps.attestations import (
    PAYLOAD_SIZE_MAX,
    TAG_SIZE,
    Attestation,
    parse_attestation,
)
from lodestamp.core.timestamps.ops import (
    BINARY,
    DIGEST_SIZES,
    MESSAGE_SIZE_MAX,
    SLOW_BYTES_MAX,
    SLOW_TAGS,
    UNARY_OPS,
    Op,
)
from lodestamp.core.timestamps.tree import DEPTH_MAX, Draft, Timestamp, require_message
from lodestamp.core.timestamps.varuint import read_varuint
from lodestamp.errors import BadTimestamp, LimitExceeded

MAGIC: Final = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
"""The 31 bytes that a detached timestamp file begins with."""

MAJOR_VERSION: Final = 1

FILE_SIZE_MAX: Final = 1 << 20
"""Bytes of a timestamp: a thousand times what a path from a large log to a block header takes."""

OPS_MAX: Final = 10_000
"""Operations of a whole timestamp: forty paths of the greatest depth, hashed in 0.1 s."""

ATTESTATION: Final = 0x00
_MORE: Final = b"\xff"


@dataclass(frozen=True, slots=True)
class Detached:
    """What a ``.ots`` file holds: how the file was hashed, and the timestamp of its digest.

    BadTimestamp ``ots.file-op`` unless `file_op` hashes to as many bytes as the timestamp's message
    has.
    """

    file_op: Op
    timestamp: Timestamp

    def __post_init__(self) -> None:
        if DIGEST_SIZES.get(self.file_op) != len(self.timestamp.msg):
            raise BadTimestamp(
                "ots.file-op", f"{self.file_op} gives no digest of {len(self.timestamp.msg)} bytes"
            )

    @property
    def digest(self) -> bytes:
        """The digest of the file, by `file_op`."""
        return self.timestamp.msg


def parse_detached(source: bytes, *, strict: bool = False) -> Detached:
    """Read a ``.ots`` file (R33).

    BadTimestamp ``ots.magic``, ``ots.version``, ``ots.file-op``, ``ots.truncated``,
    ``ots.trailing`` and as `parse_timestamp`; LimitExceeded.
    """
    file_op, digest, start = read_head(source)
    timestamp = _read_tree(source, start, digest, None)
    detached = Detached(file_op, timestamp)
    if strict and encode_detached(detached) != source:
        raise _not_canonical()
    return detached


def parse_timestamp(
    source: bytes, msg: bytes, *, strict: bool = False, allowed: Collection[int] | None = None
) -> Timestamp:
    """Read a bare timestamp of `msg`, 1 to 4,096 bytes (R34).

    With `allowed` only operations of these tags are run. BadTimestamp ``ots.truncated``,
    ``ots.trailing``, ``ots.unknown-op``, ``ots.op-not-allowed``, ``ots.argument``, ``ots.uri``,
    ``ots.payload``, ``ots.empty-message``; in strict mode ``ots.not-canonical`` unless the source
    is what `encode_timestamp` writes. LimitExceeded for what passes a limit (R35, R36, R38).
    """
    timestamp = _read_tree(source, 0, msg, allowed)
    if strict and encode_timestamp(timestamp) != source:
        raise _not_canonical()
    return timestamp


def encode_detached(detached: Detached) -> bytes:
    """Write a ``.ots`` file; LimitExceeded for one that no parser here would take (R38)."""
    head = MAGIC + bytes((MAJOR_VERSION, detached.file_op.tag)) + detached.digest
    return require_size(head + encode_timestamp(detached.timestamp))


def encode_timestamp(timestamp: Timestamp) -> bytes:
    """Write a bare timestamp in the one canonical order (R37); LimitExceeded as its parser."""
    pieces: list[bytes] = []
    waiting: list[tuple[bytes, Timestamp | None]] = [(b"", timestamp)]
    ops = 0
    while waiting:
        lead, each = waiting.pop()
        pieces.append(lead)
        if each is None:
            continue
        ops += len(each.edges)
        items: list[tuple[bytes, Timestamp | None]] = []
        items += [(_encode_end(attestation), None) for attestation in each.attestations]
        items += [(_encode_op(op), below) for op, below in each.edges]
        waiting.append(items.pop())
        waiting += [(_MORE + begin, below) for begin, below in reversed(items)]
    if ops > OPS_MAX:
        raise LimitExceeded("the number of operations", OPS_MAX, ops)
    return require_size(b"".join(pieces))


def encode_path(ops: Sequence[Op], attestation: Attestation) -> bytes:
    """Write the bare timestamp of a path that ends in one attestation, without running it."""
    return require_size(b"".join(map(_encode_op, ops)) + _encode_end(attestation))


def read_head(source: bytes) -> tuple[Op, bytes, int]:
    """Read what stands before the timestamp: file operation, digest, where the timestamp begins."""
    if not source.startswith(MAGIC):
        raise BadTimestamp("ots.magic", "this is no OpenTimestamps file")
    version, at = read_varuint(source, len(MAGIC))
    if version != MAJOR_VERSION:
        raise BadTimestamp("ots.version", f"version {version} is not known here", at=at)
    file_op = next((op for op in DIGEST_SIZES if source[at : at + 1] == bytes((op.tag,))), None)
    if file_op is None:
        raise BadTimestamp("ots.file-op", "the file was hashed in a way not known here", at=at)
    start = at + 1 + DIGEST_SIZES[file_op]
    if start >= len(source):
        raise _truncated(len(source))
    return file_op, source[at + 1 : start], start


def _read_tree(source: bytes, at: int, msg: bytes, allowed: Collection[int] | None) -> Timestamp:
    require_size(source)
    root = draft = Draft(require_message(msg))
    depth = ops = slow = 0
    waiting: list[tuple[Draft, int]] = []
    while True:
        tag, more, at = _read_tag(source, at)
        if tag == ATTESTATION:
            kind, payload, at = read_attestation(source, at)
            draft.attestations[parse_attestation(kind, payload)] = None
            if more:
                continue
            if not waiting:
                break
            draft, depth = waiting.pop()
            continue
        if more:
            waiting.append((draft, depth))
        if allowed is not None and tag not in allowed:
            raise BadTimestamp("ots.op-not-allowed", f"operation {tag:02x} is not allowed", at=at)
        op, at = _read_op(source, at, tag)
        depth += 1
        ops += 1
        require_work(depth, ops)
        slow = slow_work(tag, draft.msg, slow)
        draft = draft.below(op)
    require_end(source, at)
    return root.timestamp()


def require_work(depth: int, ops: int) -> None:
    """Refuse, with LimitExceeded, a path too deep or too many operations in all (R38)."""
    if depth > DEPTH_MAX:
        raise LimitExceeded("the number of operations on a path", DEPTH_MAX, depth)
    if ops > OPS_MAX:
        raise LimitExceeded("the number of operations", OPS_MAX, ops)


def slow_work(tag: int, msg: bytes, done: int) -> int:
    """Add what this operation reads to what slow hashes have read; LimitExceeded (R38)."""
    if tag in SLOW_TAGS:
        done += len(msg)
        if done > SLOW_BYTES_MAX:
            raise LimitExceeded("what slow hashes are to read", SLOW_BYTES_MAX, done)
    return done


def _read_tag(source: bytes, at: int) -> tuple[int, bool, int]:
    """Read the tag of an item; return it, whether more items follow, and where it goes on."""
    more = source[at : at + 1] == _MORE
    at += more
    if at >= len(source):
        raise _truncated(at)
    return source[at], more, at + 1


def _read_op(source: bytes, at: int, tag: int) -> tuple[Op, int]:
    if tag not in BINARY:
        return UNARY_OPS.get(tag) or Op(tag), at
    size, start = read_varuint(source, at)
    if size > MESSAGE_SIZE_MAX:
        raise LimitExceeded("the argument's size", MESSAGE_SIZE_MAX, size)
    if start + size > len(source):
        raise _truncated(at)
    return Op(tag, source[start : start + size]), start + size


def read_attestation(source: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Read tag and payload of the attestation at `at`, and where it ends; errors as the parser."""
    size, start = read_varuint(source, at + TAG_SIZE)
    if size > PAYLOAD_SIZE_MAX:
        raise LimitExceeded("the payload's size", PAYLOAD_SIZE_MAX, size)
    end = start + size
    if end > len(source):
        raise _truncated(at)
    return source[at : at + TAG_SIZE], source[start:end], end


def require_end(source: bytes, at: int) -> None:
    """Refuse, with BadTimestamp ``ots.trailing``, bytes behind a whole timestamp."""
    if at != len(source):
        raise BadTimestamp("ots.trailing", f"{len(source) - at} bytes too many", at=at)


def require_size(encoded: bytes) -> bytes:
    """Return the bytes of a timestamp; LimitExceeded when there are more than 1 MiB."""
    if len(encoded) > FILE_SIZE_MAX:
        raise LimitExceeded("the timestamp's size", FILE_SIZE_MAX, len(encoded))
    return encoded


def _truncated(at: int) -> BadTimestamp:
    """Return the error for a timestamp that is cut short at or behind `at`."""
    return BadTimestamp("ots.truncated", "the timestamp is cut short", at=at)


def _encode_op(op: Op) -> bytes:
    if not op.argument:
        return bytes((op.tag,))
    return bytes((op.tag,)) + leb128_encode(len(op.argument)) + op.argument


def _encode_end(attestation: Attestation) -> bytes:
    payload = attestation.payload
    return b"\x00" + attestation.tag + leb128_encode(len(payload)) + payload


def _not_canonical() -> BadTimestamp:
    return BadTimestamp("ots.not-canonical", "the timestamp is not in its one canonical form")
