"""Block stores for tests: made in a temporary folder, audited when a test ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lodestamp.core.content import Block
from lodestamp.core.encoding import Cid
from lodestamp.node.blocks import BlockStore, audit_blocks
from lodestamp.node.findings import AuditReport, Finding
from lodestamp.node.storage import Database


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@contextmanager
def opened_store(folder: Path, clock: Clock | None = None) -> Iterator[BlockStore]:
    """Open the store of a folder."""
    database = Database.open(folder / "a.db")
    try:
        yield BlockStore.open(folder / "blocks", database, clock=clock or Clock())
    finally:
        database.close()


@contextmanager
def audited_store(folder: Path, clock: Clock | None = None) -> Iterator[BlockStore]:
    """Open a store and, when the test is done with it, hold it against the auditor."""
    with opened_store(folder, clock) as store:
        yield store
    assert findings(folder) == []


def findings(folder: Path) -> list[Finding]:
    """What the auditor finds."""
    database = Database.open(folder / "a.db")
    report = AuditReport()
    try:
        audit_blocks(folder / "blocks", database, report)
    finally:
        database.close()
    return report.findings


def codes(folder: Path) -> set[str]:
    """The codes of what the auditor finds."""
    return {finding.code for finding in findings(folder)}


def raw(number: int, size: int = 100) -> Block:
    """A raw block."""
    data = number.to_bytes(8, "big") * (size // 8 + 1)
    return Block(Cid.of(0x55, data[:size]), data[:size])


def raws(count: int, size: int = 100, start: int = 0) -> list[Block]:
    """Some raw blocks."""
    return [raw(start + n, size) for n in range(count)]


def put(store: BlockStore, blocks: list[Block]) -> None:
    """Store and acknowledge blocks."""
    with store.writer() as writer:
        for block in blocks:
            writer.put(block)
        writer.commit()


def pack_files(folder: Path) -> list[Path]:
    """The packs of a store."""
    return sorted((folder / "blocks/packs").glob("pack-*.car"))
