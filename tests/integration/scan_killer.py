"""Kill a scan again and again until it ends by itself; print the hashes of both kinds of scan."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lodestamp.core.ownership import Rules, balances_hash
from lodestamp.node.chains import MemoryChain
from lodestamp.node.scanner import MemoryStore, SqlStore, StateEngine, scanning
from scans import busy_blocks

KILLS = 100
BLOCKS = 600


def main(folder: Path) -> None:
    """Scan once unbroken, once through kills."""
    raws, rules, draw = busy_blocks(BLOCKS), Rules.strict("regtest"), random.Random(7)
    unbroken = MemoryStore()
    StateEngine(MemoryChain(raws), unbroken, rules).scan_from()
    url = f"sqlite:///{folder}/own.db"
    scanning.BULK_BLOCKS_MAX = 3
    SqlStore(url).close()
    kills, pace_s = 0, _pace_s(f"sqlite:///{folder}/pace.db", raws, rules)
    while kills < KILLS:
        child = os.fork()
        if not child:
            _scan(url, raws, rules)
        time.sleep(draw.uniform(0.0, 2 * pace_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if os.WIFEXITED(status):
            break
    store = SqlStore(url)
    before = store.tip()
    StateEngine(MemoryChain(raws), store, rules).scan_from()
    sys.stdout.write(
        json.dumps(
            {
                "kills": kills,
                "height": before.height if before else 0,
                "broken": _everything(store),
                "unbroken": _everything(unbroken),
            }
        )
    )


def _pace_s(url: str, raws: list[bytes], rules: Rules) -> float:
    """Return the seconds that a child takes to its first commit, so that kills fall around it."""
    SqlStore(url).close()
    begun = time.monotonic()
    child = os.fork()
    if not child:
        StateEngine(MemoryChain(raws), SqlStore(url), rules).scan_from(to_block_height=3)
        os._exit(0)
    os.waitpid(child, 0)
    return time.monotonic() - begun


def _scan(url: str, raws: list[bytes], rules: Rules) -> None:
    code = 1
    try:
        engine = StateEngine(MemoryChain(raws), SqlStore(url), rules)
        while True:  # so that there is always more to be killed in
            engine.scan_from()
            engine.reindex_from(1 + BLOCKS // 2)
    finally:
        os._exit(code)


def _everything(store) -> list[str]:
    state, tip = store.load_state(), store.tip()
    return [tip.state_hash.hex(), balances_hash(state).hex(), str(store.counts())]


main(Path(sys.argv[1]))
