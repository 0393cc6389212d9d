"""A calendar: digests into one durable commitment, answers and all; against the stock tree."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from opentimestamps.core.op import OpAppend, OpSHA256
from opentimestamps.core.timestamp import Timestamp, make_merkle_tree

from benchmarks.table import SEED, Fact, Findings, compare, seconds, timed, trial
from lodestamp.node.anchors import BATCH_MAX, PERIOD_S_MIN, Calendar
from lodestamp.node.anchors.calendar.aggregator import Batch
from lodestamp.node.clock import now_ms
from lodestamp.node.storage import Database


def findings(*, quick: bool) -> Findings:
    """Build the tree of a batch, and take digests up to their durable answers."""
    count = 1_000 if quick else BATCH_MAX
    draw = random.Random(SEED)
    digests = [draw.randbytes(32) for _ in range(count)]
    nonces = [draw.randbytes(16) for _ in range(count)]

    def stock() -> None:
        leaves = []
        for digest, nonce in zip(digests, nonces, strict=True):
            timestamp = Timestamp(digest)
            leaves.append(timestamp.ops.add(OpAppend(nonce)).ops.add(OpSHA256()))
        make_merkle_tree(leaves)

    yield compare(
        f"aggregate {count:,} digests: nonces and tree",
        unit="digest",
        ours=trial(lambda: Batch(digests), count),
        peer="python-opentimestamps 0.4.5",
        theirs=trial(stock, count),
        aim=10,
    )
    yield _durable(digests)


def _durable(digests: list[bytes]) -> Fact:
    """Time digests from being handed in to the last answer, the commitment on disk."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "a.db")
        uri = "https://calendar.example"
        with Calendar.open(database, uri, bytes(32), now_ms, period_s=PERIOD_S_MIN) as calendar:

            def run() -> None:
                futures = [calendar.submit(digest) for digest in digests]
                for each in futures:
                    each.result()

            taken = timed(run, len(digests))
        database.close()
    return Fact(
        f"{len(digests):,} digests, durable and answered: CPU and wall of one, answers a second",
        f"{seconds(taken.cpu)}, {seconds(taken.wall)}, {1 / taken.wall:,.0f}/s",
    )
