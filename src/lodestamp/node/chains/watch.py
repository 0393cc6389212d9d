"""Following the best chain by asking for it again and again (bitcoin spec R32).

The cursor belongs to the consumer, who stores it in its own transaction and hands it back as
`since`. Blocks that the consumer has seen and that left the chain come first, newest first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Event
from typing import Final

from lodestamp.errors import ReorgTooDeep
from lodestamp.node.chains.source import ChainSource
from lodestamp.node.chains.values import BlockRef, ChainEvent, Connected, Disconnected

WATCHED_REFS_MAX: Final = 288
"""Blocks that are remembered: two days; no honest reorganisation has come near."""
POLL_S: Final = 1.0
"""Seconds between two questions when nothing happens."""


def watch(
    source: ChainSource, since: BlockRef, stop: Event, *, poll_s: float = POLL_S
) -> Iterator[ChainEvent]:
    """Yield what changes after `since` until `stop` is set.

    ReorgTooDeep when `since`, or more than 288 blocks that were seen, are no longer on the way.
    """
    seen = _seen_before(source, since)
    prevouts = source.capabilities().prevouts
    while not stop.is_set():
        moved = False
        while source.block_hash(seen[-1].height) != seen[-1].hash:
            gone = seen.pop()
            yield Disconnected(gone)
            moved = True
            if not seen:
                raise ReorgTooDeep(f"the chain changed below height {gone.height}")
            if stop.is_set():
                return
        following = source.block_hash(seen[-1].height + 1)
        if following is not None:
            record = source.block(following, prevouts=prevouts)
            if record.block.header.prev == seen[-1].hash:
                seen.append(record.ref)
                yield Connected(record)
            moved = True  # where it does not follow, the chain has just changed: look again
        if not moved:
            stop.wait(poll_s)


def _seen_before(source: ChainSource, since: BlockRef) -> deque[BlockRef]:
    """Rebuild from the headers below `since` what its consumer must have seen."""
    refs: deque[BlockRef] = deque(maxlen=WATCHED_REFS_MAX)
    ref = since
    while len(refs) < WATCHED_REFS_MAX:
        refs.appendleft(ref)
        if ref.height == 0:
            break
        if source.block_hash(ref.height) == ref.hash:
            low = max(0, since.height - WATCHED_REFS_MAX + 1)
            below = source.headers(low, ref.height - low)
            for height in range(ref.height - 1, low - 1, -1):
                refs.appendleft(BlockRef(height, below[height - low].hash))
            break
        ref = BlockRef(ref.height - 1, source.header(ref.hash).prev)
    return refs
