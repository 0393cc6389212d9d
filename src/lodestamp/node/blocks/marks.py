"""An exact set of multihashes that outgrows memory into a temporary file (content spec R106)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, Self

MARKS_IN_MEMORY_MAX: Final = 1_000_000
"""Marks held in memory, some 100 MB of them; beyond, they go to a temporary file."""
_TABLE: Final = "CREATE TABLE marks (mark BLOB PRIMARY KEY) WITHOUT ROWID"


class MarkSet:
    """A set of byte strings; use it as a context manager, in one thread."""

    def __init__(self, in_memory_max: int = MARKS_IN_MEMORY_MAX) -> None:
        self._in_memory_max = in_memory_max
        self._recent: set[bytes] = set()
        self._spilled: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spilled is not None:
            self._spilled.close()

    def add(self, mark: bytes) -> bool:
        """Add a mark; tell whether it is new."""
        if mark in self:
            return False
        self._recent.add(mark)
        if len(self._recent) > self._in_memory_max:
            self._spill()
        return True

    def __contains__(self, mark: bytes) -> bool:
        if mark in self._recent:
            return True
        if self._spilled is None:
            return False
        query = "SELECT 1 FROM marks WHERE mark = ?"
        return self._spilled.execute(query, (mark,)).fetchone() is not None

    def unmarked(self, marks: Sequence[bytes]) -> list[bytes]:
        """Return those that are not in the set."""
        return [mark for mark in marks if mark not in self]

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = sqlite3.connect("")  # a private file that its closing removes
            self._spilled.execute("PRAGMA synchronous=OFF")
            self._spilled.execute(_TABLE)
        rows = ((mark,) for mark in sorted(self._recent))
        with self._spilled:
            self._spilled.executemany("INSERT INTO marks VALUES (?)", rows)
        self._recent = set()
