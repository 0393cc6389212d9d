"""Byte ranges as people type them: the gateway's grammar, both ends included (R113)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from lodestamp.errors import UsageError

_is_span: Final = re.compile(r"(-?[0-9]{1,19}):(-?[0-9]{1,19}|\*)").fullmatch


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """``A:B``: from byte A to byte B, both included; ``*`` is the end, negatives count from it."""

    first: int
    last: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a span; UsageError for another spelling, or an end before the start."""
        match = _is_span(text)
        if match is None:
            raise UsageError(f"{text[:80]!r} is no range", hint="such as 0:99, 100:* or -10:-1")
        first, last = int(match[1]), None if match[2] == "*" else int(match[2])
        if last is not None and first >= 0 and 0 <= last < first:
            raise UsageError(f"the range {text} ends before it begins")
        return cls(first, last)

    def within(self, size: int) -> tuple[int, int]:
        """Return start and end, the end not included, in a file of `size` bytes.

        UsageError for a start past the end of a file that is not empty.
        """
        first = self.first if self.first >= 0 else max(0, size + self.first)
        last = size - 1 if self.last is None else self.last
        last = size + last if last < 0 and self.last is not None else last
        if first >= size > 0:
            raise UsageError(f"the range begins at byte {first:,} of {size:,}")
        return min(first, size), max(min(first, size), min(last, size - 1) + 1)
