"""A child that adds one long pseudo-random stream, to be killed: FOLDER SIZE_MIB."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from lodestamp.core.content import get_profile
from lodestamp.node.blocks import Adder, BlockStore
from lodestamp.node.storage import Database

MIB = 1 << 20


def content(size_mib: int) -> Iterator[bytes]:
    """Cheap bytes in which no two chunks are equal, the same in every process."""
    tile = bytes(range(256)) * 4096
    for number in range(size_mib):
        yield number.to_bytes(16, "big") + tile[16:]


def say(text: str) -> None:
    """Tell the parent, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    database = Database.open(folder / "a.db")
    store = BlockStore.open(folder / "blocks", database)
    say("started")
    adder = Adder(store, get_profile("unixfs-v1-2025"))
    (added,) = adder.add([Path("-")], stream=content(size))
    say(f"{added.root.cid} {added.new_blocks}")
