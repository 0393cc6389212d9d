"""Collecting garbage: what no pin reaches is removed, by mark and sweep (content spec R105, R106).

No counts are kept. Marking reads only blocks with links. Sweeping removes rows; packs that lost
more than half their bytes are rewritten, and those that lost all are unlinked. What was added since
the oldest open lease began, or within the grace, stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from lodestamp.core.content import has_links
from lodestamp.core.encoding import Cid
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.marks import MarkSet
from lodestamp.node.blocks.pins import Pin, read_pins, walk_dag
from lodestamp.node.blocks.rewrite import reclaim
from lodestamp.node.blocks.rows import in_parts
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.progress import Progress
from lodestamp.node.storage import store_failures

GRACE_MS: Final = 3_600_000
"""How long a block stays without a pin unless the caller says otherwise: an hour."""
_ROWS_AT_ONCE: Final = 1_000
_WALKED: Final = b"\0"
"""After the multihash of a block whose links were followed; a multihash knows its own end."""


@dataclass(frozen=True, slots=True)
class PackUse:
    """A pack's bytes before collecting, those of blocks that stay, and what became of it."""

    name: str
    size: int
    live: int
    done: str

    def as_json(self) -> dict[str, object]:
        """Return the object of ``content gc --json``."""
        return {"name": self.name, "size": self.size, "live": self.live, "done": self.done}


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting did, or with `dry_run` would do; sizes in bytes."""

    dry_run: bool
    kept_blocks: int
    removed_blocks: int
    removed_bytes: int
    packs: tuple[PackUse, ...]

    def as_json(self) -> dict[str, object]:
        """Return the object of ``content gc --json``."""
        return {
            "dry_run": self.dry_run,
            "kept_blocks": self.kept_blocks,
            "removed_blocks": self.removed_blocks,
            "removed_bytes": self.removed_bytes,
            "packs": [pack.as_json() for pack in self.packs],
        }


def collect_garbage(
    store: BlockStore,
    *,
    grace_ms: int = GRACE_MS,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Remove what no pin reaches and is older than `grace_ms`; adds may run meanwhile.

    BlockMissing or BlockMismatch when a pinned DAG is not whole: then nothing is removed.
    """
    with (
        store_failures("collecting garbage"),
        MarkSet() as marks,
        store.folder.removing_blocks(),
    ):
        marked: set[bytes] = set()
        while True:
            _mark(store, marks, [pin for pin in store.pins() if _key(pin) not in marked], marked)
            with store.database.writing("collecting garbage") as connection:
                if any(_key(pin) not in marked for pin in read_pins(connection)):
                    continue  # pinned while we marked
                sweep = _Sweep(connection, marks, store.clock(), grace_ms, progress)
                sweep.run(dry_run=dry_run)
            break
        packs = [
            PackUse(name, size, live, "kept" if dry_run else reclaim(store, pack_id, live))
            for pack_id, name, size, live in sweep.packs
        ]
    return Collected(dry_run, sweep.kept, sweep.removed, sweep.removed_bytes, tuple(packs))


def _key(pin: Pin) -> bytes:
    return pin.mode.encode() + pin.cid.encode()


def _mark(store: BlockStore, marks: MarkSet, pins: Sequence[Pin], marked: set[bytes]) -> None:
    def visit(cid: Cid) -> bool:
        key = cid.multihash.encode()
        is_new = marks.add(key)
        return marks.add(key + _WALKED) if has_links(cid.codec) else is_new

    for pin in pins:
        if pin.mode == "direct":
            store.need(pin.cid)
            marks.add(pin.cid.multihash.encode())
        else:
            walk_dag(store.get, pin.cid, visit=visit, first_absent=store.first_absent)
        marked.add(_key(pin))


class _Sweep:
    """One pass over the index, in one transaction that no commit of blocks can fall into."""

    def __init__(
        self,
        connection: Connection,
        marks: MarkSet,
        now: int,
        grace_ms: int,
        progress: Progress | None,
    ) -> None:
        self._connection = connection
        self._marks = marks
        self._now = now
        self._grace_ms = grace_ms
        self._progress = progress
        self._lost: dict[int, int] = {}
        self.kept = 0
        self.removed = 0
        self.removed_bytes = 0
        self.packs: list[tuple[int, str, int, int]] = []
        """Number, name, size and live bytes of each pack after the sweep."""

    def run(self, *, dry_run: bool) -> None:
        lease = tables.leases.c
        if not dry_run:
            self._connection.execute(delete(tables.leases).where(lease.expires_at < self._now))
        open_leases = self._connection.execute(
            select(lease.id).where(lease.expires_at >= self._now)
        ).scalars()
        started = [int(each.partition("-")[0]) for each in open_leases]
        self._sweep_blocks(min([self._now - self._grace_ms, *started]), dry_run=dry_run)
        if not started:
            self._sweep_refs(dry_run=dry_run)
        self._count_packs(dry_run=dry_run)

    def _sweep_blocks(self, cutoff: int, *, dry_run: bool) -> None:
        columns = tables.blocks.c
        total = self._connection.execute(select(func.count()).select_from(tables.blocks)).scalar()
        last = b""
        while rows := self._page(tables.blocks, columns.mh, last):
            last = rows[-1].mh
            dead = [row for row in rows if row.added_at < cutoff and row.mh not in self._marks]
            for row in dead:
                self._lost[row.pack_id] = self._lost.get(row.pack_id, 0) + row.head + row.size
            self.kept += len(rows) - len(dead)
            self.removed += len(dead)
            self.removed_bytes += sum(row.head + row.size for row in dead)
            if not dry_run:
                for some in in_parts([row.mh for row in dead]):
                    self._connection.execute(delete(tables.blocks).where(columns.mh.in_(some)))
            if self._progress is not None:
                self._progress(self.kept + self.removed, total or 0)

    def _sweep_refs(self, *, dry_run: bool) -> None:
        columns = tables.file_refs.c
        last = b""
        while rows := self._page(tables.file_refs, columns.mh, last):
            last = rows[-1].mh
            dead = self._marks.unmarked([row.mh for row in rows])
            self.kept += len(rows) - len(dead)
            self.removed += len(dead)
            if not dry_run:
                for some in in_parts(dead):
                    self._connection.execute(delete(tables.file_refs).where(columns.mh.in_(some)))

    def _page(self, table: Any, key: Any, last: bytes) -> Sequence[Any]:
        query = select(table).where(key > last).order_by(key).limit(_ROWS_AT_ONCE)
        return self._connection.execute(query).all()

    def _count_packs(self, *, dry_run: bool) -> None:
        columns = tables.packs.c
        block = tables.blocks.c
        stored = func.coalesce(func.sum(block.head + block.size), 0)
        query = (
            select(columns.id, columns.name, columns.size, columns.live, stored.label("stored"))
            .outerjoin(tables.blocks, block.pack_id == columns.id)
            .group_by(columns.id)
            .order_by(columns.id)
        )
        for row in self._connection.execute(query).all():
            lost = self._lost.get(row.id, 0)
            live = int(row.stored) - (lost if dry_run else 0)
            self.packs.append((row.id, row.name, row.size, live))
            if not dry_run and (lost or row.live is not None):
                self._connection.execute(
                    update(tables.packs).where(columns.id == row.id).values(live=live)
                )
