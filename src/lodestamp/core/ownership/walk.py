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
from lodestamp.core.ownership.found import Candidate, TxSpan, txid_at
from lodestamp.core.ownership.gate import GATE
from lodestamp.core.ownership.heart import parse_heart
from lodestamp.errors import BlockMalformed, MalformedBitcoin

_OP_RETURN: Final = 0x6A
_LONG_SIZE: Final = 0xFD
"""From here on a compact size has more bytes behind its first."""

_Outline = tuple[int, int, int, int, list[bytes]]
"""Start, where the inputs and the witnesses begin, the end, and the scripts with OP_RETURN."""


def walk_block(raw: bytes) -> Iterator[TxSpan]:
    """Yield where each transaction of a block stands, in order.

    BlockMalformed ``size`` (over 4,000,000 bytes), ``cut-short``, ``non-canonical-size``,
    ``marker`` (the byte after it is not 01), ``no-inputs``, ``superfluous-witness`` (no input has
    one), ``trailing`` (bytes after the last transaction).
    """
    for index, (start, inputs, witness, end, _) in enumerate(_outlines(raw)):
        yield TxSpan(index, start, inputs, witness, end)


def block_txids(raw: bytes) -> list[bytes]:
    """Return the txid of each transaction, 32 bytes, internal order, without parsing any.

    BlockMalformed as `walk_block`. It costs the hashing of the block's bytes.
    """
    return [txid_at(raw, start, i, w, end) for start, i, w, end, _ in _outlines(raw)]


def candidates(raw: bytes) -> list[Candidate]:
    """Return the transactions of a block that have a heart or are a primary, in order.

    BlockMalformed as `walk_block`.
    """
    found: list[Candidate] = []
    for index, (start, _, _, end, scripts) in enumerate(_outlines(raw)):
        if scripts and any(map(GATE.match, scripts)):
            is_primary, heart = _is_primary(scripts), _last_heart(scripts)
            if is_primary or heart is not None:
                found.append(Candidate(index, start, raw[start:end], is_primary, heart))
    return found


def _is_primary(scripts: list[bytes]) -> bool:
    """Whether the lowest OP_RETURN output announces payloads (C2)."""
    payloads = (payload for payload in map(returned, scripts) if payload is not None)
    return announced(next(payloads, b"")) > 0


def _last_heart(scripts: list[bytes]) -> str | None:
    hearts = (sha1 for sha1 in map(parse_heart, reversed(scripts)) if sha1 is not None)
    return next(hearts, None)


def _outlines(raw: bytes) -> Iterator[_Outline]:
    """Step over the transactions of a block. Where one ends past its end, the next read tells."""
    count, pos = _begin(raw)
    try:
        for _ in range(count):
            start = pos
            pos += 4
            spent = raw[pos]
            is_marked = not spent
            if is_marked:
                pos = _skip_marker(raw, pos)
                spent = raw[pos]
            inputs = pos
            pos += 1
            if spent >= _LONG_SIZE:
                spent, pos = _size_at(raw, inputs)
            if not spent:
                raise BlockMalformed("no-inputs", "a transaction spends nothing", offset=inputs)
            for _ in range(spent):
                pos += 36
                size = raw[pos]
                if size < _LONG_SIZE:
                    pos += size + 5
                else:
                    size, pos = _size_at(raw, pos)
                    pos += size + 4
            paid = raw[pos]
            pos += 1
            if paid >= _LONG_SIZE:
                paid, pos = _size_at(raw, pos - 1)
            scripts: list[bytes] = []
            for _ in range(paid):
                pos += 8
                size = raw[pos]
                pos += 1
                if size >= _LONG_SIZE:
                    size, pos = _size_at(raw, pos - 1)
                if size and raw[pos] == _OP_RETURN:
                    scripts.append(raw[pos : pos + size])
                pos += size
            witness = pos
            if is_marked:
                pos = _skip_witnesses(raw, pos, spent)
            pos += 4
            yield start, inputs, witness, pos, scripts
    except IndexError:
        raise _cut_short(raw) from None
    _finish(raw, pos)


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


def _skip_marker(raw: bytes, pos: int) -> int:
    """Return where the input count stands behind marker and flag (BIP-144)."""
    if raw[pos + 1] != 1:
        raise BlockMalformed("marker", "the flag after it is not 01", offset=pos + 1)
    return pos + 2


def _skip_witnesses(raw: bytes, pos: int, inputs: int) -> int:
    """Return where the witnesses of so many inputs end."""
    start, items = pos, 0
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
