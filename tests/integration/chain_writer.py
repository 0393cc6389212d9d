"""A process that keeps commanding a simulator's file until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from chains import OTHER, SCRIPT, SIGNER, Clock
from lodestamp.core.bitcoin import TxOut
from lodestamp.node.chains import SimulatedChain, Simulator, plan


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    source = SimulatedChain(Simulator.open(Path(sys.argv[1]), Clock(), SCRIPT))
    _say("ready")
    number = 0
    while True:
        number += 1
        paid = plan(source, SIGNER, [TxOut(1_000 + number, OTHER)], 1_000).tx
        _say(f"sent {source.broadcast(paid).hex()}")
        source.mine(1, SCRIPT)
        if number % 3 == 0:
            source.simulator.reorg(2)
        _say(f"tip {source.tip().hash.hex()}")


if __name__ == "__main__":
    main()
