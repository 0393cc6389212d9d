"""The provenance graph: a cascade through a million claims, opening a log, asking why."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order
from sqlalchemy import insert

from benchmarks.table import SEED, Fact, Findings, Timing, Trial, compare, seconds, timed, trial
from lodestamp.core.encoding import Digest, address_of_digest
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    KINDS,
    Chain,
    MemorySource,
    Operation,
    ProvenanceGraph,
    Rows,
    Status,
    Sweep,
    build_op,
    refutation,
    sweep,
)
from lodestamp.core.operations.graph.cascade import Counters
from lodestamp.node.recorder import DatabaseGraphSource, accelerated_sweep, save_snapshot, tables
from lodestamp.node.storage import Database

OWNER = SigningKey.from_seed("ed25519", bytes(32))
SOURCES = 3
BATCH = 50_000


class Synthetic(MemorySource):
    """One evidence, then claims that each rest on three earlier operations drawn at random.

    The log is one author's line. A digest is the leaf index, so looking one up costs nothing.
    """

    def __init__(self, size: int) -> None:
        draw = np.random.default_rng(SEED)
        self.size = size
        limits = np.repeat(np.arange(1, size), SOURCES)
        self.sources = (draw.random(len(limits)) * limits).astype(np.uint32)

    def rows(self, after: int) -> Iterator[Rows]:
        """Yield the log in batches."""
        for first in range(after, self.size, BATCH):
            yield self._batch(first, min(self.size, first + BATCH))

    def index_of(self, digest: Digest) -> int | None:
        """Return what the digest spells."""
        index = int.from_bytes(digest, "big")
        return index if index < self.size else None

    def _batch(self, first: int, last: int) -> Rows:
        length = last - first
        start = max(0, first - 1)
        claims = SOURCES * start, SOURCES * (last - 1)
        return Rows(
            first=first,
            digests=b"".join(index.to_bytes(32, "big") for index in range(first, last)),
            kinds=bytes(
                KINDS.index("claim" if index else "evidence") for index in range(first, last)
            ),
            chains=array("I", bytes(4 * length)),
            seqs=array("I", bytes(4 * length)),
            caps=array("I", bytes(4 * length)),
            times=array("q", range(first, last)),
            subjects=bytes(8 * length),
            parent_counts=bytes(index > 0 for index in range(first, last)),
            parents=array("I", range(start, last - 1)),
            source_counts=array("H", [SOURCES * (index > 0) for index in range(first, last)]),
            sources=array("I", self.sources[claims[0] : claims[1]].tobytes()),
            chain_table=(Chain(OWNER.key_id, "bench", 1),),
        )


def findings(*, quick: bool) -> Findings:
    """Cascade, why and cold open over a synthetic log."""
    size = 100_000 if quick else 1_000_000
    source = Synthetic(size)
    before = _resident_mb()
    graph: ProvenanceGraph | None = None

    def load() -> None:
        nonlocal graph
        graph = ProvenanceGraph.load(source, roots=[OWNER.key_id])

    timing = timed(load, 1)
    assert graph is not None
    yield _opening(f"load {size:,} operations from columns", timing, _resident_mb() - before, size)
    yield from _cold_open(graph, size)
    yield from _full_cascades(graph, source, size, rounds=3 if quick else 5)
    yield from _incremental(graph, size)


def _opening(measure: str, timing: Timing, grown_mb: float, size: int) -> Fact:
    share = size / 1_000_000
    text = f"{seconds(timing.cpu)} cpu, {grown_mb:.0f} MB"
    met = timing.cpu < 3 * share and grown_mb < 200 * share + 20
    return Fact(measure, text, "< 3 s, < 200 MB a million", met)


def _cold_open(graph: ProvenanceGraph, size: int) -> Findings:
    """Open the same log from its cache in a database, as a home does."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "log.sqlite")
        with database.writing("preparing") as connection:
            connection.execute(insert(tables.author), {"id": 1, "text": OWNER.key_id})
            connection.execute(insert(tables.node), {"id": 1, "text": "bench"})
            last = {"op_id": (size - 1).to_bytes(32, "big"), "seq": size - 1, "version": 1}
            last |= {"type": "claim", "author_id": 1, "node_id": 1, "ts": 0, "generation": 0}
            connection.execute(insert(tables.operation), {**last, "received_at": 0})
            save_snapshot(connection, graph)
        source = DatabaseGraphSource(database)
        opened: list[ProvenanceGraph] = []
        before = _resident_mb()
        timing = timed(lambda: opened.append(ProvenanceGraph.load(source, roots=[OWNER.key_id])), 1)
        assert bytes(opened[0].statuses()) == bytes(graph.statuses())
        grown = _resident_mb() - before
        yield _opening(f"cold open of {size:,} operations, cached (T10)", timing, grown, size)
        database.close()


