"""Pieces of bytes as they come from a source, whatever their shape."""

from __future__ import annotations


def flat(piece: bytes | bytearray | memoryview) -> memoryview:
    """Return the piece as a view of single bytes; one of wider items or with gaps is copied."""
    view = memoryview(piece)
    if view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    return memoryview(view.tobytes())
