"""Blocks: bytes under a CID, where they come from, and what one may take out of them.

Every block is checked against its CID as it comes in, whoever gave it.

>>> block = Block(Cid.of(0x55, b"hello"), b"hello")
>>> load({block.cid: b"hello"}.get, block.cid)
b'hello'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lodestamp.core.content.limits import (
    BLOCK_SIZE_MAX,
    ENTRIES_MAX,
    OUTPUT_BYTES_MAX,
    STEPS_MAX,
)
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import BlockMismatch, BlockMissing, LimitExceeded


@dataclass(frozen=True, slots=True)
class Block:
    """A block's bytes and the CID that names them."""

    cid: Cid
    data: bytes


Get = Callable[[Cid], bytes | None]
"""Returns the bytes of a block, or None when it is not at hand. What it gives is not trusted."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one call may take: bytes given out, links looked at, entries of one directory."""

    output_bytes: int = OUTPUT_BYTES_MAX
    steps: int = STEPS_MAX
    entries: int = ENTRIES_MAX


USUAL_BUDGET: Final = Budget()
"""What a call may take unless it is told otherwise."""


class Meter:
    """Counts what one call takes of its budget; LimitExceeded ``limit.*`` when it is too much."""

    __slots__ = ("_budget", "_output_bytes", "_steps")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._output_bytes = 0
        self._steps = 0

    def step(self, count: int = 1) -> None:
        """Count links followed or looked at."""
        self._steps += count
        if self._steps > self._budget.steps:
            maximum = self._budget.steps
            raise LimitExceeded(
                "the number of links looked at", maximum, self._steps, code="limit.steps"
            )

    def give(self, count: int) -> None:
        """Count bytes before they are given out."""
        self._output_bytes += count
        if self._output_bytes > self._budget.output_bytes:
            raise LimitExceeded(
                "the number of bytes given out",
                self._budget.output_bytes,
                self._output_bytes,
                code="limit.output-bytes",
            )

    def list(self, count: int) -> None:
        """Compare the entries of one directory so far."""
        if count > self._budget.entries:
            raise LimitExceeded(
                "the number of entries of a directory",
                self._budget.entries,
                count,
                code="limit.entries",
            )


def load(get: Get, cid: Cid) -> bytes:
    """Return the block of this CID, checked; an identity CID holds its block itself.

    BlockMissing; BlockMismatch ``block.mismatch`` or, over 2 MiB, ``block.too-big``; CidError
    ``hash.weak`` or ``hash.unsupported`` when its hash function cannot be checked.
    """
    if cid.hash_code == HashCode.IDENTITY:
        return cid.digest
    data = get(cid)
    if data is None:
        raise BlockMissing(str(cid))
    if len(data) > BLOCK_SIZE_MAX:
        message = f"{len(data):,} bytes, more than {BLOCK_SIZE_MAX:,}"
        raise BlockMismatch(str(cid), message, code="block.too-big")
    if not cid.matches(data):
        raise BlockMismatch(str(cid), "its bytes are not those it names")
    return data
