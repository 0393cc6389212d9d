"""Runs of Bitcoin headers as a proof carries them (transparency spec §9).

The first header is written whole, 80 bytes. Of each next one bytes 4 to 35 are left out, since they
are the double SHA-256 of the header before: 48 bytes remain, and no link can be broken.

>>> len(compress_run([bytes(80)])), expand_run(bytes(80 + 48))[1][:4].hex()
(80, '00000000')
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from lodestamp.errors import LimitExceeded, MalformedBlock, UsageError

RUN_MAX: Final = 2_016
"""Headers of one anchor: a period of difficulty, two weeks of blocks (transparency spec R70)."""
RUN_HEADERS: Final = 6
"""Headers that a proof carries by default: the attested block and five upon it (R70)."""
_HEADER_SIZE: Final = 80
_VERSION_SIZE: Final = 4
_LINK_END: Final = 36
_LINKED_SIZE: Final = _HEADER_SIZE - _LINK_END + _VERSION_SIZE


def run_length(run: bytes) -> int:
    """Return how many headers these bytes are.

    MalformedBlock ``header-size`` where they are no 80 bytes and then a multiple of 48,
    LimitExceeded above `RUN_MAX`.
    """
    count, rest = divmod(len(run) - _HEADER_SIZE, _LINKED_SIZE)
    if count < 0 or rest:
        message = f"{len(run):,} bytes are no run of headers: 80 of the first, 48 of each next"
        raise MalformedBlock("header-size", message)
    if count + 1 > RUN_MAX:
        raise LimitExceeded("the run of headers", RUN_MAX, count + 1)
    return count + 1


def expand_run(run: bytes) -> tuple[bytes, ...]:
    """Return the headers of a run, oldest first, 80 bytes each; errors as `run_length`.

    Each follows the one before by construction. Whether it has work is not looked at.
    """
    run_length(run)
    headers = [run[:_HEADER_SIZE]]
    for at in range(_HEADER_SIZE, len(run), _LINKED_SIZE):
        cut = at + _VERSION_SIZE
        headers.append(run[at:cut] + _hash(headers[-1]) + run[cut : at + _LINKED_SIZE])
    return tuple(headers)


def compress_run(headers: Sequence[bytes]) -> bytes:
    """Return headers of 80 bytes, oldest first, as a proof carries them.

    UsageError for no headers, one of another size, or one that does not follow; LimitExceeded above
    `RUN_MAX`.
    """
    if not headers:
        raise UsageError("a run has at least one header")
    if len(headers) > RUN_MAX:
        raise LimitExceeded("the run of headers", RUN_MAX, len(headers))
    pieces = []
    for place, header in enumerate(headers):
        if len(header) != _HEADER_SIZE:
            raise UsageError(f"header {place} of the run has {len(header)} bytes, not 80")
        if place and header[_VERSION_SIZE:_LINK_END] != _hash(headers[place - 1]):
            raise UsageError(f"header {place} of the run does not follow the one before")
        pieces += [header] if not place else [header[:_VERSION_SIZE], header[_LINK_END:]]
    return b"".join(pieces)


def _hash(header: bytes) -> bytes:
    return sha256(sha256(header).digest()).digest()
