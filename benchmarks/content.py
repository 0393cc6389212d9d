"""Stamping files and folders: addresses against plain SHA-256, and what small files cost."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.table import SEED, Fact, Findings, Timing, compare, timed
from lodestamp.core.content import (
    DEFAULT,
    File,
    Profile,
    address_directory,
    address_file,
    get_profile,
)
from lodestamp.node.blocks import SourceFile

MIB = 1 << 20
PEAK_MIB_MAX = 200
"""What stamping may take in memory, whatever the file's size."""


def findings(*, quick: bool) -> Findings:
    """Address a file of 1 GiB (128 MiB when quick) under both public profiles."""
    size = (128 if quick else 1024) * MIB
    with tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as folder:
        path = Path(folder) / "content"
        _write(path, size)
        for name, aim in ((DEFAULT, 0.90), ("unixfs-v0-2015", 0.75)):
            profile = get_profile(name)
            yield compare(
                f"address of {size // MIB:,} MiB, {profile.name}",
                unit="MiB",
                ours=_trial(path, size, lambda path, profile=profile: _address(path, profile)),  # type: ignore[misc]
                peer="hashlib.sha256, same reads",
                theirs=_trial(path, size, _sha256),
                aim=aim,
                rounds=3,
            )
        yield _peak(path)
    yield from _small_files(quick=quick)


def _small_files(*, quick: bool) -> Findings:
    """Address one-byte files, a HAMT of 20,000 entries, and a folder of a million.

    The peers named in the plan, hashberg's `multiformats` and the JavaScript importer, are no
    dependencies of ours and mostly absent; a rate says what there is to say without them.
    """
    profile = get_profile(DEFAULT)
    count = 10_000 if quick else 100_000
    content = [bytes((number % 256,)) for number in range(256)]
    spent = timed(
        lambda: [address_file((content[number % 256],), profile) for number in range(count)], 1
    )
    yield Fact(f"addresses of {count:,} one-byte files", f"{count / spent.cpu:,.0f} per second")
    spent = timed(lambda: address_directory(_files(20_000), profile), 1)
    yield Fact("… of a HAMT of 20,000 such files", f"{20_000 / spent.cpu:,.0f} per second")
    if not quick:
        text = _child(_FOLDER_CHILD, "1000000")
        peak = int(text) / 1024
        met = peak <= PEAK_MIB_MAX
        measure = "… of a folder of 1,000,000 such files: peak memory"
        yield Fact(measure, f"{peak:.0f} MiB", aim=f"≤ {PEAK_MIB_MAX}", is_met=met)


def _files(count: int) -> Iterator[File]:
    """Yield one-byte files, one after the other."""
    return (File((b"file-%07d" % number,), (b"x",)) for number in range(count))


def _write(path: Path, size: int) -> None:
    """Write bytes that neither repeat nor compress, 1 MiB at a time."""
    draw = random.Random(SEED)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(draw.randbytes(MIB))


def _trial(path: Path, size: int, work: Callable[[Path], object]) -> Callable[[], Timing]:
    return lambda: timed(lambda: work(path), size // MIB)


def _address(path: Path, profile: Profile) -> str:
    with SourceFile.open(path) as source:
        return str(address_file(source.pieces(), profile).cid)


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    buffer = bytearray(MIB)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            state.update(view[:count])
    return state.hexdigest()


_CHILD = """
import sys
from pathlib import Path
from lodestamp.core.content import DEFAULT, address_file, get_profile
from lodestamp.node.blocks import SourceFile
with SourceFile.open(Path(sys.argv[1])) as source:
    address_file(source.pieces(), get_profile(DEFAULT))
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM:"):
        print(line.split()[1])
"""


_FOLDER_CHILD = """
import sys
from pathlib import Path
from lodestamp.core.content import DEFAULT, File, address_directory, get_profile
files = (File((b"file-%07d" % number,), (b"x",)) for number in range(int(sys.argv[1])))
address_directory(files, get_profile(DEFAULT))
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM:"):
        print(line.split()[1])
"""


def _child(program: str, argument: str) -> str:
    """Run a program in a process of its own and return what it prints."""
    command = [sys.executable, "-c", program, argument]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def _peak(path: Path) -> Fact:
    """Address the file in a process of its own and ask the kernel for its peak memory.

    VmHWM, not ``ru_maxrss``: a child inherits the latter from the process that started it.
    """
    measure = "… peak memory of a process that does it"
    if not Path("/proc/self/status").exists():
        return Fact(measure, "unknown here")
    peak = int(_child(_CHILD, str(path))) / 1024
    return Fact(measure, f"{peak:.0f} MiB", aim=f"≤ {PEAK_MIB_MAX}", is_met=peak <= PEAK_MIB_MAX)
