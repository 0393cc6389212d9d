"""The blocks read last, in which a carrier's parents are looked for first (R30)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.ownership import TxSpan, walk_block
from lodestamp.node.chains import BlockRef

RECENT_BLOCKS_MAX: Final = 144
"""Blocks kept: a day of them, longer than the parts of a carrier wait for one another."""
RECENT_BYTES_MAX: Final = 256 << 20
"""Bytes of blocks kept: a day of usual ones, and less of the largest."""


@dataclass(frozen=True, slots=True)
class Place:
    """A transaction and where it stands; `raw` is the whole block."""

    tx: Transaction
    height: int
    tx_index: int
    raw: bytes


@dataclass(slots=True)
class _Held:
    height: int
    raw: bytes
    spans: dict[bytes, TxSpan] | None = field(default=None)

    def find(self, txid: bytes) -> Place | None:
        """Look for a transaction; the txids of a block are computed once, when somebody asks."""
        if self.spans is None:
            self.spans = {span.txid(self.raw): span for span in walk_block(self.raw)}
        span = self.spans.get(txid)
        if span is None:
            return None
        tx = Transaction.decode(self.raw[span.start : span.end])
        return Place(tx, self.height, span.tx_index, self.raw)


class RecentBlocks:
    """Raw blocks of consecutive heights, at most `RECENT_BLOCKS_MAX` and `RECENT_BYTES_MAX`."""

    def __init__(self) -> None:
        self._held: deque[_Held] = deque()
        self._size = 0

    @property
    def below(self) -> BlockRef | None:
        """The block before the oldest one kept; None while there is none, or no room for it."""
        if not self._held or len(self._held) >= RECENT_BLOCKS_MAX or self._size >= RECENT_BYTES_MAX:
            return None
        oldest = self._held[0]
        return BlockRef(oldest.height - 1, oldest.raw[4:36]) if oldest.height else None

    def put(self, height: int, raw: bytes) -> None:
        """Keep the next block; what stands at this height or above has left the chain."""
        while self._held and self._held[-1].height >= height:
            self._size -= len(self._held.pop().raw)
        self._held.append(_Held(height, raw))
        self._size += len(raw)
        while len(self._held) > RECENT_BLOCKS_MAX or (
            self._size > RECENT_BYTES_MAX and len(self._held) > 1
        ):
            self._size -= len(self._held.popleft().raw)

    def put_below(self, ref: BlockRef, raw: bytes) -> None:
        """Keep the block that `below` names."""
        self._held.appendleft(_Held(ref.height, raw))
        self._size += len(raw)

    def find(self, txid: bytes) -> Place | None:
        """Look for a transaction, in the newest block first; None where it is in none."""
        return next(filter(None, (held.find(txid) for held in reversed(self._held))), None)

    def find_lowest(self, txid: bytes) -> Place | None:
        """Look for a transaction in the oldest block that is kept."""
        return self._held[0].find(txid) if self._held else None

    def txid_at(self, tx_index: int) -> bytes:
        """Return the txid of a transaction of the newest block."""
        raw = self._held[-1].raw
        return next(span.txid(raw) for span in walk_block(raw) if span.tx_index == tx_index)
