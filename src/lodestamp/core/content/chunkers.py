"""Chunkers: where a stream of bytes is cut into leaves (content spec R30-R33).

>>> [bytes(chunk) for chunk in parse("size-4").cut([b"hello", b" wor", b"ld"])]
[b'hell', b'o wo', b'rld']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lodestamp.core.content.buzhash import Buzhash
from lodestamp.core.content.limits import CHUNK_SIZE_MAX
from lodestamp.core.content.pieces import flat
from lodestamp.core.content.rabin import Rabin
from lodestamp.errors import ContentError

_size_spec = re.compile(r"size-([1-9][0-9]{0,6})").fullmatch
_rabin_average_spec = re.compile(r"rabin-([1-9][0-9]{0,6})").fullmatch
_rabin_spec = re.compile(
    r"rabin-(?:min:)?([1-9][0-9]{0,6})-(?:avg:)?([1-9][0-9]{0,6})-(?:max:)?([1-9][0-9]{0,6})"
).fullmatch


@dataclass(frozen=True, slots=True)
class Chunker:
    """Cuts every `size` bytes, 1 to 2,096,896; only the last chunk may be shorter."""

    size: int

    def __post_init__(self) -> None:
        if not 1 <= self.size <= CHUNK_SIZE_MAX:
            message = f"a chunk has 1 to {CHUNK_SIZE_MAX:,} bytes, not {self.size:,}"
            raise ContentError(message, code="chunker.size")

    def cut(self, pieces: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
        """Yield the chunks of the joined pieces; no bytes, no chunk.

        A chunk that lies within one piece is a view of it, not a copy. So it holds only until the
        next chunk is asked for: the source may then fill its buffer anew.
        """
        size = self.size
        held = bytearray()
        for piece in pieces:
            view = flat(piece)
            pos = 0
            if held:
                pos = min(size - len(held), len(view))
                held += view[:pos]
                if len(held) < size:
                    continue
                yield memoryview(held)
                held = bytearray()
            end = pos + (len(view) - pos) // size * size
            for start in range(pos, end, size):
                yield view[start : start + size]
            held += view[end:]
        if held:
            yield memoryview(held)

    def __str__(self) -> str:
        return f"size-{self.size}"


AnyChunker = Chunker | Buzhash | Rabin
"""A chunker; `size` is the fewest bytes of any chunk but the last, `str` its spelling."""


def parse(spec: str, *, experimental: bool = False) -> AnyChunker:
    """Parse ``size-N``, N in decimal without leading zeros.

    Where `experimental` chunkers are asked for, also ``buzhash``, ``rabin``, ``rabin-AVG`` and
    ``rabin-MIN-AVG-MAX``, the three numbers with or without the labels ``min:``, ``avg:`` and
    ``max:``. They agree with kubo on the files tried and have no other oracle (R33).

    ContentError ``chunker.size`` when a number is out of range, ``chunker.unsupported`` for any
    other chunker.
    """
    if match := _size_spec(spec):
        return Chunker(int(match[1]))
    found = _parse_experimental(spec) if experimental else None
    if found is None:
        raise ContentError(
            f"no chunker {spec[:80]!r}",
            code="chunker.unsupported",
            hint=f"use size-N with 1 <= N <= {CHUNK_SIZE_MAX}",
        )
    return found


def _parse_experimental(spec: str) -> AnyChunker | None:
    if spec == "buzhash":
        return Buzhash()
    if spec == "rabin":
        return Rabin.around(262_144)
    if match := _rabin_average_spec(spec):
        return Rabin.around(int(match[1]))
    if match := _rabin_spec(spec):
        least, average, most = map(int, match.groups())
        return Rabin(least, average, most)
    return None
