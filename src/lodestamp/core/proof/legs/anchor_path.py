"""The path of an anchor: from a checkpoint's anchor digest to a Merkle root (R40, R41).

It is an OpenTimestamps timestamp in its one canonical form, of the operations append, prepend and
SHA-256 alone. One that is complete has a single path with a single end; one that is pending says
which calendars were asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.proof.anchor import Anchor
from lodestamp.core.timestamps import (
    SHA256,
    BitcoinHeader,
    Op,
    Pending,
    Timestamp,
    parse_timestamp,
    walk,
)
from lodestamp.errors import BadTimestamp, LodestampError

PREPEND: Final = 0xF1
APPEND: Final = 0xF0
_ALLOWED: Final = frozenset({APPEND, PREPEND, SHA256.tag})
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
