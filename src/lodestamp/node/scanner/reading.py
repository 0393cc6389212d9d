"""From a raw block to what the rules judge, and to what proves it later (R28-R31).

Only candidates are parsed; spent outputs and parents are asked for only where they decide (R9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lodestamp.core.bitcoin import (
    BlockHeader,
    NetworkParams,
    Transaction,
    TxOut,
    branch_of,
    has_work,
    sha256d,
)
from lodestamp.core.ownership import (
    BlockEffect,
    BlockInput,
    Candidate,
    CarrierInput,
    HeartInput,
    Holdings,
    Owners,
    Rules,
    attribute,
    candidates,
    check_header,
    check_tree,
    may_contain,
    read_carrier,
    read_operation,
)
from lodestamp.errors import BlockMalformed, ChainNotFound, ChainUnsupported, SourceIncomplete
from lodestamp.node.chains import BlockRef, ChainSource
from lodestamp.node.scanner.recent import Place, RecentBlocks
from lodestamp.node.scanner.stores import Evidence

_BITS_AT: Final = 72
_HEADER_SIZE: Final = 80


class VerifyMerkle(StrEnum):
    """Which blocks have their transactions held against their header (R31).

    ``hits``: those that change something. Only with ``all`` would a source be caught that leaves
    operations out.
    """

    OFF = "off"
    HITS = "hits"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """A block as it was read: its header, what the rules judge, and what that came from.

    `parents` are the places of each carrier's parents, by its txid; those that only the source
    knows stand nowhere. `prevouts` are the outputs that were asked for, by the spender's txid.
    """

    raw: bytes
    header: BlockHeader
    block: BlockInput
    parents: dict[bytes, tuple[Place, ...]] = field(default_factory=dict)
    prevouts: dict[bytes, tuple[TxOut, ...]] = field(default_factory=dict)


class BlockReader:
    """Reads blocks in order under one set of rules; the source is asked for what a block lacks."""

    def __init__(self, source: ChainSource, rules: Rules, verify: VerifyMerkle) -> None:
        self._source = source
        self.rules = rules
        self._verify = verify
        self._recent = RecentBlocks()

    def read(
        self, ref: BlockRef, raw: bytes, previous: bytes | None, state: Holdings
    ) -> FoundBlock:
        """Return what a block holds that the rules judge; `state` is that after the block before.

        `previous` is the hash of the block that it must follow. BlockMalformed for bytes that are
        not that block; SourceIncomplete where the source lacks what decides; ChainError as it
        fails.
        """
        header = check_header(raw, previous)
        _check_place(ref, header, self._source.network)
        self._recent.put(ref.height, raw)
        if self._verify is VerifyMerkle.ALL:
            check_tree(raw)
        if not may_contain(raw):
            return FoundBlock(raw, header, BlockInput(ref.height, ref.hash))
        reading = _Reading(self._source, self.rules, self._recent, ref)
        for each in candidates(raw):
            reading.take(each, state)
        block = BlockInput(ref.height, ref.hash, tuple(reading.hearts), tuple(reading.carriers))
        return FoundBlock(raw, header, block, reading.parents, reading.prevouts)

    def evidence(self, found: FoundBlock, effect: BlockEffect) -> tuple[Evidence, ...]:
        """Return the transactions that a block's effect rests on, after checking its tree (R31).

        BlockMalformed as `check_tree`, unless that was turned off.
        """
        if effect.is_empty:
            return ()
        trees = _Trees(self._verify)
        txs = {each.txid: each.tx for each in found.block.hearts}
        txs |= {each.txid: each.tx for each in found.block.carriers}
        made: dict[bytes, Evidence] = {}
        for act in (*effect.tips, *effect.payments, *effect.ops):
            place = Place(txs[act.txid], effect.height, act.tx_index, found.raw)
            made[act.txid] = trees.evidence(place, found.prevouts.get(act.txid))
        for op in effect.ops:
            for place in found.parents.get(op.txid, ()):
                if place.tx.txid not in made:
                    made[place.tx.txid] = trees.evidence(place, None)
        return tuple(made.values())


class _Trees:
    """Checks the tree of a block once, and reads branches from it."""

    def __init__(self, verify: VerifyMerkle) -> None:
        self._verify = verify
        self._txids: dict[bytes, list[bytes]] = {}

    def evidence(self, place: Place, prevouts: tuple[TxOut, ...] | None) -> Evidence:
        branch = None
        if self._verify is not VerifyMerkle.OFF:
            key = place.raw[:_HEADER_SIZE]
            if key not in self._txids:
                self._txids[key] = check_tree(place.raw)
            branch = branch_of(self._txids[key], place.tx_index)
        raw = place.tx.encode()
        return Evidence(place.tx.txid, place.height, place.tx_index, raw, branch, prevouts)


class _Reading:
    """What is gathered from the candidates of one block."""

    def __init__(
        self, source: ChainSource, rules: Rules, recent: RecentBlocks, ref: BlockRef
    ) -> None:
        self.hearts: list[HeartInput] = []
        self.carriers: list[CarrierInput] = []
        self.parents: dict[bytes, tuple[Place, ...]] = {}
        self.prevouts: dict[bytes, tuple[TxOut, ...]] = {}
        self._source = source
        self._rules = rules
        self._recent = recent
        self._ref = ref

    def take(self, candidate: Candidate, state: Holdings) -> None:
        """Read a candidate as a heart of a registered work, as a carrier, or as both."""
        sha1 = candidate.heart
        if sha1 is not None and state.registrant(sha1) is None:
            sha1 = None  # nothing comes of it, so nothing is asked (R9)
        if sha1 is None and not candidate.is_primary:
            return
        tx, index = candidate.tx, candidate.tx_index
        txid = tx.txid
        owners: Owners = ()
        if sha1 is not None:
            owners = self._owners(tx, index)
            self.hearts.append(HeartInput(tx, txid, index, sha1, owners))
        if not candidate.is_primary:
            return
        places: list[Place] = []
        carrier = read_carrier(tx, lambda wanted: self._parent(wanted, places))
        if carrier is None:
            return
        if not owners and read_operation(carrier.text, self._rules)[1] is None:
            owners = self._owners(tx, index)
        self.parents[txid] = tuple(places)
        self.carriers.append(CarrierInput(tx, txid, index, carrier.text, owners))

    def _owners(self, tx: Transaction, tx_index: int) -> Owners:
        txid = tx.txid

        def prevouts() -> Sequence[TxOut]:
            ask = self._source.prevouts
            spent = _from_source(txid, lambda: ask(self._ref.hash, tx_index))
            self.prevouts[txid] = spent
            return spent

        return attribute(tx, prevouts, self._ref.height, self._rules)

    def _parent(self, txid: bytes, places: list[Place]) -> Transaction | None:
        """Find a parent: in this block and the last ones, at the source, in a day of blocks."""
        place = self._recent.find(txid)
        if place is None:
            try:
                return self._source.transaction(txid, near=self._ref.height)
            except (ChainNotFound, ChainUnsupported):
                place = self._look_below(txid)
        if place is None:
            return None
        places.append(place)
        return place.tx

    def _look_below(self, txid: bytes) -> Place | None:
        """Fetch the blocks before the oldest one kept, as after a restart, and look there."""
        while (ref := self._recent.below) is not None:
            try:
                raw = self._source.raw_block(ref.hash)
            except (ChainNotFound, ChainUnsupported):
                return None
            if sha256d(raw[:_HEADER_SIZE]) != ref.hash:
                return None
            self._recent.put_below(ref, raw)
            place = self._recent.find_lowest(txid)
            if place is not None:
                return place
        return None


def _from_source(txid: bytes, ask: Callable[[], Iterable[TxOut]]) -> tuple[TxOut, ...]:
    try:
        return tuple(ask())
    except (ChainNotFound, ChainUnsupported) as error:
        hint = "who owns an input depends on it; ask a node that keeps spent outputs"
        raise SourceIncomplete(txid, error.message, hint=hint) from error


def _check_place(ref: BlockRef, header: BlockHeader, net: NetworkParams) -> None:
    """Refuse a block that is not the one asked for, or of less work than its network's least."""
    if header.hash != ref.hash:
        message = f"the source gives {header.hash_display} for {ref.hash_display}"
        raise BlockMalformed("link", message, offset=0)
    if not has_work(header, net):
        message = f"its target {header.bits:08x} is easier than any on {net}"
        raise BlockMalformed("proof-of-work", message, offset=_BITS_AT)
