"""Reorganisations and tables of ownership at scale, against the plain way (T5, T6)."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.ownership_chain import registering_chain
from benchmarks.table import SEED, Findings, Row, Timing, compare, timed, trial
from lodestamp.core.bitcoin import REGTEST, BlockHeader
from lodestamp.core.ownership import (
    ASSET_UNITS,
    BlockEffect,
    Operation,
    Owner,
    Registration,
    Rules,
    Transfer,
)
from lodestamp.node.chains import MemoryChain
from lodestamp.node.scanner import BlockRow, MemoryStore, OperationsStore, SqlStore, StateEngine

_RULES = Rules.strict("regtest")
_SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
_TEXT = b'{"op":"r","sha1":"%b"}' % _SHA1.encode()
_DEPTH = 6
_OPS_UNDONE = 1_000
_Block = tuple[BlockRow, BlockEffect, tuple[()]]


def store_findings(*, quick: bool) -> Findings:
    """Measure T5 on memory and SQLite, and T6 at two numbers of transfers (tenth when quick)."""
    rounds = 3 if quick else 5
    raws = registering_chain(_DEPTH + 2, -(-_OPS_UNDONE // _DEPTH), SEED)
    for kind in ("memory", "sqlite"):
        with _opened(kind) as store:
            yield _undoing(kind, store, raws, rounds)
    holders = 1_000 if quick else 10_000
    for transfers in (holders * 10, holders * 100):
        with _opened("sqlite") as store:
            yield from _tables(store, holders, transfers, rounds)


def _undoing(kind: str, store: OperationsStore, raws: list[bytes], rounds: int) -> Row:
    """Undo six blocks of 1,000 operations, against scanning them again."""
    engine = StateEngine(MemoryChain(raws), store, _RULES)
    engine.scan_from()
    first = len(raws) - _DEPTH + 1

    def undo() -> Timing:
        spent = timed(lambda: engine.reindex_from(first), 1)
        engine.scan_from()
        return spent

    def again() -> Timing:
        engine.reindex_from(first)
        return timed(engine.scan_from, 1)

    return compare(
        f"T5 undo {_DEPTH} blocks of {_OPS_UNDONE:,} operations, {kind}",
        unit="reorg",
        ours=undo,
        peer="scanning them again",
        theirs=again,
        aim=5.0,
        rounds=rounds,
    )


def _tables(store: OperationsStore, holders: int, transfers: int, rounds: int) -> Findings:
    """Read the table of a work at the tip, and as of six blocks before, against summing it up."""
    chain = _Chain(Random(SEED), holders)
    blocks = [chain.next(1)]
    per_block = max(transfers // 100, 1)
    for _ in range(-(-transfers // per_block)):
        blocks.append(chain.next(per_block))
        if len(blocks) == 10:
            store.append_blocks(blocks)
            blocks = []
    if blocks:
        store.append_blocks(blocks)
    tip = store.tip()
    assert tip is not None
    expected = _summed(store)
    assert store.holders(_SHA1) == store.holders(_SHA1, tip.height) == expected
    for name, ask in (
        ("at the tip", lambda: store.holders(_SHA1)),
        ("6 blocks below", lambda: store.holders(_SHA1, tip.height - 6)),
    ):
        yield compare(
            f"T6 table of {len(expected):,} holders after {transfers:,} transfers, {name}",
            unit="table",
            ours=trial(ask, 1),
            peer="the sum over all transfers",
            theirs=trial(lambda: _summed(store), 1),
            aim=100.0 if name == "at the tip" and transfers >= 1_000_000 else None,
            rounds=rounds,
        )


def _summed(store: OperationsStore) -> dict[Owner, int]:
    registration = store.find_registration(_SHA1)
    assert registration is not None
    table: dict[Owner, int] = defaultdict(int, {registration.registrant: ASSET_UNITS})
    for each in store.find_transfers(_SHA1):
        table[each.asset_owner] -= each.asset_value
        table[each.bitcoin_owner] += each.asset_value
    return dict(table)


@contextmanager
def _opened(kind: str) -> Iterator[OperationsStore]:
    make: Callable[[str], OperationsStore] = (
        (lambda _: MemoryStore()) if kind == "memory" else (lambda f: SqlStore(f"sqlite:///{f}"))
    )
    with TemporaryDirectory() as folder, closing(make(str(Path(folder) / "own.db"))) as store:
        store.pin(_RULES)
        yield store


class _Chain:
    """Blocks of transfers among so many holders, without the transactions that made them."""

    def __init__(self, draw: Random, holders: int) -> None:
        self._draw = draw
        self._owners = [Owner(_script(n)) for n in range(holders)]
        self._held = dict.fromkeys(self._owners, 0) | {self._owners[0]: ASSET_UNITS}
        self._able = [self._owners[0]]
        self._previous = REGTEST.genesis.hash
        self._height = 0
        self._count = 0

    def next(self, count: int) -> _Block:
        """Return the next block of so many operations; the first registers the work."""
        self._height += 1
        header = BlockHeader(4, self._previous, bytes(32), self._height, REGTEST.pow_limit_bits, 0)
        block_hash = header.hash
        self._previous = block_hash
        ops: Sequence[Operation]
        if self._height == 1:
            ops = [Registration(self._txid(), 1, 1, block_hash, _SHA1, self._owners[0], _TEXT, {})]
        else:
            ops = [self._transfer(index, block_hash) for index in range(1, count + 1)]
        row = BlockRow(self._height, block_hash, header.encode(), 2 * self._height, bytes(32))
        return row, BlockEffect(self._height, block_hash, ops=tuple(ops)), ()

    def _transfer(self, index: int, block_hash: bytes) -> Transfer:
        taker = self._owners[self._count % len(self._owners)]
        giver = self._draw.choice(self._able)
        while giver == taker or self._held[giver] < 2:
            giver = self._owners[0] if giver == taker else self._draw.choice(self._able)
            if giver == taker:
                taker = self._owners[1]
        units = max(self._held[giver] // 50, 1)
        self._held[giver] -= units
        self._held[taker] += units
        if self._held[taker] == units:
            self._able.append(taker)
        return Transfer(
            self._txid(), self._height, index, block_hash, _SHA1, giver, taker, units, 600, 365
        )

    def _txid(self) -> bytes:
        self._count += 1
        return struct.pack("<Q24x", self._count)


def _script(number: int) -> bytes:
    return b"\x76\xa9\x14" + number.to_bytes(20, "little") + b"\x88\xac"
