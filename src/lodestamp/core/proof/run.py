"""Runs of Bitcoin headers as a proof carries them (transparency spec §9).

The first header is written whole, 80 bytes. Of each next one bytes 4 to 35 are left out, since they
are the double SHA-256 of the header before: 48 bytes remain, and no link can be broken.

>>> from lodestamp.core.bitcoin import MAIN
>>> compress_run([MAIN.genesis]) == MAIN.genesis.encode()
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import HEADER_SIZE, BlockHeader, sha256d
from lodestamp.errors import LimitExceeded, MalformedBlock, UsageError

RUN_MAX: Final = 2_016
"""Headers of one anchor: a period of difficulty, two weeks of blocks (transparency spec R70)."""
LINK_SIZE: Final = 32
"""Bytes of the hash that is left out."""
LINKED_SIZE: Final = HEADER_SIZE - LINK_SIZE
"""Bytes of each header after the first."""
_VERSION_SIZE: Final = 4


def run_length(data: bytes) -> int:
    """Return how many headers these bytes are.

    MalformedBlock ``header-size`` where they are no 80 bytes and then a multiple of 48,
    LimitExceeded above `RUN_MAX`.
    """
    count, rest = divmod(len(data) - HEADER_SIZE, LINKED_SIZE)
    if count < 0 or rest:
        message = f"{len(data):,} bytes are no run of headers: 80 of the first, 48 of each next"
        raise MalformedBlock("header-size", message)
    if count + 1 > RUN_MAX:
        raise LimitExceeded("the run of headers", RUN_MAX, count + 1)
    return count + 1


def expand_run(data: bytes) -> tuple[BlockHeader, ...]:
    """Return the headers of a run, oldest first; errors as `run_length`.

    Each follows the one before by construction. Whether it has work is not looked at.
    """
    count = run_length(data)
    headers = [data[:HEADER_SIZE]]
    for at in range(HEADER_SIZE, HEADER_SIZE + (count - 1) * LINKED_SIZE, LINKED_SIZE):
        cut = at + _VERSION_SIZE
        headers.append(data[at:cut] + sha256d(headers[-1]) + data[cut : at + LINKED_SIZE])
    return tuple(map(BlockHeader.decode, headers))


def compress_run(headers: Sequence[BlockHeader]) -> bytes:
    """Return a run as a proof carries it.

    UsageError for no headers, or one that does not follow; LimitExceeded above `RUN_MAX`.
    """
    if not headers:
        raise UsageError("a run has at least one header")
    if len(headers) > RUN_MAX:
        raise LimitExceeded("the run of headers", RUN_MAX, len(headers))
    pieces, before = [headers[0].encode()], headers[0].hash
    for place, header in enumerate(headers[1:], 1):
        if header.prev != before:
            raise UsageError(f"header {place} of the run does not follow the one before")
        encoded = header.encode()
        pieces += [encoded[:_VERSION_SIZE], encoded[_VERSION_SIZE + LINK_SIZE :]]
        before = sha256d(encoded)
    return b"".join(pieces)
