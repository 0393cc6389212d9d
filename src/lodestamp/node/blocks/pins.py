"""Pins: what the store keeps, and the walk that finds everything below one (content spec R106)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from lodestamp.core.content import Root, has_links, links
from lodestamp.core.encoding import Cid, JsonObject, canonical_json, parse_canonical
from lodestamp.errors import BlockMissing, LimitExceeded, UsageError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.rows import KEYS_AT_ONCE

PIN_NAME_MAX: Final = 255
"""Characters of a pin's name, as the pinning service has it."""
PIN_META_MAX: Final = 65_536
"""Bytes of a pin's `meta`, canonical JSON."""

PinMode = Literal["recursive", "direct"]
Get = Callable[[Cid], bytes | None]


@dataclass(frozen=True, slots=True)
class Pin:
    """A CID that is kept: with all below it (``recursive``), or the block alone (``direct``).

    For what was added here, `profile`, `size`, `dag_size` and `blocks` are those of its `Root`.
    """

    cid: Cid
    mode: PinMode = "recursive"
    name: str | None = None
    profile: str | None = None
    size: int | None = None
    dag_size: int | None = None
    blocks: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name is not None and len(self.name) > PIN_NAME_MAX:
            raise LimitExceeded("the length of a pin's name", PIN_NAME_MAX, len(self.name))

    @classmethod
    def of_root(cls, root: Root, name: str | None = None) -> Pin:
        """Return the recursive pin of something that was added."""
        return cls(
            root.cid,
            name=name,
            profile=root.profile,
            size=root.size,
            dag_size=root.dag_size,
            blocks=root.blocks,
        )

    def as_json(self) -> JsonObject:
        """Return the object of ``content pin ls --json``."""
        return {
            "cid": str(self.cid),
            "mode": self.mode,
            "name": self.name,
            "profile": self.profile,
            "size": self.size,
            "dag_size": self.dag_size,
            "blocks": self.blocks,
        }


def write_pins(connection: Connection, pins: Sequence[Pin], now: int) -> None:
    """Set pins in the caller's transaction; a CID that is pinned already gets the new words.

    LimitExceeded for `meta`. A recursive pin is never weakened to a direct one.
    """
    for pin in pins:
        meta = canonical_json(dict(pin.meta))
        if len(meta) > PIN_META_MAX:
            raise LimitExceeded("the size of a pin's meta in bytes", PIN_META_MAX, len(meta))
        values = {
            "cid": pin.cid.encode(),
            "mode": pin.mode,
            "name": pin.name,
            "profile": pin.profile,
            "size": pin.size,
            "dag_size": pin.dag_size,
            "blocks": pin.blocks,
            "meta": meta.decode(),
            "created_at": now,
        }
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(tables.pins)
        changed = {name: statement.excluded[name] for name in values if name != "cid"}
        statement = statement.on_conflict_do_update(
            index_elements=[tables.pins.c.cid],
            set_=changed,
            where=(tables.pins.c.mode == "direct") | (statement.excluded.mode == "recursive"),
        )
        connection.execute(statement, values)


def remove_pin(connection: Connection, cid: Cid) -> bool:
    """Remove a pin in the caller's transaction; tell whether there was one."""
    done = connection.execute(delete(tables.pins).where(tables.pins.c.cid == cid.encode()))
    return bool(done.rowcount)


def read_pins(connection: Connection) -> list[Pin]:
    """Return every pin, the oldest first."""
    query = select(tables.pins).order_by(tables.pins.c.created_at, tables.pins.c.cid)
    return [_pin_of(row) for row in connection.execute(query)]


def _pin_of(row: Any) -> Pin:
    meta = parse_canonical(row.meta.encode(), size_max=PIN_META_MAX)
    return Pin(
        Cid.decode(row.cid),
        row.mode,
        row.name,
        row.profile,
        row.size,
        row.dag_size,
        row.blocks,
        meta,
    )


def walk_dag(
    get: Get,
    root: Cid,
    *,
    visit: Callable[[Cid], bool],
    first_absent: Callable[[Sequence[Cid]], Cid | None],
) -> None:
    """Meet every block below a root, depth first in link order; never recursing.

    `visit` is asked for each link met and answers whether to go there. A block without links is not
    read but asked for with `first_absent`, some hundred at once. BlockMissing for one that is not
    here; errors of `get` and of decoding pass through.
    """
    waiting = [root]
    leaves: list[Cid] = []
    while waiting:
        cid = waiting.pop()
        if not visit(cid):
            continue
        if has_links(cid.codec):
            data = get(cid)
            if data is None:
                raise BlockMissing(str(cid))
            waiting.extend(reversed(list(links(cid, data))))
        else:
            leaves.append(cid)
        if len(leaves) >= KEYS_AT_ONCE:
            absent = first_absent(leaves)
            if absent is not None:
                raise BlockMissing(str(absent))
            leaves.clear()
    absent = first_absent(leaves)
    if absent is not None:
        raise BlockMissing(str(absent))


def parse_mode(text: str) -> PinMode:
    """Return the mode a text names; UsageError for another."""
    if text == "recursive":
        return "recursive"
    if text == "direct":
        return "direct"
    raise UsageError(f"a pin is recursive or direct, not {text[:40]!r}")
