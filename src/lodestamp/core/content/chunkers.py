"""Chunkers: where a stream of bytes is cut into leaves (content spec R30).

>>> [bytes(chunk) for chunk in parse("size-4").cut([b"hello", b" wor", b"ld"])]
[b'hell', b'o wo', b'rld']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lodestamp.core.content.limits import CHUNK_SIZE_MAX
from lodestamp.errors import ContentError

_size_spec = re.compile(r"size-([1-9][0-9]{0,6})").fullmatch


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
            view = _flat(piece)
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


def _flat(piece: bytes | memoryview) -> memoryview:
    view = memoryview(piece)
    if view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    return memoryview(view.tobytes())


def parse(spec: str) -> Chunker:
    """Parse ``size-N``, N in decimal without leading zeros.

    ContentError ``chunker.size`` when N is out of range, ``chunker.unsupported`` for any other
    chunker.
    """
    match = _size_spec(spec)
    if match is None:
        raise ContentError(
            f"no chunker {spec[:80]!r}",
            code="chunker.unsupported",
            hint=f"use size-N with 1 <= N <= {CHUNK_SIZE_MAX}",
        )
    return Chunker(int(match[1]))
