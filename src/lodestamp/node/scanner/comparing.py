"""Whether two scans agree, and if not, at which height they first differ (§9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from lodestamp.errors import HeightUnknown, RulesMismatch, UsageError

_is_height: Final = re.compile(r"[0-9]{1,9}").fullmatch

StateHash = tuple[bytes, bytes]
"""Block hash (32 bytes, internal order) and state hash after that block."""


class StateHashes(Protocol):
    """What is compared: the hashes of every height from `lowest` to `highest`, under some rules."""

    @property
    def rules_id(self) -> bytes | None:
        """The rules they were computed under; None where nobody says."""
        ...

    @property
    def heights(self) -> range:
        """The heights that are known."""
        ...

    def at(self, height: int) -> StateHash:
        """Return the hashes of one of them."""
        ...


@dataclass(frozen=True, slots=True)
class ListedHashes:
    """State hashes that a file states; they must be of every height from the first to the last."""

    rows: Mapping[int, StateHash]
    rules_id: bytes | None = None

    @classmethod
    def parse(cls, lines: Iterable[str]) -> ListedHashes:
        """Parse lines of height, block hash as people read it, and state hash.

        UsageError ``bad-hashes`` for any other line, a height twice or one left out.
        """
        rows: dict[int, StateHash] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            height, hashes = _parse_line(line, number)
            if height in rows:
                raise _bad_line(number, "a height stands twice")
            rows[height] = hashes
        if not rows:
            raise UsageError("the file states no hash", code="bad-hashes")
        if len(rows) != max(rows) - min(rows) + 1:
            raise UsageError("the file leaves heights out", code="bad-hashes")
        return cls(rows)

    @property
    def heights(self) -> range:
        """The heights that are listed."""
        return range(min(self.rows), max(self.rows) + 1)

    def at(self, height: int) -> StateHash:
        """Return the hashes of a listed height."""
        return self.rows[height]


def first_difference(ours: StateHashes, theirs: StateHashes, at: int | None = None) -> int | None:
    """Return the first height at which two scans differ, None if they agree up to `at`.

    State hashes are chained, so what differs once differs ever after: it takes a bisection.
    `at` is the highest height that both know unless it is given. RulesMismatch for scans under
    different rules; HeightUnknown where they have no height in common, or not that one.
    """
    if None not in (ours.rules_id, theirs.rules_id) and ours.rules_id != theirs.rules_id:
        hint = "scan again under the rules of the other"
        raise RulesMismatch("the two were scanned under different rules", hint=hint)
    low = max(ours.heights.start, theirs.heights.start)
    high = min(ours.heights.stop, theirs.heights.stop) - 1
    if at is not None:
        if not low <= at <= high:
            raise HeightUnknown(at, low, high)
        high = at
    if low > high:
        raise HeightUnknown(low, ours.heights.start, ours.heights.stop - 1)
    return _bisect(low, high, lambda height: ours.at(height) != theirs.at(height))


def _bisect(low: int, high: int, differs: Callable[[int], bool]) -> int | None:
    if not differs(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if differs(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _parse_line(line: str, number: int) -> tuple[int, StateHash]:
    words = line.split()
    if len(words) != 3 or _is_height(words[0]) is None:
        raise _bad_line(number, "it is not height, block hash and state hash")
    try:
        block_hash, state_hash = bytes.fromhex(words[1]), bytes.fromhex(words[2])
    except ValueError:
        raise _bad_line(number, "a hash is not hexadecimal") from None
    if len(block_hash) != 32 or len(state_hash) != 32:
        raise _bad_line(number, "a hash has 32 bytes")
    return int(words[0]), (block_hash[::-1], state_hash)


def _bad_line(number: int, why: str) -> UsageError:
    return UsageError(f"line {number} of the hashes: {why}", code="bad-hashes")
