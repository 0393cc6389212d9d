"""A process that runs one flow and kills itself at a chosen effect, before it or after it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flow_homes import World

POINTS = ("save", "add_intents", "mark", "insert")
CHAIN_POINTS = ("broadcast",)


class Fuse:
    """Counts effects and ends the process, as kill -9 does, when its number comes up."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return an effect with an instant before and one after it."""

        def acting(*args: Any, **more: Any) -> Any:
            self.tick()
            done = act(*args, **more)
            self.tick()
            return done

        return acting

    def tick(self) -> None:
        """Pass one instant."""
        self.count += 1
        if self.count == self.number:
            os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, number: int, content: bytes) -> dict[str, Any]:
    """Run, or take up, the flow of a folder; the fuse burns at effect `number`, 0 for never."""
    world = World(folder)
    fuse = Fuse(number)
    for name in POINTS:
        setattr(world.store, name, fuse.around(getattr(world.store, name)))
    for name in CHAIN_POINTS:
        setattr(world.source, name, fuse.around(getattr(world.source, name)))
    world.source.simulator.mine = fuse.around(world.source.simulator.mine)
    try:
        made = world.runner.create_flow_packet(content, {}, idempotency_key="one")
        result = world.orchestrator.resume(made.packet.packet_id)
        data = result["result"]["verification_data"]
        funding = data["bitcoin_covenant"]["funding"]["txid"]
        spent = world.source.block_hash(data["spend"]["height"])
        return {
            "effects": fuse.count,
            "success": result["success"],
            "error": result["error"],
            "legs": {leg["name"]: leg["status"] for leg in data["report"]["legs"]},
            "cid": data["ipfs_cid"],
            "composite": data["composite_hash"],
            "kind": data["bitcoin_covenant"]["kind"],
            "fundings": len(world.store.intents(made.packet.packet_id, "funding")),
            "paid": len(world.source.utxos_of(bytes.fromhex(
                data["bitcoin_covenant"]["script_pubkey"]))),
            "on_chain": spent is not None and funding != "",
            "findings": [each.as_json() for each in world.findings()],
        }  # fmt: skip
    finally:
        world.close()


def forked(folder: Path, number: int, content: bytes) -> dict[str, Any] | None:
    """Run in a child; None when the child was killed."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            told.write_text(json.dumps(run(folder, number, content)))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert status == 0, status
    found: dict[str, Any] = json.loads(told.read_text())
    return found


def grow(folder: Path) -> None:
    """Make the chain that every run begins with; in a child, since SQLite does not like forks."""
    child = os.fork()
    if child == 0:
        World(folder).close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def copy_home(folder: Path, home: Path) -> None:
    """Begin a home with what `grow` made."""
    for name in ("chain.db", "a.db"):
        shutil.copy(folder / name, home)


def main() -> None:
    """Write one line of JSON per effect: what a flow killed there came to when it was resumed."""
    folder, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    content = b"content that is shown"
    clean = folder / "clean"
    clean.mkdir()
    grow(folder)
    copy_home(folder, clean)
    whole = forked(clean, 0, content)
    assert whole is not None
    sys.stdout.write(json.dumps({"at": 0, "killed": False, "told": whole}) + "\n")
    for number in range(first, whole["effects"] + 1, step):
        home = folder / str(number)
        home.mkdir()
        copy_home(folder, home)
        killed = forked(home, number, content) is None
        told = forked(home, 0, content)
        line = json.dumps({"at": number, "killed": killed, "told": told})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
