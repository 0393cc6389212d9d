"""Operations as columns: dense leaf indices instead of ids, arrays instead of objects.

An operation is its leaf index, and an index is always above those of its parents, so log order is
a topological order. A million operations with three edges each take about 100 MB here.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from lodestamp.core.encoding import Digest, JsonValue, address_of_digest
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.status import CLAIM, KINDS
from lodestamp.errors import EncodingError

SUBJECT_SIZE: Final = 8
"""Bytes per operation of the subject column: four of the subject's digest, four of the predicate's.

They only find candidates; the operation itself decides.
"""
UNKNOWN: Final = 255
"""In a column that caches, what was not looked at yet."""
_KIND_OF: Final = {name: number for number, name in enumerate(KINDS)}


Read = Callable[[int], Operation | None]
"""Reads the operation at a leaf; None when its body was purged."""


class Chain(NamedTuple):
    """Whose operations follow one another (S7): an author on a node, in one envelope version."""

    author: str
    node: str
    version: int


class Position(NamedTuple):
    """Where the ledger finalised an operation; the least of several holds (operations spec §7)."""

    height: int
    tx_index: int
    leaf_index: int
    block_time: int
    """Unix milliseconds, as the ledger counts."""


class Placed(NamedTuple):
    """A position for each of `length` operations from leaf `first` on.

    `position` is that of the first; every next one has the next leaf index.
    """

    first: int
    length: int
    position: Position


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Operations `first`, `first` + 1 and so on, column by column.

    `digests` has 32 bytes for each; `kinds` one; `chains` a place in
    `chain_table`; `seqs` the author's sequence number, 0 in version 1; `caps` 0, or one more than a
    place in `cap_table`, the ids of the capabilities acted under; `times` Unix seconds; `subjects`
    `SUBJECT_SIZE` bytes, zeros for all but claims. Parents and what the body names are leaf
    indices, as many for each as its count says. `faults` and `attested` are what the graph itself
    found out before, from a cache of its own; empty otherwise.
    """

    first: int
    digests: bytes
    kinds: bytes
    chains: array[int]
    seqs: array[int]
    caps: array[int]
    times: array[int]
    subjects: bytes
    parent_counts: bytes
    parents: array[int]
    source_counts: array[int]
    sources: array[int]
    chain_table: tuple[Chain, ...] = ()
    cap_table: tuple[str, ...] = ()
    faults: bytes = b""
    attested: bytes = b""


class GraphSource(Protocol):
    """Where the graph reads operations: a database, or memory (`View`)."""

    def rows(self, after: int) -> Iterator[Rows]:
        """Yield every operation from leaf `after` on, in log order."""

    def index_of(self, digest: Digest) -> int | None:
        """Return the leaf index of the operation with this digest, or None."""

    def operation(self, index: int) -> Operation | None:
        """Return the operation at this leaf; None when its body was purged (S28)."""

    def attested_under(self, index: int) -> str | None:
        """Return the id of the capability of an attestation, though its body was purged (S33)."""

    def placed(self) -> Iterator[Placed]:
        """Yield the positions that the ledger has given so far."""


