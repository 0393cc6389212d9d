"""How fast a scan goes, and how long it will take (R39)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

HALF_LIFE_S: Final = 30.0
"""Seconds after which what was measured counts half: a scan crosses years of ever larger blocks."""


class Rate:
    """An exponentially weighted average of something per second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._amount = 0.0
        self._seconds = 0.0

    def add(self, amount: float) -> None:
        """Count what was done since the last call."""
        now = self._clock()
        elapsed, self._since = max(now - self._since, 0.0), now
        kept = math.pow(0.5, elapsed / HALF_LIFE_S)
        self._amount = self._amount * kept + amount
        self._seconds = self._seconds * kept + elapsed

    @property
    def per_second(self) -> float:
        """What is done per second; 0 before anything was measured."""
        return self._amount / self._seconds if self._seconds else 0.0


class Rates:
    """Blocks and bytes per second of one scan, and the seconds until it has caught up."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._blocks = Rate(clock)
        self._bytes = Rate(clock)

    def add(self, blocks: int, size: int) -> None:
        """Count blocks of so many bytes in all."""
        self._blocks.add(blocks)
        self._bytes.add(size)

    @property
    def blocks_per_s(self) -> float:
        """Blocks per second."""
        return self._blocks.per_second

    @property
    def mb_per_s(self) -> float:
        """Megabytes per second, of 1,000,000 bytes."""
        return self._bytes.per_second / 1e6

    def eta_s(self, blocks_left: int) -> float | None:
        """Return the seconds that so many more blocks take; None before anything was measured."""
        if blocks_left <= 0:
            return 0.0
        return blocks_left / self.blocks_per_s if self.blocks_per_s else None
