"""Walking a raw block: where its transactions stand, and which of them are candidates (R28).

Only boundaries and the scripts that begin with OP_RETURN are looked at; nothing is made for a
transaction without one. What is walked to its end is what `Transaction.decode` accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lodestamp.core.bitcoin import BLOCK_SIZE_MAX, HEADER_SIZE, Reader
from lodestamp.core.ownership.carrier import announced
from lodestamp.core.ownership.chunks import returned
from lodestamp.core.ownership.found import Candidate, TxSpan
from lodestamp.core.ownership.heart import parse_heart
from lodestamp.errors import BlockMalformed, MalformedBitcoin

_OP_RETURN: Final = 0x6A
_LONG_SIZE: Final = 0xFD
"""From here on a compact size has more bytes behind its first."""
_NO_SCRIPTS: Final[list[bytes]] = []

_Outline = tuple[int, int, int, list[bytes]]
"""Where the inputs begin, where the witnesses begin, the end, and the scripts with OP_RETURN."""


def walk_block(raw: bytes) -> Iterator[TxSpan]:
    """Yield where each transaction of a block stands, in order.

    BlockMalformed ``size`` (over 4,000,000 bytes), ``cut-short``, ``non-canonical-size``,
    ``marker`` (the byte after it is not 01), ``no-inputs``, ``superfluous-witness`` (no input has
    one), ``trailing`` (bytes after the last transaction).
    """
    count, pos = _begin(raw)
    for index in range(count):
        inputs, witness, end, _ = _read_outline(raw, pos)
        yield TxSpan(index, pos, inputs, witness, end)
        pos = end
    _finish(raw, pos)


def candidates(raw: bytes) -> list[Candidate]:
    """Return the transactions of a block that have a heart or are a primary, in order.

    BlockMalformed as `walk_block`.
    """
    count, pos = _begin(raw)
    found: list[Candidate] = []
    for index in range(count):
        _, _, end, scripts = _read_outline(raw, pos)
        if scripts:
            is_primary = _is_primary(scripts)
            heart = _last_heart(scripts)
            if is_primary or heart is not None:
                found.append(Candidate(index, pos, raw[pos:end], is_primary, heart))
        pos = end
    _finish(raw, pos)
    return found


def _is_primary(scripts: list[bytes]) -> bool:
    """Whether the lowest OP_RETURN output announces payloads (C2)."""
    for script in scripts:
        payload = returned(script)
        if payload is not None:
            return announced(payload) > 0
    return False


def _last_heart(scripts: list[bytes]) -> str | None:
    for script in reversed(scripts):
        sha1 = parse_heart(script)
        if sha1 is not None:
            return sha1
    return None


def _begin(raw: bytes) -> tuple[int, int]:
    """Return how many transactions a block has, and where the first begins."""
    if len(raw) > BLOCK_SIZE_MAX:
        message = f"a block of {len(raw):,} bytes is more than {BLOCK_SIZE_MAX:,}"
        raise BlockMalformed("size", message, offset=BLOCK_SIZE_MAX)
    return _size_at(raw, HEADER_SIZE)


def _finish(raw: bytes, pos: int) -> None:
    """Refuse a block whose last transaction does not end where its bytes do."""
    if pos > len(raw):
        raise _cut_short(raw)
    if pos < len(raw):
        raise BlockMalformed("trailing", "bytes follow the last transaction", offset=pos)


def _read_outline(raw: bytes, start: int) -> _Outline:
    """Step over one transaction; the end may lie past the block's, which the next read tells."""
    pos = start + 4
    scripts = _NO_SCRIPTS
    try:
        count = raw[pos]
        is_marked = not count
        if is_marked:
            if raw[pos + 1] != 1:
                raise BlockMalformed("marker", "the flag after it is not 01", offset=pos + 1)
            pos += 2
            count = raw[pos]
        inputs = pos
        pos += 1
        if count >= _LONG_SIZE:
            count, pos = _size_at(raw, inputs)
        if not count:
            raise BlockMalformed("no-inputs", "a transaction spends nothing", offset=inputs)
        spent = count
        for _ in range(count):
            pos += 36
            size = raw[pos]
            if size < _LONG_SIZE:
                pos += size + 5
            else:
                size, pos = _size_at(raw, pos)
                pos += size + 4
        count = raw[pos]
        pos += 1
        if count >= _LONG_SIZE:
            count, pos = _size_at(raw, pos - 1)
        for _ in range(count):
            pos += 8
            size = raw[pos]
            pos += 1
            if size >= _LONG_SIZE:
                size, pos = _size_at(raw, pos - 1)
            if size and raw[pos] == _OP_RETURN:
                scripts = [*scripts, raw[pos : pos + size]]
            pos += size
    except IndexError:
        raise _cut_short(raw) from None
    witness = pos
    if is_marked:
        pos = _skip_witnesses(raw, pos, spent)
    return inputs, witness, pos + 4, scripts


def _skip_witnesses(raw: bytes, pos: int, inputs: int) -> int:
    """Return where the witnesses of so many inputs end."""
    start, items = pos, 0
    try:
        for _ in range(inputs):
            count = raw[pos]
            pos += 1
            if count >= _LONG_SIZE:
                count, pos = _size_at(raw, pos - 1)
            items += count
            for _ in range(count):
                size = raw[pos]
                pos += 1
                if size >= _LONG_SIZE:
                    size, pos = _size_at(raw, pos - 1)
                pos += size
    except IndexError:
        raise _cut_short(raw) from None
    if not items:
        raise BlockMalformed("superfluous-witness", "every witness is empty", offset=start)
    return pos


def _size_at(raw: bytes, pos: int) -> tuple[int, int]:
    """Read a compact size of any form; return it and where the next byte stands."""
    reader = Reader(raw, pos)
    try:
        return reader.compact_size(), reader.pos
    except MalformedBitcoin as error:
        offset = pos if error.at is None else error.at
        raise BlockMalformed(error.code, error.what, offset=offset) from None


def _cut_short(raw: bytes) -> BlockMalformed:
    return BlockMalformed("cut-short", "the block ends inside a transaction", offset=len(raw))