class Columns:
    """Every operation of a log. It only grows."""

    def __init__(self) -> None:
        self.digests = bytearray()
        self.kinds = bytearray()
        self.chains = array("I")
        self.seqs = array("I")
        self.caps = array("I")
        self.times = array("q")
        self.subjects = bytearray()
        self.parent_ends = array("I", [0])
        self.parents = array("I")
        self.source_ends = array("I", [0])
        self.sources = array("I")
        self.faults = bytearray()
        """What the authority found that never changes; a cache, see `authority`."""
        self.attested = bytearray()
        self.chain_table: list[Chain] = []
        self.cap_table: list[str] = []
        self._chain_numbers: dict[Chain, int] = {}
        self._cap_numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    def op_id(self, index: int) -> str:
        """Return the id of the operation at this leaf."""
        return address_of_digest(bytes(self.digests[32 * index : 32 * index + 32]))

    def parents_of(self, index: int) -> array[int]:
        """Return the leaves of `prev`."""
        return self.parents[self.parent_ends[index] : self.parent_ends[index + 1]]

    def sources_of(self, index: int) -> array[int]:
        """Return the leaves that the body names: sources, a target, an attested claim."""
        return self.sources[self.source_ends[index] : self.source_ends[index + 1]]

    def chain_of(self, index: int) -> Chain:
        """Return the chain of the operation at this leaf."""
        return self.chain_table[self.chains[index]]

    def cap_of(self, index: int) -> str | None:
        """Return the cap id that the operation at this leaf acts under."""
        number = self.caps[index]
        return self.cap_table[number - 1] if number else None

    def number_of(self, chain: Chain) -> int | None:
        """Return the number of a chain, None when no operation is of it."""
        return self._chain_numbers.get(chain)

    def chain_number(self, chain: Chain) -> int:
        """Return the number of a chain, a new one if it is new."""
        if chain not in self._chain_numbers:
            self._chain_numbers[chain] = len(self.chain_table)
            self.chain_table.append(chain)
        return self._chain_numbers[chain]

    def cap_number(self, cap_id: str) -> int:
        """Return the number of a cap id, from 1, a new one if it is new."""
        if cap_id not in self._cap_numbers:
            self.cap_table.append(cap_id)
            self._cap_numbers[cap_id] = len(self.cap_table)
        return self._cap_numbers[cap_id]

    def append(self, op: Operation, parents: Iterable[int], sources: Iterable[int]) -> int:
        """Add one operation; return its leaf index."""
        self.digests += op.digest
        self.kinds.append(_KIND_OF[op.type])
        self.chains.append(self.chain_number(Chain(op.author, op.node, op.v)))
        self.seqs.append(op.seq or 0)
        self.caps.append(0 if op.cap is None else self.cap_number(op.cap))
        self.times.append(op.ts)
        self.subjects += subject_key_of(op.type, op.body)
        self.parents.extend(parents)
        self.parent_ends.append(len(self.parents))
        self.sources.extend(sources)
        self.source_ends.append(len(self.sources))
        self.faults.append(UNKNOWN)
        self.attested.append(UNKNOWN)
        return len(self.kinds) - 1

    def extend(self, rows: Rows) -> None:
        """Add many; EncodingError ``bad-rows`` when the columns do not fit one another."""
        count = len(rows.kinds)
        _check_rows(rows, len(self), count)
        chains = [self.chain_number(chain) for chain in rows.chain_table]
        caps = [0, *(self.cap_number(cap_id) for cap_id in rows.cap_table)]
        self.digests += rows.digests
        self.kinds += rows.kinds
        self.chains.extend(_renumbered(rows.chains, chains))
        self.seqs.extend(rows.seqs)
        self.caps.extend(_renumbered(rows.caps, caps))
        self.times.extend(rows.times)
        self.subjects += rows.subjects
        _extend_ends(self.parent_ends, rows.parent_counts)
        self.parents.extend(rows.parents)
        _extend_ends(self.source_ends, rows.source_counts)
        self.sources.extend(rows.sources)
        self.faults += rows.faults or bytes([UNKNOWN]) * count
        self.attested += rows.attested or bytes([UNKNOWN]) * count

    def rows(self, first: int, last: int) -> Rows:
        """Return the operations from `first` up to but not including `last`, tables and all."""
        low, high = self.parent_ends[first], self.parent_ends[last]
        bottom, top = self.source_ends[first], self.source_ends[last]
        return Rows(
            first=first,
            digests=bytes(self.digests[32 * first : 32 * last]),
            kinds=bytes(self.kinds[first:last]),
            chains=self.chains[first:last],
            seqs=self.seqs[first:last],
            caps=self.caps[first:last],
            times=self.times[first:last],
            subjects=bytes(self.subjects[SUBJECT_SIZE * first : SUBJECT_SIZE * last]),
            parent_counts=bytes(_counts(self.parent_ends, first, last)),
            parents=self.parents[low:high],
            source_counts=array("H", _counts(self.source_ends, first, last)),
            sources=self.sources[bottom:top],
            chain_table=tuple(self.chain_table),
            cap_table=tuple(self.cap_table),
            faults=bytes(self.faults[first:last]),
            attested=bytes(self.attested[first:last]),
        )


def subject_key_of(kind: str, body: Mapping[str, JsonValue] | None) -> bytes:
    """Return what the subject column holds for an operation; zeros unless it is a known claim."""
    if kind != KINDS[CLAIM] or body is None:
        return bytes(SUBJECT_SIZE)
    return half_key(str(body["subject"])) + half_key(str(body["predicate"]))


def half_key(text: str) -> bytes:
    """Return the four bytes by which a subject or a predicate is looked for."""
    return sha256(text.encode("utf-8")).digest()[: SUBJECT_SIZE // 2]


def _counts(ends: array[int], first: int, last: int) -> list[int]:
    return [ends[n + 1] - ends[n] for n in range(first, last)]


def _extend_ends(ends: array[int], counts: Sequence[int]) -> None:
    running = accumulate(counts, initial=ends[-1])
    next(running)
    ends.extend(running)


def _renumbered(column: array[int], numbers: list[int]) -> Iterable[int]:
    """Return a column that names places of its own table as numbers of the whole one."""
    if numbers == list(range(len(numbers))):
        return column
    return map(numbers.__getitem__, column)


def _check_rows(rows: Rows, size: int, count: int) -> None:
    per_operation = (
        rows.chains, rows.seqs, rows.caps, rows.times, rows.parent_counts, rows.source_counts,
    )  # fmt: skip
    fits = rows.first == size and len(rows.digests) == 32 * count
    fits &= len(rows.subjects) == SUBJECT_SIZE * count
    fits &= all(len(column) == count for column in per_operation)
    fits &= sum(rows.parent_counts) == len(rows.parents)
    fits &= sum(rows.source_counts) == len(rows.sources)
    fits &= all(len(cache) in {0, count} for cache in (rows.faults, rows.attested))
    fits &= not count or max(rows.kinds) < len(KINDS)
    fits &= not count or max(rows.chains) < len(rows.chain_table)
    fits &= not count or max(rows.caps) <= len(rows.cap_table)
    for edges in (rows.parents, rows.sources):
        fits &= not edges or max(edges) < size + count
    if not fits:
        raise EncodingError("bad-rows", "the columns of the graph do not fit one another")
