"""Run the benchmarks: `python -m benchmarks [room…] [--quick]`."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import (
    bitcoin,
    bitcoin_chain,
    blocks,
    calendar,
    content,
    encoding,
    gateway,
    graph,
    ingest,
    kubo,
    machine,
    merkle,
    operations,
    ownership,
    proof,
    recorder,
    sync,
    timestamps,
    transparency,
)
from benchmarks.table import SEED, heading, line

ROOMS = {
    "merkle": merkle.findings,
    "encoding": encoding.findings,
    "operations": operations.findings,
    "graph": graph.findings,
    "content": content.findings,
    "blocks": blocks.findings,
    "gateway": gateway.findings,
    "kubo": kubo.findings,
    "calendar": calendar.findings,
    "bitcoin": bitcoin.findings,
    "chain": bitcoin_chain.findings,
    "ownership": ownership.findings,
    "recorder": recorder.findings,
    "ingest": ingest.findings,
    "proof": proof.findings,
    "sync": sync.findings,
    "timestamps": timestamps.findings,
    "transparency": transparency.findings,
}


def main() -> int:
    """Print the table. An aim missed is printed, not an error; a wrong result is an assertion."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="ratios against named peers")
    parser.add_argument("rooms", nargs="*", metavar="room", help=", ".join(ROOMS))
    parser.add_argument("--quick", action="store_true", help="smaller inputs, fewer rounds")
    options = parser.parse_args()
    unknown = set(options.rooms) - ROOMS.keys()
    if unknown:
        parser.error(f"no such room: {', '.join(sorted(unknown))}")

    started = time.monotonic()
    print(machine.describe())
    print(f"seed: {SEED}" + ("   (quick: smaller inputs, rougher figures)" * options.quick))
    print(f"\n{heading()}", flush=True)
    missed = count = 0
    for room in options.rooms or ROOMS:
        for finding in ROOMS[room](quick=options.quick):
            print(line(finding), flush=True)
            count += finding.is_met is not None
            missed += finding.is_met is False
    took = time.monotonic() - started
    print(f"\n{count - missed} of {count} aims met, {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
