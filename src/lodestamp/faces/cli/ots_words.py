"""Timestamp files in words: the way from the file to whoever attests its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from lodestamp.core.timestamps import Attestation, BitcoinHeader, Detached, Op, Timestamp
from lodestamp.core.verdict import Leg
from lodestamp.faces.cli.plain import brief

_INDENT: Final = "    "

Step = tuple[int, int, bytes, Op | Attestation]
"""Depth, branches passed so far, the message, and what is done with it or said of it."""


def lines_of(detached: Detached) -> Iterator[str]:
    """Yield the lines of a timestamp; a branch is indented."""
    yield f"file      {detached.file_op} {detached.digest.hex()}"
    for _, branches, msg, item in _steps(detached.timestamp):
        lead = _INDENT * branches
        if isinstance(item, Op):
            yield f"{lead}{item}"
            continue
        yield f"{lead}= {item}"
        if isinstance(item, BitcoinHeader):
            yield f"{lead}  Merkle root {msg[::-1].hex()}"
        else:
            yield f"{lead}  of {msg.hex()}"


def describe_timestamp(detached: Detached) -> dict[str, object]:
    """Return the same for a program; `depth` counts the operations before a step."""
    steps: list[dict[str, object]] = []
    attestations: list[dict[str, object]] = []
    for depth, _, msg, item in _steps(detached.timestamp):
        if isinstance(item, Op):
            steps.append({"depth": depth, "op": item.name, "argument": item.argument.hex()})
        else:
            steps.append({"depth": depth, "attestation": len(attestations)})
            attestations.append(_describe(msg, item))
    return {
        "file_op": detached.file_op.name,
        "digest": detached.digest.hex(),
        "depth": detached.timestamp.depth,
        "attestations": attestations,
        "steps": steps,
    }


def established(leg: Leg) -> str:
    """Say what an established leg of a timestamp file shows."""
    facts = leg.facts
    if leg.name == "format":
        return f"a timestamp of {facts['digest']}"
    if leg.name == "content":
        return "the file has this digest"
    latest = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(str(facts["not_after"]))))
    place = f"block {facts['height']:,} of {facts['network']}, {facts['hash']}"
    return f"existed no later than {latest}\n{' ' * 17}{place}\n{' ' * 17}{brief(leg.basis)}"


def _describe(msg: bytes, attestation: Attestation) -> dict[str, object]:
    told: dict[str, object] = {
        "kind": type(attestation).__name__,
        "tag": attestation.tag.hex(),
        "message": msg.hex(),
    }
    for name in ("uri", "height"):
        if hasattr(attestation, name):
            told[name] = getattr(attestation, name)
    if len(told) == 3:
        told["payload"] = attestation.payload.hex()
    return told


def _steps(timestamp: Timestamp) -> Iterator[Step]:
    """Yield what is done and said, in the order of the file."""
    waiting: list[tuple[int, int, bytes, Op | None, Timestamp]] = [
        (0, 0, timestamp.msg, None, timestamp)
    ]
    while waiting:
        depth, branches, msg, op, below = waiting.pop()
        if op is not None:
            yield depth, branches, msg, op
            depth += 1
        for attestation in below.attestations:
            yield depth, branches, below.msg, attestation
        inner = branches + (len(below.edges) > 1)
        waiting += [(depth, inner, below.msg, each, next_) for each, next_ in reversed(below.edges)]
