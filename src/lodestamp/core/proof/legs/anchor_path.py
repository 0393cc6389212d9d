"""The path of an anchor: from a checkpoint's anchor digest to a Merkle root (R40, R41).

It is an OpenTimestamps timestamp in its one canonical form, of the operations append, prepend and
SHA-256 alone. One that is complete has a single path with a single end; one that is pending says
which calendars were asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.proof.anchor import Anchor
from lodestamp.core.timestamps import (
    DEPTH_MAX,
    FILE_SIZE_MAX,
    MESSAGE_SIZE_MAX,
    SHA256,
    BitcoinHeader,
    Op,
    Pending,
    Timestamp,
    encode_path,
    parse_timestamp,
    walk,
)
from lodestamp.errors import BadTimestamp, LodestampError

PREPEND: Final = 0xF1
APPEND: Final = 0xF0
_ADDING: Final = (APPEND, PREPEND)
_HASH: Final = SHA256.tag
_ALLOWED: Final = frozenset({*_ADDING, _HASH})
_MORE: Final = 0x80
_ROOT_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an anchor does not stand: a reason of the leg ``time``, and a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """A message on the path, and the operation that is applied to it."""

    message: bytes
    op: Op


def read_path(anchor: Anchor, digest: bytes) -> Timestamp | Fault:
    """Return the timestamp of an anchor digest that the anchor holds, if it holds one.

    ``op_not_allowed`` for another operation than the three, ``bad_ots`` for anything else.
    """
    try:
        return parse_timestamp(anchor.ots, digest, strict=True, allowed=_ALLOWED)
    except BadTimestamp as error:
        reason = "op_not_allowed" if error.code == "ots.op-not-allowed" else "bad_ots"
        return Fault(reason, error.message)
    except LodestampError as error:
        return Fault("bad_ots", error.message)


def run_path(source: bytes, digest: bytes, height: int) -> bytes | None:
    """Return the message at the end of a single path to a Bitcoin block, ten times as fast.

    None for whatever is not a timestamp of the three operations, in its one canonical form, with
    the block at `height` as its only end: `read_path` says what it is.
    """
    end = encode_path([], BitcoinHeader(height))
    stop = len(source) - len(end)
    if not source.endswith(end) or stop > FILE_SIZE_MAX:
        return None
    message, at, ops = digest, 0, 0
    while at < stop:
        tag = source[at]
        at += 1
        ops += 1
        if tag == _HASH:
            message = sha256(message).digest()
            continue
        if tag not in _ADDING:
            return None
        size = source[at]
        at += 1
        if size & _MORE:
            rest = source[at]
            at += 1
            if not 0 < rest < _MORE:  # 0 would be a longer number than needed, more a longer one
                return None
            size = size & ~_MORE | rest << 7
        argument = source[at : at + size]
        at += size
        message = message + argument if tag == APPEND else argument + message
        if not size or len(message) > MESSAGE_SIZE_MAX:
            return None
    return message if at == stop and ops <= DEPTH_MAX else None


def read_waiting(timestamp: Timestamp) -> list[str] | Fault:
    """Return what a pending anchor says: each attestation, and the message it is about, in hex.

    ``bad_ots`` where it has an end that is neither a calendar's promise nor a Bitcoin block.
    """
    waiting = []
    for message, attestation in walk(timestamp):
        if not isinstance(attestation, Pending | BitcoinHeader):
            return Fault("bad_ots", f"no proof carries this: {attestation!s:.120}")
        waiting.append(f"{attestation}: {message.hex()}")
    return waiting


def read_root(timestamp: Timestamp, height: int) -> bytes | Fault:
    """Return the message that is attested to be the Merkle root of the block at `height`.

    ``no_path`` where no such attestation is there, ``bad_ots`` where anything else is there too.
    """
    ends = list(walk(timestamp))
    roots = [message for message, end in ends if end == BitcoinHeader(height)]
    if not roots:
        return Fault("no_path", f"no path leads to a Bitcoin block at height {height:,}")
    if len(ends) > 1:
        return Fault("bad_ots", "a complete anchor is one path with one end")
    if len(roots[0]) != _ROOT_SIZE:
        return Fault("root_mismatch", f"the path ends in {len(roots[0])} bytes, no Merkle root")
    return roots[0]


def steps_of(timestamp: Timestamp) -> list[Step]:
    """Return the steps of a single path, from its first message on."""
    steps = []
    while timestamp.edges:
        ((op, below),) = timestamp.edges
        steps.append(Step(timestamp.msg, op))
        timestamp = below
    return steps
