"""Carrying whole DAGs between stores: pull from a gateway or a kubo, push into a kubo (R119, R121).

A DAG arrives as a CAR. Only blocks that something above them links to are kept, so that a sender
cannot fill the store with others; what the CAR lacks is then asked for block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lodestamp.core.content import (
    OUTPUT_BYTES_MAX,
    STEPS_MAX,
    Block,
    car,
    has_links,
    links,
    walk,
)
from lodestamp.core.encoding import Cid, JsonObject
from lodestamp.errors import ContentError, LimitExceeded, RemoteError
from lodestamp.node.blocks.kubo import KuboClient
from lodestamp.node.blocks.pins import Pin
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.blocks.writer import BlockWriter
from lodestamp.node.progress import Progress

GiveDag = Callable[[Cid], AbstractContextManager[Iterator[Block]]]
"""Gives the blocks of a DAG as they come in, each checked against its own CID."""
GiveBlock = Callable[[Cid], bytes]
"""Gives one block, checked against its CID."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A DAG that arrived: its blocks and their bytes, and how many of them were new there."""

    cid: Cid
    blocks: int
    bytes: int
    new_blocks: int
    new_bytes: int

    def as_json(self) -> JsonObject:
        """Return the object that the verbs print."""
        return {
            "cid": str(self.cid),
            "blocks": self.blocks,
            "bytes": self.bytes,
            "new_blocks": self.new_blocks,
            "new_bytes": self.new_bytes,
        }


def pull(
    store: BlockStore,
    cid: Cid,
    give_dag: GiveDag,
    give_block: GiveBlock,
    *,
    pin: bool = True,
    name: str | None = None,
    bytes_max: int = OUTPUT_BYTES_MAX,
    progress: Progress | None = None,
) -> Carried:
    """Bring a whole DAG into the store, and pin it unless told otherwise.

    RemoteError when a block cannot be had, BlockMismatch when it is another; LimitExceeded past
    `bytes_max` bytes or ten million blocks. What arrived before that stays until garbage is
    collected, so that a second try goes on from there.
    """
    with store.keeping_blocks(), store.writer() as writer:
        arrival = _Arrival(store, writer, cid, bytes_max, progress)
        try:
            arrival.take_all(give_dag)
            arrival.take_missing(give_block)
        finally:
            writer.commit()
        if pin:
            writer.commit([Pin(cid, name=name)])
        return Carried(cid, arrival.blocks, arrival.bytes, writer.new_blocks, writer.new_bytes)


def push(
    store: BlockStore, cid: Cid, kubo: KuboClient, *, progress: Progress | None = None
) -> Carried:
    """Send a whole DAG into a kubo, where it is pinned; BlockMissing when it is not all here.

    RemoteError ``remote.malformed`` when kubo does not report the same root, blocks and bytes.
    """
    blocks = size = 0

    def counted() -> Iterator[Block]:
        nonlocal blocks, size
        with store.read_for_hashing() as get:
            for block in walk(get, cid):
                blocks += 1
                size += len(block.data)
                if progress is not None:
                    progress(size, size)
                yield block

    imported = kubo.dag_import(car.write_v1([cid], counted()))
    there = (imported.roots, imported.blocks, imported.bytes)
    if there != ((cid,), blocks, size) or kubo.block_size(cid) != len(store.need(cid)):
        message = f"the other side holds {imported.blocks:,} blocks of {imported.bytes:,} bytes"
        raise RemoteError(f"{message}, not {blocks:,} of {size:,}", code="remote.malformed")
    return Carried(cid, blocks, size, blocks, size)


class _Arrival:
    """One DAG coming in: what is wanted next, and what has come."""

    def __init__(
        self,
        store: BlockStore,
        writer: BlockWriter,
        root: Cid,
        bytes_max: int,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._writer = writer
        self._bytes_max = bytes_max
        self._progress = progress
        self._wanted: dict[bytes, Cid] = {}
        self._met: set[bytes] = set()
        self.blocks = 0
        self.bytes = 0
        self._want(root)

    def take_all(self, give_dag: GiveDag) -> None:
        """Take what is wanted from a CAR of the DAG; a CAR that breaks off is no error yet."""
        self._take_known()
        root = next(iter(self._wanted.values()), None)
        if root is None:
            return
        try:
            with give_dag(root) as blocks:
                for block in blocks:
                    if self._wanted.pop(block.cid.encode(), None) is not None:
                        self._take(block)
        except LimitExceeded:
            raise
        except ContentError:
            return  # what is missing is asked for one by one, and its error is the one to tell

    def take_missing(self, give_block: GiveBlock) -> None:
        """Ask for each block that is still wanted, until none is."""
        while self._wanted:
            self._take_known()
            if self._wanted:
                _, cid = self._wanted.popitem()
                self._take(Block(cid, give_block(cid)))

    def _take_known(self) -> None:
        """Follow what the store holds already, without asking anybody for it."""
        waiting = list(self._wanted.values())
        while waiting:
            cid = waiting.pop()
            data = self._store.get(cid)
            if data is None:
                continue
            del self._wanted[cid.encode()]
            self._count(len(data))
            waiting.extend(self._follow(Block(cid, data)))

    def _take(self, block: Block) -> None:
        self._writer.put(block)
        self._count(len(block.data))
        self._follow(block)

    def _follow(self, block: Block) -> list[Cid]:
        if not has_links(block.cid.codec):
            return []
        return [cid for cid in links(block.cid, block.data) if self._want(cid)]

    def _want(self, cid: Cid) -> bool:
        key = cid.encode()
        if key in self._met:
            return False
        self._met.add(key)
        if len(self._met) > STEPS_MAX:
            raise LimitExceeded("the number of blocks of a DAG", STEPS_MAX, len(self._met))
        self._wanted[key] = cid
        return True

    def _count(self, size: int) -> None:
        self.blocks += 1
        self.bytes += size
        if self.bytes > self._bytes_max:
            raise LimitExceeded("the bytes of a DAG", self._bytes_max, self.bytes)
        if self._progress is not None:
            self._progress(self.bytes, self.bytes)
