"""Processes that keep anchoring on a simulator's file, each killed at a random instant.

One parent imports what they need and forks them, so that the time goes into killing.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from anchoring import anchorer_over, commitment
from chains import OTHER, Clock
from lodestamp.node.chains import SimulatedChain, Simulator
from lodestamp.node.storage import Database


def anchor(folder: Path, number: int, pipe: int) -> None:
    """Anchor, mine and reorganise without end; tell each commitment that was taken."""
    clock = Clock()
    source = SimulatedChain(Simulator.open(folder / "chain.db", clock, OTHER))
    database = Database.open(folder / "anchors.db")
    anchorer = anchorer_over(database, source, clock, [])
    os.write(pipe, b"ready\n")
    while True:
        number += 1
        anchorer.submit(commitment(number))
        os.write(pipe, f"{number}\n".encode())
        anchorer.poll()
        if number % 5 == 0:
            source.mine_with([], OTHER)  # the fee must be raised
            anchorer.poll()
        if number % 7 == 0:
            source.simulator.reorg(2)
            anchorer.poll()
        source.mine(1, OTHER)


def main() -> None:
    """Kill as often as asked, and tell the numbers that were acknowledged."""
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    draw = random.Random("kills of the anchorer")
    last = 0
    for _ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            anchor(folder, last + 1, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            assert told.readline() == b"ready\n"
            time.sleep(draw.uniform(0, 0.3))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            numbers = [int(line) for line in told.read().split(b"\n") if line]
        for number in numbers:
            sys.stdout.write(f"{number}\n")
        last = max([last + 1, *numbers])
        sys.stdout.write("killed\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
