"""A stream over pieces of bytes: what comes from a generator, read as from a file.

>>> stream = PieceStream([b"hello", b" world"])
>>> stream.read(3), stream.read(9), stream.read(9), stream.read(9)
(b'hel', b'lo', b' world', b'')
"""

from __future__ import annotations

from collections.abc import Iterable


class PieceStream:
    """Reads pieces one after another, never joining two, so that nothing is copied twice."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes of what is left; none at the end."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        taken, self._held = self._held[:size], self._held[size:]
        return taken
