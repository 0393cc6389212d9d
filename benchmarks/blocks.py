"""Keeping and passing on content: the store against a plain copy, a CAR against plain SHA-256."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.table import SEED, Fact, Findings, Timing, compare, timed
from lodestamp.core.content import DEFAULT, ContentPath, car, get_profile
from lodestamp.node.blocks import Adder, BlockStore, export_blocks
from lodestamp.node.storage import Database

MIB = 1 << 20
PEAK_MIB_MAX = 200
"""What an add may take in memory, whatever the file's size."""


def findings(*, quick: bool) -> Findings:
    """Add a file of 1 GiB (128 MiB when quick), export it as a CAR, and read that."""
    size = (128 if quick else 1024) * MIB
    with tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as name:
        folder = Path(name)
        path = folder / "content"
        draw = random.Random(SEED)
        with path.open("wb") as file:
            for _ in range(size // MIB):
                file.write(draw.randbytes(MIB))
        yield compare(
            f"add of {size // MIB:,} MiB to the store, durable",
            unit="MiB",
            ours=lambda: _adding(path, folder, size),
            peer="cp and sync",
            theirs=lambda: _copying(path, folder, size),
            aim=0.6,
            rounds=3,
            clock="wall",
        )
        yield _peak(path, folder / "peak")
        exported = folder / "content.car"
        _export(path, folder / "kept", exported)
        yield compare(
            f"read of a CAR of {size // MIB:,} MiB, every hash checked",
            unit="MiB",
            ours=lambda: timed(lambda: _read_car(exported), size // MIB),
            peer="hashlib.sha256, same reads",
            theirs=lambda: timed(lambda: _sha256(exported), size // MIB),
            aim=0.80,
            rounds=3,
        )


def _adding(path: Path, folder: Path, size: int) -> Timing:
    """Time an add to an empty store that is open already, with nothing left to write before."""
    fresh = Path(tempfile.mkdtemp(dir=folder))
    database = Database.open(fresh / "index.db")
    adder = Adder(BlockStore.open(fresh / "blocks", database), get_profile(DEFAULT))
    os.sync()
    timing = timed(lambda: list(adder.add([path])), size // MIB)
    database.close()
    assert sum(each.stat().st_size for each in fresh.glob("blocks/packs/*")) > size
    shutil.rmtree(fresh)
    return timing


_CHILD = """
import sys
from pathlib import Path
import lodestamp
with lodestamp.open(sys.argv[2]) as node:
    node.add([sys.argv[1]])
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM:"):
        print(line.split()[1])
"""


def _peak(path: Path, home: Path) -> Fact:
    """Add the file in a process of its own and ask the kernel for its peak memory."""
    measure = "… peak memory of a process that does it"
    if not Path("/proc/self/status").exists():
        return Fact(measure, "unknown here")
    command = [sys.executable, "-c", _CHILD, str(path), str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    shutil.rmtree(home)
    peak = int(done.stdout) / 1024
    return Fact(measure, f"{peak:.0f} MiB", aim=f"≤ {PEAK_MIB_MAX}", is_met=peak <= PEAK_MIB_MAX)


def _copying(path: Path, folder: Path, size: int) -> Timing:
    fresh = Path(tempfile.mkdtemp(dir=folder))
    os.sync()
    timing = timed(lambda: _copy(path, fresh), size // MIB)
    shutil.rmtree(fresh)
    return timing


def _copy(path: Path, fresh: Path) -> None:
    with path.open("rb") as source, (fresh / "copy").open("wb") as target:
        shutil.copyfileobj(source, target, MIB)
        target.flush()
        os.fsync(target.fileno())


def _export(path: Path, kept: Path, exported: Path) -> None:
    kept.mkdir()
    database = Database.open(kept / "index.db")
    store = BlockStore.open(kept / "blocks", database)
    (added,) = Adder(store, get_profile(DEFAULT)).add([path])
    blocks = export_blocks(store, ContentPath(added.root.cid))
    with exported.open("wb") as file:
        for piece in car.write_v1([added.root.cid], blocks):
            file.write(piece)
    database.close()


def _read_car(path: Path) -> int:
    with path.open("rb") as file:
        return sum(len(block.data) for block in car.read(file))


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    buffer = bytearray(MIB)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            state.update(view[:count])
    return state.hexdigest()
