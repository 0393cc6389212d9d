"""The clocks and the chance that flows live by, so that a test can hold them still."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], int]
"""Unix microseconds."""


def now_us() -> int:
    """Return the time of this machine's clock in Unix microseconds."""
    return time.time_ns() // 1000


def monotonic_us() -> int:
    """Return microseconds that never run backwards, from an arbitrary start."""
    return time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clocks, chance and sleep of a runner."""

    clock: Clock = now_us
    monotonic: Clock = monotonic_us
    randomness: Callable[[int], bytes] = secrets.token_bytes
    sleep: Callable[[float], None] = time.sleep
