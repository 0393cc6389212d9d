"""Homes that sync: of one origin, each naming the others' keys as peers."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path

import lodestamp
from homes import assert_clean, reading
from listeners import served
from lodestamp.node.keyring import AUTHOR_KEY, load_key

ORIGIN = "example.org/shared"


class Pair:
    """Homes of one origin that name each other's keys as peers; all pin the same roots or own."""

    def __init__(
        self, stack: ExitStack, folder: Path, names: str, *, listen: bool, one_owner: bool
    ):
        self.homes = [folder / name for name in names]
        for home in self.homes:
            with lodestamp.open(home, origin=ORIGIN):
                pass
        keys = [load_key(home / "keys", AUTHOR_KEY) for home in self.homes]
        for home, own in zip(self.homes, keys, strict=True):
            others = [key.key_id for key in keys if key is not own]
            (home / "config.toml").write_text(
                f'node = "{home.name}"\npeers = {json.dumps(others)}\n'
            )
        roots = [key.key_id for key in keys] if one_owner else None
        self.nodes = [stack.enter_context(lodestamp.open(home, roots=roots)) for home in self.homes]
        listening = self.nodes if listen else []
        self.served = [stack.enter_context(served(node)) for node in listening]
        self.keys = keys


@contextmanager
def pair(folder: Path, names: str = "ab", *, listen: bool = True, one_owner: bool = False):
    with ExitStack() as stack:
        made = Pair(stack, folder, names, listen=listen, one_owner=one_owner)
        yield made
    for home in made.homes:
        assert_clean(home)


def ids(node) -> list[str]:
    """Every op id of a node, ascending."""
    found, after = [], -1
    while after is not None:
        wires, after = node.peers.page(after, 500)
        found += [json.loads(wire)["op_id"] for wire in wires]
    return sorted(found)


def write(node, count: int, first: int = 0) -> None:
    """Record some evidence of the node's own."""
    futures = [node.record_future(**reading(n)) for n in range(first, first + count)]
    for future in futures:
        future.result()
