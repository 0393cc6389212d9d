"""The provenance graph of a home, kept in step with its log, whoever writes there.

It is loaded when it is first asked for: from the cache in the database and the rows behind it. Each
time it is asked for again it first takes in what was recorded meanwhile, by this process or
another, so an answer is never older than the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Final

from sqlalchemy import Connection

from lodestamp.core.operations import ProvenanceGraph, parse_op
from lodestamp.errors import LogLockedError, StoreError
from lodestamp.node import recorder
from lodestamp.node.roots import read_roots
from lodestamp.node.storage import Database

CACHE_LAG_MAX: Final = 10_000
"""Operations behind which the cache is written anew: reading that many rows takes half a second."""
RELOAD_LAG_MAX: Final = 50_000
"""Operations behind which loading all at once beats adding one by one."""
_READ_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What a log's state rests on beside its operations."""

    size: int
    roots: tuple[str, ...]
    placed: int

    @classmethod
    def read(cls, connection: Connection) -> _Grounds:
        return cls(
            recorder.read_head(connection).size,
            read_roots(connection),
            recorder.count_positions(connection),
        )


class LiveGraph:
    """Owns the graph and lets one thread in at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._source = recorder.DatabaseGraphSource(database)
        self._lock = RLock()
        self._graph: ProvenanceGraph | None = None
        self._grounds = _Grounds(0, (), 0)

    @contextmanager
    def current(self) -> Iterator[ProvenanceGraph]:
        """Give the graph of everything the log holds now, for as long as the block lasts.

        LogCorrupt when stored bytes are damaged.
        """
        with self._lock:
            yield self._caught_up()

    def keep(self) -> None:
        """Write the cache if it lags far behind what is loaded."""
        with self._lock:
            if self._graph is not None:
                self._keep(self._graph)

    def _caught_up(self) -> ProvenanceGraph:
        with self._database.reading("looking at the log") as connection:
            grounds = _Grounds.read(connection)
        graph = self._graph
        if (
            graph is None
            or self._must_reload(graph, grounds)
            or not self._extend(graph, grounds.size)
        ):
            graph = self._load(grounds)
        self._graph, self._grounds = graph, grounds
        return graph

    def _must_reload(self, graph: ProvenanceGraph, grounds: _Grounds) -> bool:
        """Tell whether the graph stands on other roots or positions, or lies far behind."""
        known = self._grounds
        moved = (grounds.roots, grounds.placed) != (known.roots, known.placed)
        return moved or grounds.size - len(graph) > RELOAD_LAG_MAX

    def _load(self, grounds: _Grounds) -> ProvenanceGraph:
        self._graph = None  # two of a large log need not fit into memory at once
        graph = ProvenanceGraph.load(self._source, roots=grounds.roots, bulk=recorder.best_sweep())
        self._keep(graph)
        return graph

    def _extend(self, graph: ProvenanceGraph, size: int) -> bool:
        """Add what is new; False when a body is gone already, which only loading can place."""
        while len(graph) < size:
            leaves = range(len(graph), min(size, len(graph) + _READ_AT_ONCE))
            with self._database.reading("reading new operations") as connection:
                wires = list(recorder.read_wires(connection, leaves))
            if len(wires) < len(leaves):
                return False
            for wire in wires:
                graph.add(parse_op(wire))
        graph.settled()
        return True

    def _keep(self, graph: ProvenanceGraph) -> None:
        with self._database.reading("looking at the graph's cache") as connection:
            lag = len(graph) - recorder.snapshot_size(connection)
        if lag < CACHE_LAG_MAX:
            return
        try:
            with self._database.writing("keeping the graph") as connection:
                recorder.save_snapshot(connection, graph)
        except (LogLockedError, StoreError):
            return  # it is a cache: a question must not fail for it
