"""The graph's columns as one byte string, for a cache on the machine that wrote it."""

from __future__ import annotations

import sys
from array import array
from typing import Any, Final

from lodestamp.core.encoding import canonical_json, parse_canonical
from lodestamp.core.operations.graph.columns import Chain, Rows
from lodestamp.errors import EncodingError, LimitExceeded

HEADER_SIZE_MAX: Final = 16_777_216
"""Bytes of the cache's header: the names of some hundred thousand chains and capabilities."""
_MAGIC: Final = b"lodestamp/graph/1\n"
_COLUMNS: Final = (
    ("digests", "B"), ("kinds", "B"), ("chains", "I"), ("seqs", "I"), ("caps", "I"),
    ("times", "q"), ("subjects", "B"), ("parent_counts", "B"), ("parents", "I"),
    ("source_counts", "H"), ("sources", "I"), ("faults", "B"), ("attested", "B"),
)  # fmt: skip
"""Each column in its order, and its type as `array` spells it; B is bytes."""


def encode_rows(rows: Rows) -> bytes:
    """Return rows as raw arrays after a header. LimitExceeded for too many chain names.

    Whoever keeps the bytes keeps their SHA-256 with them: `decode_rows` cannot see damage inside
    the arrays.
    """
    parts = [memoryview(getattr(rows, name)).cast("B") for name, _ in _COLUMNS]
    header = canonical_json(
        {
            "byteorder": sys.byteorder,
            "first": rows.first,
            "sizes": [len(part) for part in parts],
            "chains": [[chain.author, chain.node, chain.version] for chain in rows.chain_table],
            "caps": list(rows.cap_table),
        }
    )
    if len(header) > HEADER_SIZE_MAX:
        raise LimitExceeded("the header of the graph's cache", HEADER_SIZE_MAX, len(header))
    return b"".join([_MAGIC, len(header).to_bytes(8, "big"), header, *parts])


def decode_rows(blob: bytes) -> Rows:
    """Read what `encode_rows` wrote on a machine of this kind.

    EncodingError ``bad-rows``, or a code of `parse_canonical`, for anything else.
    """
    start = len(_MAGIC) + 8
    if blob[: len(_MAGIC)] != _MAGIC:
        raise _bad("not a graph of this format")
    end = start + int.from_bytes(blob[len(_MAGIC) : start], "big")
    header: Any = parse_canonical(blob[start:end], size_max=HEADER_SIZE_MAX)
    try:
        if header["byteorder"] != sys.byteorder or len(header["sizes"]) != len(_COLUMNS):
            raise _bad("written by another kind of machine")
        return Rows(
            first=int(header["first"]),
            chain_table=tuple(Chain(str(a), str(n), int(v)) for a, n, v in header["chains"]),
            cap_table=tuple(map(str, header["caps"])),
            **_read_columns(memoryview(blob)[end:], header["sizes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _bad(f"damaged: {error}") from None


def _read_columns(view: memoryview, sizes: list[int]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    at = 0
    for (name, code), size in zip(_COLUMNS, sizes, strict=True):
        part = view[at : at + size]
        at += size
        columns[name] = bytes(part)
        if code != "B":
            columns[name] = array(code)
            columns[name].frombytes(part)
    if at != len(view):
        raise _bad("the columns end elsewhere")
    return columns


def _bad(message: str) -> EncodingError:
    return EncodingError("bad-rows", message)