def _full_cascades(
    graph: ProvenanceGraph, source: Synthetic, size: int, *, rounds: int
) -> Findings:
    offsets, edges = graph.children.packed()
    ones = np.ones(len(edges))
    children = (np.array(edges, np.int32), np.array(offsets, np.int32))
    matrix = csr_matrix((ones, *children), shape=(size, size))

    def search() -> None:
        reached = breadth_first_order(matrix, 0, return_predecessors=False)
        assert len(reached) == size

    for name, bulk, aim in (
        ("numpy and scipy", accelerated_sweep, 1 / 3),
        ("plain", sweep, 1 / 20),
    ):
        yield compare(
            f"every status of {size:,} claims, {len(source.sources):,} edges, {name} (T5)",
            unit="log",
            ours=_recompute(graph, bulk, size),
            peer="scipy breadth-first search alone",
            theirs=trial(search, 1),
            aim=aim,
            rounds=rounds,
        )


def _recompute(graph: ProvenanceGraph, bulk: Sweep, size: int) -> Trial:
    """Return the trial that computes every status while the first operation lacks authority."""

    def recompute() -> Timing:
        counters = Counters(graph.columns, graph.children)
        timing = timed(lambda: counters.load([(0, Status.UNAUTHORISED)], bulk), 1)
        assert counters.statuses.count(Status.SOURCE_INVALID) == size - 1
        return timing

    return recompute


def _incremental(graph: ProvenanceGraph, size: int) -> Findings:
    writer = _Writer(size)
    late = next(index for index in range(size * 9 // 10, size) if len(graph.children.of(index)) > 1)
    for target, name in ((0, "every claim"), (late, "a late claim")):
        op_id = address_of_digest(target.to_bytes(32, "big"))
        against = writer.refute(op_id)
        for op, verb in ((against, "refute"), (writer.refute(against.op_id), "restore")):
            timing, affected = _add(graph, op)
            limit = 0.002 + affected * 1e-6
            yield Fact(
                f"{verb} what {name} rests on, {affected:,} changes (T5)",
                f"{seconds(timing.cpu)} cpu, {seconds(timing.cpu / affected)} each",
                "≤ 1 µs each + 2 ms",
                timing.cpu <= limit,
            )
            if verb == "refute":
                yield _why(graph, size, op)


def _add(graph: ProvenanceGraph, op: Operation) -> tuple[Timing, int]:
    """Time one addition; return also how many operations it changed."""
    affected: list[int] = []
    timing = timed(lambda: affected.append(len(graph.add(op))), 1)
    return timing, affected[0]


def _why(graph: ProvenanceGraph, size: int, refuter: Operation) -> Fact:
    children = graph.derived(str(refuter.body["target"]))
    last = children[-1]
    answer = graph.why(last)
    assert refuter.op_id in answer.causes
    timing = timed(lambda: graph.why(last), 1)
    text = f"{seconds(timing.cpu)} cpu, a path of {len(answer.path[0])}"
    measure = f"why, {size:,} operations (T5)"
    return Fact(measure, text, "< 5 ms", timing.cpu < 0.005)


class _Writer:
    """Signs refutations on top of the synthetic log."""

    def __init__(self, size: int) -> None:
        self._tip = address_of_digest((size - 1).to_bytes(32, "big"))
        self._times = count(size)

    def refute(self, target: str) -> Operation:
        body = refutation(target=target, reason="bench")
        op = build_op(OWNER, "bench", "refutation", body, [self._tip], next(self._times))
        self._tip = op.op_id
        return op


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6
