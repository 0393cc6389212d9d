"""A timestamp run from its bytes, without making the tree of it.

>>> from lodestamp.core.timestamps import Unknown, encode_path
>>> source = encode_path([], Unknown(b"a notary", b"!"))
>>> replay_timestamp(source, b"message")
((b'message', b'a notary', b'!'),)
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, TypeAlias

from lodestamp.core.timestamps.attestations import parse_attestation
from lodestamp.core.timestamps.codec import (
    ATTESTATION,
    OPS_MAX,
    read_attestation,
    read_head,
    require_end,
    require_size,
    require_work,
    slow_work,
)
from lodestamp.core.timestamps.ops import APPEND, MESSAGE_SIZE_MAX, PREPEND, SHA256, Op
from lodestamp.core.timestamps.tree import DEPTH_MAX, require_message
from lodestamp.core.timestamps.varuint import read_varuint
from lodestamp.errors import BadTimestamp, LimitExceeded

Found: TypeAlias = "tuple[tuple[bytes, bytes, bytes], ...]"
"""Message, tag and payload of each attestation."""

_SHA256: Final = SHA256.tag
_ADDING: Final = (APPEND, PREPEND)
_ONE_BYTE: Final = 0x80
"""Numbers below this take one byte."""


def replay(source: bytes) -> Found:
    """Return (message, tag, payload) of every attestation of a ``.ots`` file, in its order.

    It takes and refuses what `parse_detached` does in lenient mode, several times as fast. Doubles
    are given as often as they stand there.
    """
    _, digest, start = read_head(source)
    return _replay(source, start, digest)


def replay_timestamp(source: bytes, msg: bytes) -> Found:
    """Do the same for a bare timestamp of `msg`; errors as `parse_timestamp`."""
    return _replay(source, 0, msg)


def _replay(source: bytes, at: int, msg: bytes) -> Found:
    try:
        return _run(require_size(source), at, require_message(msg))
    except IndexError:
        message = "the timestamp is cut short"
        raise BadTimestamp("ots.truncated", message, at=len(source)) from None


def _run(source: bytes, at: int, msg: bytes) -> Found:
    """Run the operations; IndexError when the bytes end too soon."""
    found: list[tuple[bytes, bytes, bytes]] = []
    waiting: list[tuple[bytes, int]] = []
    depth = ops = slow = 0
    while True:
        tag = source[at]
        at += 1
        more = tag == 0xFF
        if more:
            tag = source[at]
            at += 1
        if tag == ATTESTATION:
            kind, payload, at = read_attestation(source, at)
            parse_attestation(kind, payload)
            found.append((msg, kind, payload))
            if more:
                continue
            if not waiting:
                break
            msg, depth = waiting.pop()
            continue
        if more:
            waiting.append((msg, depth))
        depth += 1
        ops += 1
        if depth > DEPTH_MAX or ops > OPS_MAX:
            require_work(depth, ops)
        if tag == _SHA256:
            msg = sha256(msg).digest()
        elif tag in _ADDING:
            size = source[at]
            at += 1
            if size >= _ONE_BYTE:
                size, at = read_varuint(source, at - 1)
                if size > MESSAGE_SIZE_MAX:
                    raise LimitExceeded("the argument's size", MESSAGE_SIZE_MAX, size)
            if not size:
                raise BadTimestamp("ots.argument", "an operation with nothing to add", at=at)
            argument = source[at : at + size]
            at += size
            msg = msg + argument if tag == APPEND else argument + msg
            if len(msg) > MESSAGE_SIZE_MAX:
                raise LimitExceeded("the result's size", MESSAGE_SIZE_MAX, len(msg))
        else:
            slow = slow_work(tag, msg, slow)
            msg = Op(tag)(msg)
    require_end(source, at)
    return tuple(found)
