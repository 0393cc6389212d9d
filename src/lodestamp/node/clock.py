"""This machine's clock, in the units that tables and operations use."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return the time of this machine's clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """Return the time of this machine's clock in Unix seconds."""
    return now_ms() // 1000
