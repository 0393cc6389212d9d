"""The durable log: appending to it and proving from it, against pymerkle's tree in SQLite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pymerkle

from benchmarks.merkle import log_entries
from benchmarks.table import SEED, Findings, Row, Timing, compare, timed, trial
from lodestamp.core.encoding import Digest
from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import NoteSigner
from lodestamp.node.recorder import Log, create, inclusion
from lodestamp.node.storage import Database

BATCH = 1_000
"""Entries of one commit: the recorder's own limit."""
SMALL_BATCH = 256
"""Entries of a commit under middling load."""

NOW_MS = 1_735_700_000_000


class OurLog:
    """A log in a database of its own, written batch by batch as the recorder does."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.open(folder / "ours.sqlite")
        signer = NoteSigner("bench.example/log", SigningKey.from_seed("ed25519", bytes(32)))
        with self.database.writing("creating") as connection:
            create(connection, signer, NOW_MS)
            self.log = Log.load(connection, signer)

    def append(self, batches: Sequence[Sequence[Digest]]) -> None:
        """Append each batch in a transaction of its own, which is on disk when it returns."""
        for batch in batches:
            with self.database.writing("appending") as connection:
                log = self.log.catch_up(connection).extend(connection, batch, NOW_MS)
            self.log = log


def findings(*, quick: bool) -> Findings:
    """Append in batches of 1,000, then prove inclusion from both stores at 2^20 leaves."""
    yield _singles(SMALL_BATCH, quick=quick)
    yield _singles(BATCH, quick=quick)
    yield _bulk(quick=quick)
    yield from _proving(1 << (16 if quick else 20), quick=quick)


@contextmanager
def _stores() -> Iterator[tuple[OurLog, pymerkle.SqliteTree]]:
    """Open both stores, empty, in one temporary folder."""
    with tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as name:
        ours = OurLog(Path(name))
        tree = pymerkle.SqliteTree(str(Path(name) / "pymerkle.sqlite"))
        mode = tree.con.execute("PRAGMA synchronous").fetchone()
        assert mode == 2, "both sides commit with synchronous=FULL"
        try:
            yield ours, tree
        finally:
            tree.close()
            ours.database.close()


def _batches(entries: Sequence[bytes], batch: int = BATCH) -> list[list[Digest]]:
    digests = [Digest(entry[4:]) for entry in entries]
    return [digests[at : at + batch] for at in range(0, len(digests), batch)]


def _singles(batch: int, *, quick: bool) -> Row:
    """Ours in batches against one commit for each entry, on the wall's clock."""
    count, sample = (10_000, 50) if quick else (50_000, 200)
    entries = log_entries(count)

    def ours() -> Timing:
        with _stores() as (log, _):
            batches = _batches(entries, batch)
            return timed(lambda: log.append(batches), count)

    def theirs() -> Timing:
        with _stores() as (_, tree):
            return timed(lambda: [tree.append_entry(each) for each in entries[:sample]], sample)

    return compare(
        f"durable append, in commits of {batch:,}",
        unit="leaf",
        ours=ours,
        peer=f"pymerkle SqliteTree, {sample} singly",
        theirs=theirs,
        aim=1_000,
        rounds=3,
        clock="wall",
    )


def _bulk(*, quick: bool) -> Row:
    """Both in batches of 1,000 and a root after each; ours signs it, too."""
    count = 20_000 if quick else 100_000
    entries = log_entries(count)

    def ours() -> Timing:
        with _stores() as (log, _):
            batches = _batches(entries)
            return timed(lambda: log.append(batches), count)

    def theirs() -> Timing:
        def append_all() -> None:
            for at in range(0, count, BATCH):
                tree.append_entries(entries[at : at + BATCH])
                tree.get_root()

        with _stores() as (_, tree):
            return timed(append_all, count)

    return compare(
        "durable append with root, in commits of 1,000",
        unit="leaf",
        ours=ours,
        peer="pymerkle SqliteTree, the same",
        theirs=theirs,
        aim=1 / 1.3,
        rounds=3 if quick else 5,
    )


def _proving(size: int, *, quick: bool) -> Findings:
    """Prove scattered leaves from both stores.

    pymerkle keeps the roots of subtrees it has computed, 1 GiB of them: it is measured on the first
    proofs after opening, and again when a thousand others have filled that cache. Ours keeps only
    the inner levels of 256 tiles. The last peer keeps every node in memory and nothing on disk.
    """
    entries = log_entries(size)
    draw = Random(SEED)
    scattered = [draw.randrange(size) for _ in range(300 if quick else 1_000)]
    few = scattered[:8]
    with _stores() as (log, tree):
        log.append(_batches(entries))
        tree.append_entries(entries)
        assert tree.get_root() == log.log.head.root
        _assert_equal_paths(log, tree, few)

        def ours() -> Timing:
            def prove() -> None:
                for at in scattered:
                    with log.database.reading("proving") as connection:
                        inclusion(connection, at)

            return timed(prove, len(scattered))

        def first() -> Timing:
            tree.cache_clear()
            return timed(lambda: [tree.prove_inclusion(at + 1) for at in few], len(few))

        def later() -> Timing:
            return timed(lambda: [tree.prove_inclusion(at + 1) for at in scattered], len(scattered))

        measure = "inclusion proof and root from the store, scattered leaves"
        yield compare(
            measure,
            unit="proof",
            ours=ours,
            peer=f"pymerkle SqliteTree, first {len(few)}",
            theirs=first,
            aim=1_000,
            rounds=3,
        )
        for at in scattered:
            tree.prove_inclusion(at + 1)
        yield compare(
            measure,
            unit="proof",
            ours=ours,
            peer="pymerkle SqliteTree, cache full",
            theirs=later,
            rounds=3,
        )
        memory = pymerkle.InmemoryTree()
        memory.append_entries(entries)
        yield compare(
            measure,
            unit="proof",
            ours=ours,
            peer="pymerkle InmemoryTree",
            theirs=trial(
                lambda: [memory.prove_inclusion(at + 1) for at in scattered], len(scattered)
            ),
            aim=5,
            rounds=3,
        )


def _assert_equal_paths(log: OurLog, tree: pymerkle.SqliteTree, indexes: Sequence[int]) -> None:
    with log.database.reading("comparing") as connection:
        for at in indexes:
            proof, _ = inclusion(connection, at)
            assert list(proof.hashes) == tree.prove_inclusion(at + 1).path[1:]
