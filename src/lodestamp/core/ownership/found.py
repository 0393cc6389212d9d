"""What is found in a block, and what is asked for: spans, candidates, carriers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lodestamp.core.bitcoin import Transaction, TxOut, sha256d

Prevouts = Callable[[], Sequence[TxOut]]
"""Gives the outputs a transaction spends, in input order; called only where they matter (R9)."""

Fetch = Callable[[bytes], Transaction | None]
"""Gives the transaction of a txid (32 bytes, internal order); None when it cannot be had."""


class TxSpan(NamedTuple):
    """Where one transaction stands in the bytes of its block.

    `start` and `end` enclose it; `inputs` is where its input count stands, `witness` where its
    witnesses begin, which is its lock time where it has none.
    """

    tx_index: int
    start: int
    inputs: int
    witness: int
    end: int

    def txid(self, raw: bytes) -> bytes:
        """Return the txid, 32 bytes, internal order, given the block this is a span of."""
        return txid_at(raw, self.start, self.inputs, self.witness, self.end)


def txid_at(raw: bytes, start: int, inputs: int, witness: int, end: int) -> bytes:
    """Return the txid of what stands there; the names are those of `TxSpan`."""
    if inputs == start + 4:
        return sha256d(raw[start:end])
    return sha256d(raw[start : start + 4] + raw[inputs:witness] + raw[end - 4 : end])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transaction that may be a carrier's primary or pay through a heart.

    `tx_index` is its place in the block, `start` where its bytes begin there. `heart` is the
    sha1 of its last heart, or None.
    """

    tx_index: int
    start: int
    encoded: bytes
    is_primary: bool
    heart: str | None

    @property
    def tx(self) -> Transaction:
        """The transaction itself, parsed anew at each call."""
        return Transaction.decode(self.encoded)


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a primary and its parents carry.

    `payloads` are in the order of C1 and C3; `text` is inflated; `parents` are the transactions
    that carry the later payloads, nearest first.
    """

    payloads: tuple[bytes, ...]
    text: bytes
    parents: tuple[Transaction, ...]

    @property
    def compressed(self) -> bytes:
        """The raw DEFLATE stream, and what follows it."""
        return join_payloads(self.payloads)


def join_payloads(payloads: Sequence[bytes]) -> bytes:
    """Return the compressed bytes: the first payload's bytes 3 to 79, the others whole (C4)."""
    return b"".join((payloads[0][3:80], *payloads[1:]))
