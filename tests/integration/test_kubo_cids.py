"""Our CIDs against those of kubo itself, offline (content spec §11, §13, R33).

``LODESTAMP_KUBO`` names the binary; else ``.engines/bin/ipfs``, else PATH.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from engines import find_engine
from lodestamp.core.content import LayoutName, get_profile, parse_chunker
from lodestamp.node.blocks import TreeOptions
from lodestamp.node.stamping import address_path

pytestmark = pytest.mark.engine

FLAGS = {
    "unixfs-v1-2025": ["--cid-version=1", "--chunker=size-1048576", "--max-file-links=1024"],
    "unixfs-v0-2015": [],
    "legacy-cidv1": ["--cid-version=1"],
    "legacy-cidv1-dagpb": ["--cid-version=1", "--raw-leaves=false"],
    "legacy-cidv0-raw": ["--raw-leaves"],
    "covenant-8-512": ["--cid-version=1", "--chunker=size-512", "--max-file-links=8"],
}
CHUNKERS = [
    "buzhash",
    "rabin",
    "rabin-5000",
    "rabin-1000-4000-9000",
    "rabin-min:64-avg:300-max:1000",
]
FILES_PER_CHUNKER = 20
ONLY_HASH = "--only-hash"
"""Not with metadata: kubo 0.42 cannot add a folder with modes without keeping its blocks."""


@pytest.fixture(scope="module")
def add(tmp_path_factory):
    """Return what adds a path with kubo, into a repository of its own and without a daemon."""
    binary = find_engine("kubo")
    environment = {**os.environ, "IPFS_PATH": str(tmp_path_factory.mktemp("kubo"))}

    def call(*words):
        done = subprocess.run(
            [binary, *words], env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    call("init", "--profile=test")
    return lambda path, *flags: call("add", "-rq", *flags, str(path))


def write(path, size, seed):
    """Write bytes that do not repeat, or repeat every 50,000, or are zeros."""
    draw = random.Random(seed)
    kind = seed % 3
    data = draw.randbytes(size) if kind == 0 else bytes(size)
    if kind == 1:
        data = (draw.randbytes(50_000) * (size // 50_000 + 1))[:size]
    path.write_bytes(data)


def test_files_have_kubos_cids_in_six_profiles_and_both_layouts(add, tmp_path):
    draw = random.Random(1)
    sizes = [0, 1, 262_144, 262_145, 1_048_576, 1_048_577, 4096, 4097]
    sizes += [draw.randrange(3_000_000) for _ in range(12)]
    for number, size in enumerate(sizes):
        write(tmp_path / f"{number:03}", size, number)
    paths = sorted(tmp_path.iterdir())
    for name, flags in FLAGS.items():
        for layout in LayoutName:
            profile = get_profile(name)
            if layout == LayoutName.TRICKLE:
                profile = profile.override(layout=layout)
            more = ["--trickle"] if layout == LayoutName.TRICKLE else []
            theirs = add(tmp_path, ONLY_HASH, *flags, *more)[:-1]
            ours = [str(address_path(path, profile=profile).root.cid) for path in paths]
            assert ours == theirs, name


@pytest.mark.parametrize("chunker", CHUNKERS)
def test_R33_each_experimental_chunker_agrees_on_twenty_files(add, tmp_path, chunker):
    edges = [0, 15, 16, 17, 131_071, 131_072, 131_073, 524_288, 524_289]
    draw = random.Random(chunker)
    sizes = edges + [draw.randrange(1_500_000) for _ in range(FILES_PER_CHUNKER - len(edges))]
    for number, size in enumerate(sizes):
        write(tmp_path / f"{number:03}", size, number)
    profile = get_profile("unixfs-v0-2015").override(
        chunker=parse_chunker(chunker, experimental=True)
    )
    paths = sorted(tmp_path.iterdir())
    ours = [str(address_path(path, profile=profile).root.cid) for path in paths]
    assert ours == add(tmp_path, ONLY_HASH, f"--chunker={chunker}")[:-1]
    assert len(ours) == FILES_PER_CHUNKER


def grow(folder: Path, draw: random.Random) -> None:
    """Make a tree of files, folders, empty ones too, symlinks and hidden entries."""
    folders = [folder]
    for number in range(draw.randrange(1, 40)):
        parent = draw.choice(folders)
        name = draw.choice(["", ".", "é", "日本", "a b", "%41"]) + f"n{number}"
        match draw.randrange(5):
            case 0:
                (parent / name).mkdir()
                folders.append(parent / name)
            case 1:
                (parent / name).symlink_to(draw.choice(["..", "n1", "/nowhere", "a/b"]))
            case _:
                (parent / name).write_bytes(draw.randbytes(draw.choice([0, 1, 1000, 300_000])))


def test_twenty_trees_have_kubos_cids(add, tmp_path):
    """R55: hidden entries only when asked for, empty folders, raw targets."""
    for seed in range(20):
        folder = tmp_path / f"tree-{seed}"
        folder.mkdir()
        grow(folder, random.Random(seed))
        for name in ("unixfs-v1-2025", "unixfs-v0-2015", "legacy-cidv0-raw"):
            for hidden in (False, True):
                more = ["--hidden"] if hidden else []
                ours = address_path(folder, profile=name, tree=TreeOptions(hidden=hidden)).root
                assert str(ours.cid) == add(folder, ONLY_HASH, *FLAGS[name], *more)[-1]


def test_R24_modes_and_times_have_kubos_cids(add, tmp_path):
    for number, size in enumerate([0, 5, 262_144, 700_000]):
        path = tmp_path / f"{number}"
        write(path, size, number)
        path.chmod([0o640, 0o4755, 0o600, 0o777][number])
        os.utime(path, ns=(0, 1_600_000_000_000_000_000 + number * 7))
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "d" / "f").write_bytes(b"x")
    (tmp_path / "l").symlink_to("0")
    for flags, options in (
        (["--preserve-mode"], TreeOptions(mode=True)),
        (["--preserve-mtime"], TreeOptions(mtime=True)),
        (["--preserve-mode", "--preserve-mtime"], TreeOptions(mode=True, mtime=True)),
    ):
        for name in ("unixfs-v0-2015", "legacy-cidv1-dagpb"):
            ours = address_path(tmp_path, profile=name, tree=options).root
            assert str(ours.cid) == add(tmp_path, *FLAGS[name], *flags)[-1], flags


def test_a_large_folder_has_kubos_cid(add, tmp_path):
    """R51-R53: sharded by kubo's own threshold."""
    for number in range(6000):
        (tmp_path / f"file-{number:06}-é").write_bytes(b"%d" % number)
    for name in ("unixfs-v0-2015", "legacy-cidv1"):
        ours = address_path(tmp_path, profile=name).root
        assert str(ours.cid) == add(tmp_path, ONLY_HASH, *FLAGS[name])[-1]
