"""The rows of the header store inside one transaction: the best chain, and branches beside it.

A branch is kept while it left the best chain at most 200 headers ago. Whoever has the most work is
the best chain; on a tie the one seen first stays (bitcoin spec R18).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    BlockHeader,
    ChainEntry,
    HeaderChain,
    NetworkParams,
    sha256d,
)
from lodestamp.errors import LogCorrupt, ReorgTooDeep
from lodestamp.node.anchors.tables import headers, side_headers
from lodestamp.node.chains import BlockRef

SIDE_DEPTH_MAX: Final = 200
"""Headers from the tip back to where a branch may leave: more than a day; none honest came near."""

_PERIOD: Final = 2_016
"""Headers of one difficulty period, all of which its last one is judged by."""
_MEDIAN_SPAN: Final = 11

_Stored = Row[Any, Any, Any, Any]
_BEST: Final = select(headers.c.height, headers.c.hash, headers.c.raw, headers.c.chainwork)
_SIDE: Final = select(
    side_headers.c.height, side_headers.c.hash, side_headers.c.raw, side_headers.c.chainwork
)


class Branches:
    """The stored headers as one transaction sees them."""

    def __init__(self, connection: Connection, net: NetworkParams) -> None:
        self._connection = connection
        self._net = net

    def tip(self) -> BlockRef:
        """Return the last header of the best chain."""
        row = self._tip_row()
        return BlockRef(row.height, row.hash)

    def height_of(self, block_hash: bytes) -> int | None:
        """Return the height of a known header, best chain or beside it."""
        row = self._find(block_hash)
        return None if row is None else row.height

    def without_known(self, encoded: bytes) -> bytes:
        """Return a run of headers without those at its beginning that are stored already."""
        at = 0
        while at < len(encoded):
            block_hash = sha256d(encoded[at : at + HEADER_SIZE])
            best = self._connection.execute(_BEST.where(headers.c.hash == block_hash)).first()
            if best is not None:
                at += HEADER_SIZE * self._shared(encoded[at:], best.height)
            elif self._find(block_hash) is not None:
                at += HEADER_SIZE
            else:
                break
        return encoded[at:]

    def _shared(self, encoded: bytes, height: int) -> int:
        """Return how many headers of a run are those of the best chain from a height on."""
        count = len(encoded) // HEADER_SIZE
        query = (
            select(headers.c.raw)
            .where(headers.c.height >= height)
            .where(headers.c.height < height + count)
            .order_by(headers.c.height)
        )
        ours = b"".join(self._connection.execute(query).scalars())
        if encoded.startswith(ours):
            return len(ours) // HEADER_SIZE
        starts = range(0, len(ours), HEADER_SIZE)
        end = HEADER_SIZE
        return next(at // end for at in starts if ours[at : at + end] != encoded[at : at + end])

    def chain_of(self, block_hash: bytes) -> HeaderChain | None:
        """Return the chain up to a known header, as far back as the next ones are judged by.

        None for an unknown one; ReorgTooDeep when it left the best chain, or would, over
        `SIDE_DEPTH_MAX` headers ago.
        """
        own: list[_Stored] = []
        row = self._find(block_hash)
        while row is not None and not self._is_best(row):
            own.append(row)
            row = self._find(row.raw[4:36])
        if row is None:
            return None
        tip = self._tip_row()
        if tip.height - row.height > SIDE_DEPTH_MAX:
            raise ReorgTooDeep(
                f"a branch from height {row.height:,}, with the tip at {tip.height:,}"
            )
        top = row.height + len(own)
        lowest = max(0, min(top // _PERIOD * _PERIOD, top - _MEDIAN_SPAN))
        below = self._connection.execute(
            _BEST.where(headers.c.height >= lowest)
            .where(headers.c.height <= row.height)
            .order_by(headers.c.height)
        )
        entry: ChainEntry | None = None
        for each in (*below, *reversed(own)):
            work = int.from_bytes(each.chainwork, "big")
            header = BlockHeader.decode(each.raw)
            entry = ChainEntry.of(header, each.hash, each.height, work, entry)
        if entry is None:
            raise LogCorrupt("the table of headers has a gap")
        return HeaderChain(self._net, entry)

    def add(self, entries: Sequence[ChainEntry]) -> None:
        """Store checked headers that follow a known one; the heaviest chain becomes the best."""
        tip = self._tip_row()
        first, last = entries[0], entries[-1]
        if first.encoded[4:36] == tip.hash:
            self._connection.execute(insert(headers), [_row(each) for each in entries])
        else:
            self._connection.execute(insert(side_headers), [_row(each) for each in entries])
            if last.work > int.from_bytes(tip.chainwork, "big"):
                self._prefer(last.hash)
        self._forget(max(last.height, tip.height))

    def _prefer(self, block_hash: bytes) -> None:
        """Make a side branch the best chain, and what it replaces a side branch."""
        branch: list[_Stored] = []
        row = self._find(block_hash)
        while row is not None and not self._is_best(row):
            branch.append(row)
            row = self._find(row.raw[4:36])
        if row is None:
            raise LogCorrupt("a branch of headers leads nowhere")
        fork = row.height
        left = self._connection.execute(_BEST.where(headers.c.height > fork)).all()
        hashes = [each.hash for each in branch]
        self._connection.execute(delete(headers).where(headers.c.height > fork))
        self._connection.execute(delete(side_headers).where(side_headers.c.hash.in_(hashes)))
        self._connection.execute(insert(side_headers), [each._asdict() for each in left])
        self._connection.execute(insert(headers), [each._asdict() for each in reversed(branch)])

    def _forget(self, height: int) -> None:
        """Drop side headers that the tip has left too far behind."""
        stale = side_headers.c.height < height - SIDE_DEPTH_MAX
        self._connection.execute(delete(side_headers).where(stale))

    def _tip_row(self) -> _Stored:
        top = select(func.max(headers.c.height)).scalar_subquery()
        return self._connection.execute(_BEST.where(headers.c.height == top)).one()

    def _find(self, block_hash: bytes) -> _Stored | None:
        found = self._connection.execute(_BEST.where(headers.c.hash == block_hash)).first()
        if found is not None:
            return found
        return self._connection.execute(_SIDE.where(side_headers.c.hash == block_hash)).first()

    def _is_best(self, row: _Stored) -> bool:
        query = select(headers.c.hash).where(headers.c.height == row.height)
        return bool(self._connection.execute(query).scalar() == row.hash)


def _row(entry: ChainEntry) -> dict[str, object]:
    work = entry.work.to_bytes(32, "big")
    return {
        "height": entry.height,
        "hash": entry.hash,
        "raw": entry.encoded,
        "chainwork": work,
    }
