"""A stream over pieces."""

from __future__ import annotations

from lodestamp.core.content import PieceStream


def test_pieces_are_read_in_order_and_empty_ones_passed_over():
    stream = PieceStream([b"", b"abc", b"", b"de"])
    assert [stream.read(2) for _ in range(5)] == [b"ab", b"c", b"de", b"", b""]
