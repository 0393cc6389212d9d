"""CARs in and out of the store (content spec R85, R86)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete, select

from lodestamp.core.content import (
    Block,
    CarLimits,
    ContentPath,
    Get,
    Scope,
    car,
    resolve,
    slices,
    stat,
    walk,
)
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import PinError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.pins import Pin, walk_dag
from lodestamp.node.blocks.rows import in_parts, recount_live
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.progress import Progress


@dataclass(frozen=True, slots=True)
class Imported:
    """What a CAR brought: its roots and which of them are whole, and what was new or outside them.

    `blocks` counts sections; `extra` those that no root reaches.
    """

    roots: tuple[Cid, ...]
    incomplete: tuple[Cid, ...]
    blocks: int
    bytes: int
    new_blocks: int
    new_bytes: int
    extra: int

    def as_json(self) -> dict[str, object]:
        """Return the object of ``content import --json``."""
        return {
            "roots": [str(cid) for cid in self.roots],
            "incomplete": [str(cid) for cid in self.incomplete],
            "blocks": self.blocks,
            "bytes": self.bytes,
            "new_blocks": self.new_blocks,
            "new_bytes": self.new_bytes,
            "extra": self.extra,
        }


def import_car(
    store: BlockStore,
    stream: car.Stream,
    *,
    limits: CarLimits | None = None,
    pin_roots: bool = True,
    all_blocks: bool = False,
    size: int = 0,
    progress: Progress | None = None,
) -> Imported:
    """Store the blocks of a CAR and pin each root whose DAG is whole, here or in the store (R85).

    What no root reaches is counted and, without `all_blocks`, not kept. Errors as reading a CAR;
    nothing is pinned then, and what came before is garbage. `size` is the total for `progress`.
    """
    reader = car.read(stream, limits)
    began = store.clock()
    keys: set[bytes] = set()
    fresh: set[bytes] = set()
    count = done = 0
    with store.writer(on_new=fresh.add) as writer:
        for section in reader.sections():
            writer.put_made(Block(section.cid, section.data))  # the reader has hashed it
            if section.cid.hash_code != HashCode.IDENTITY:
                keys.add(section.cid.multihash.encode())
            count += 1
            done += len(section.data)
            if progress is not None:
                progress(reader.payload_offset + section.offset + section.size, size)
        writer.commit()
        with store.keeping_blocks():
            incomplete = tuple(cid for cid in reader.roots if not _is_whole(store, cid))
            whole = [cid for cid in reader.roots if cid not in incomplete]
            writer.commit([Pin(cid) for cid in whole] if pin_roots else [])
            extra = keys - _reached(store, reader.roots)
    if not all_blocks:
        _forget(store, extra & fresh, reader.roots, began)
        fresh -= extra
    return Imported(reader.roots, incomplete, count, done, len(fresh), writer.new_bytes, len(extra))


def _is_whole(store: BlockStore, cid: Cid) -> bool:
    try:
        store.require_complete(Pin(cid))
    except PinError:
        return False
    return True


def _reached(store: BlockStore, roots: tuple[Cid, ...]) -> set[bytes]:
    """Return the multihash of every block that the roots reach, as far as they are here."""
    seen: set[bytes] = set()
    reached: set[bytes] = set()

    def visit(cid: Cid) -> bool:
        reached.add(cid.multihash.encode())
        key = cid.encode()
        if key in seen:
            return False
        seen.add(key)
        return store.has(cid)

    for root in roots:
        walk_dag(store.get, root, visit=visit, first_absent=lambda _: None)
    return reached


def _forget(store: BlockStore, keys: set[bytes], roots: tuple[Cid, ...], began: int) -> None:
    """Take rows of blocks just stored away again, unless somebody may have come to rely on them.

    That is whoever holds a lease or keeps blocks now, or has pinned anything since the import
    began, at `began` in Unix milliseconds; then garbage collection will see to it.
    """
    columns, pin = tables.blocks.c, tables.pins.c
    own = [cid.encode() for cid in roots]
    others = select(pin.cid).where(pin.created_at >= began, pin.cid.not_in(own)).limit(1)
    with (
        store.folder.removing_if_free() as is_free,
        store.database.writing("forgetting blocks") as connection,
    ):
        if not keys or not is_free or connection.execute(others).first():
            return
        if connection.execute(select(tables.leases.c.id).limit(1)).first():
            return
        packs: set[int] = set()
        for some in in_parts(sorted(keys)):
            gone = delete(tables.blocks).where(columns.mh.in_(some)).returning(columns.pack_id)
            packs.update(connection.execute(gone).scalars())
        for pack_id in packs:
            recount_live(connection, pack_id)


def export_blocks(
    store: BlockStore,
    path: ContentPath,
    *,
    scope: Scope = Scope.ALL,
    span: tuple[int, int | None] | None = None,
    repeated: bool = False,
) -> Iterator[Block]:
    """Yield the blocks of an export: those of the path, then those below in link order (R86).

    With `span`, the start and end of a byte range, exactly the blocks that prove it. Each comes
    once, or with `repeated` every time it is met. BlockMissing; errors as `resolve` and `walk`.
    """
    with store.read_for_hashing() as get:
        if span is not None:
            end = span[1] if span[1] is not None else _size_of(get, path)
            yield from slices.extract(get, path.root, path.segments, span[0], end)
            return
        found = resolve(get, path.root, path.segments)
        given: set[Cid] = set()
        for cid in found.blocks[:-1]:
            if cid.hash_code != HashCode.IDENTITY and (repeated or cid not in given):
                given.add(cid)
                yield Block(cid, store.need(cid))
        for block in walk(get, found.cid, scope, repeated=repeated):
            if repeated or block.cid not in given:
                yield block


def _size_of(get: Get, path: ContentPath) -> int:
    return stat(get, resolve(get, path.root, path.segments).cid).size
