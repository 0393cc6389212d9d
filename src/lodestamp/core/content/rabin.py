"""The rabin chunker: cuts where a Rabin fingerprint of 16 bytes ends in zeros (content spec R32).

Experimental (R33), and slow: every byte passes through Python.

>>> [len(chunk) for chunk in Rabin(16, 32, 64).cut([bytes(100)])]
[16, 16, 16, 16, 16, 16, 4]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

from lodestamp.core.content.limits import CHUNK_SIZE_MAX
from lodestamp.core.content.pieces import flat
from lodestamp.errors import ContentError

_POLYNOMIAL: Final = 17_437_180_132_763_653
_DEGREE: Final = 53
_WINDOW: Final = 16
_SIZE_LEAST: Final = 16
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Rabin:
    """Chunks of `size` to `size_max` bytes, `size_average` in the mean; the last may be shorter.

    16 <= size < size_average < size_max <= 2,096,896.
    """

    size: int
    size_average: int
    size_max: int

    def __post_init__(self) -> None:
        if not _SIZE_LEAST <= self.size < self.size_average < self.size_max <= CHUNK_SIZE_MAX:
            message = f"rabin takes {_SIZE_LEAST} <= MIN < AVG < MAX <= {CHUNK_SIZE_MAX:,}"
            raise ContentError(message, code="chunker.size")

    @classmethod
    def around(cls, average: int) -> Self:
        """Return the chunker of this average: a third of it to half as much again."""
        return cls(average // 3, average, average + average // 2)

    def cut(self, pieces: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
        """Yield the chunks of the joined pieces, as copies; no bytes, no chunk."""
        held = bytearray()
        for piece in pieces:
            held += flat(piece)
            while len(held) >= self.size_max:
                end = self._first_cut(held)
                yield memoryview(bytes(held[:end]))
                del held[:end]
        while held:
            end = self._first_cut(held)
            yield memoryview(bytes(held[:end]))
            del held[:end]

    def _first_cut(self, held: bytearray) -> int:
        """Return where the first chunk ends."""
        if len(held) <= self.size:
            return len(held)
        out, mod = _tables()
        cut_mask = (1 << self.size_average.bit_length() - 1) - 1
        start = self.size - _WINDOW
        # The window starts as 15 zeros before a byte of 1, so that leading zeros count.
        leaving = bytes((1,)).rjust(_WINDOW, b"\0")
        view = leaving + bytes(held[start : self.size_max])
        digest = 1
        for at in range(len(view) - _WINDOW):
            digest ^= out[view[at]]
            top = digest >> _DEGREE - 8
            digest = (digest << 8 & _WORD | view[at + _WINDOW]) ^ mod[top]
            size = start + at + 1
            if size >= self.size and not digest & cut_mask:
                return size
        return start + len(view) - _WINDOW

    def __str__(self) -> str:
        if self == _around(self.size_average):
            return "rabin" if self.size_average == 262_144 else f"rabin-{self.size_average}"
        return f"rabin-{self.size}-{self.size_average}-{self.size_max}"


def _around(average: int) -> Rabin | None:
    try:
        return Rabin.around(average)
    except ContentError:
        return None


@cache
def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what a byte leaving the window takes away, and what reduces the top eight bits."""
    out = tuple(_remainder(byte << 8 * (_WINDOW - 1)) for byte in range(256))
    mod = tuple(_remainder(byte << _DEGREE) | byte << _DEGREE for byte in range(256))
    return out, mod


def _remainder(value: int) -> int:
    """Return the remainder by the polynomial, over GF(2)."""
    while (excess := value.bit_length() - 1 - _DEGREE) >= 0:
        value ^= _POLYNOMIAL << excess
    return value
