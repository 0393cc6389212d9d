"""Adding content as kubo does, both as programs: what a person pays, start-up included."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.table import SEED, Fact, Findings, Row, Timing, compare

MIB = 1 << 20
_OPTIONS = {
    "unixfs-v1-2025": ["--cid-version=1", "--chunker=size-1048576", "--max-file-links=1024"],
    "unixfs-v0-2015": [],
}
"""What makes kubo give the CIDs of each profile."""


def findings(*, quick: bool) -> Findings:
    """Add a file of 1 GiB (256 MiB when quick), only hashed and stored."""
    program = _kubo()
    if program is None:
        yield Fact("kubo add", "kubo is absent: `make engines`")
        return
    size = (256 if quick else 1024) * MIB
    with tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as name:
        folder = Path(name)
        path = folder / "content"
        draw = random.Random(SEED)
        with path.open("wb") as file:
            for _ in range(size // MIB):
                file.write(draw.randbytes(MIB))
        for profile in _OPTIONS:
            yield _row(program, path, profile, only_hash=True)
        yield _row(program, path, "unixfs-v1-2025", only_hash=False)


def _row(program: str, path: Path, profile: str, *, only_hash: bool) -> Row:
    folder, size = path.parent, path.stat().st_size
    hashed = ["--only-hash"] if only_hash else []
    printed: set[str] = set()
    ours = [sys.executable, "-m", "lodestamp", "--home", "{}", "content", "add", "-q"]
    ours += ["--profile", profile, *hashed, str(path)]
    theirs = [program, "add", "-Q", "--pin=false", *_OPTIONS[profile], *hashed, str(path)]
    row = compare(
        f"add of {size // MIB:,} MiB, {profile}{', only hashed' if only_hash else ', stored'}",
        unit="MiB",
        ours=_running(ours, folder, size, printed),
        peer="kubo, offline",
        theirs=_running(theirs, folder, size, printed),
        aim=1.6 if only_hash else None,
        rounds=3,
    )
    assert len(printed) == 1, printed
    return row


def _running(
    command: Sequence[str], folder: Path, size: int, printed: set[str]
) -> Callable[[], Timing]:
    """Return a trial: the program in a fresh place of its own; its CPU is that of the child."""

    def run() -> Timing:
        fresh = Path(tempfile.mkdtemp(dir=folder))
        environment = {**os.environ, "IPFS_PATH": str(fresh), "LODESTAMP_HOME": str(fresh)}
        arguments = [each.replace("{}", str(fresh / "home")) for each in command]
        if command[0] != sys.executable:
            _call([command[0], "init", "--profile=test"], environment)
        os.sync()
        before, start = _children(), time.perf_counter()
        said = _call(arguments, environment)
        timing = Timing(
            (_children() - before) * MIB / size, (time.perf_counter() - start) * MIB / size
        )
        printed.add(said.split()[0])
        shutil.rmtree(fresh)
        return timing

    return run


def _call(arguments: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603
        arguments, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def _children() -> float:
    """Return the CPU seconds of all children that ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _kubo() -> str | None:
    """Return the program: LODESTAMP_KUBO, else ./.engines/bin, else PATH."""
    built = Path(__file__).resolve().parent.parent / ".engines" / "bin" / "ipfs"
    named = os.environ.get("LODESTAMP_KUBO")
    return named or (str(built) if built.is_file() else shutil.which("ipfs"))
