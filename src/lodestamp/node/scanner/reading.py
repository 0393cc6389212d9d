"""From a raw block to what the rules judge, and to what proves it later (R28-R31).

Only candidates are parsed; spent outputs and parents are asked for only where they decide (R9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    Holdings,
    Rules,
    check_header,
    check_tree,
    check_witness_tree,
    read_block,
    read_carrier,
)
from lodestamp.errors import BlockMalformed, ChainNotFound, ChainUnsupported, SourceIncomplete
from lodestamp.node.chains import BlockRef, ChainSource
from lodestamp.node.scanner.recent import Place, RecentBlocks
from lodestamp.node.scanner.stores import NOWHERE, Evidence

_BITS_AT: Final = 72
_HEADER_SIZE: Final = 80


class VerifyMerkle(StrEnum):
    """Which blocks have their transactions held against their header (R31).

    ``hits``: those that change something. Only with ``all`` would a source be caught that leaves
    operations, or signatures, out.
    """

    OFF = "off"
    HITS = "hits"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """A block as it was read: its bytes, its header, what the rules judge.

    `prevouts` are the outputs that were asked for, by the spender's place in the block.
    """

    raw: bytes
    header: BlockHeader
    block: BlockInput
    prevouts: Mapping[int, tuple[TxOut, ...]]


class BlockReader:
    """Reads blocks in order under one set of rules; the source is asked for what a block lacks."""

    def __init__(self, source: ChainSource, rules: Rules, verify: VerifyMerkle) -> None:
        self.rules = rules
        self._source = source
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
            if self.rules.has_segwit(ref.height):
                check_witness_tree(raw)
        seen: dict[int, tuple[TxOut, ...]] = {}

        def prevouts(tx_index: int) -> tuple[TxOut, ...]:
            if tx_index not in seen:
                seen[tx_index] = self._prevouts(ref, tx_index)
            return seen[tx_index]

        def fetch(txid: bytes) -> Transaction | None:
            return self._parent(txid, ref.height)

        block = read_block(raw, state, self.rules, fetch=fetch, prevouts=prevouts)
        return FoundBlock(raw, header, block, seen)

    def evidence(self, found: FoundBlock, effect: BlockEffect) -> tuple[Evidence, ...]:
        """Return the transactions that a block's effect rests on, after checking its tree (R31).

        So are the parents of carriers. BlockMalformed as `check_tree`, unless that was turned off.
        """
        if effect.is_empty:
            return ()
        trees = _Trees(self._verify)
        txs = {each.txid: each.tx for each in found.block.hearts}
        txs |= {each.txid: each.tx for each in found.block.carriers}
        made: dict[bytes, Evidence] = {}
        for act in (*effect.tips, *effect.payments, *effect.ops):
            place = Place(txs[act.txid], effect.height, act.tx_index, found.raw)
            made[act.txid] = trees.evidence(place, found.prevouts.get(act.tx_index))
        for op in effect.ops:
            carrier = read_carrier(txs[op.txid], lambda txid: self._parent(txid, effect.height))
            for parent in () if carrier is None else carrier.parents:
                if parent.txid not in made:
                    made[parent.txid] = self._evidence_of_parent(parent, trees)
        return tuple(made.values())

    def _evidence_of_parent(self, parent: Transaction, trees: _Trees) -> Evidence:
        place = self._recent.find(parent.txid)
        if place is not None:
            return trees.evidence(place, None)
        return Evidence(parent.txid, NOWHERE, NOWHERE, parent.encode())

    def _prevouts(self, ref: BlockRef, tx_index: int) -> tuple[TxOut, ...]:
        try:
            return tuple(self._source.prevouts(ref.hash, tx_index))
        except (ChainNotFound, ChainUnsupported) as error:
            txid = self._recent.txid_at(tx_index)
            hint = "who owns an input depends on it; ask a node that keeps spent outputs"
            raise SourceIncomplete(txid, error.message, hint=hint) from error

    def _parent(self, txid: bytes, height: int) -> Transaction | None:
        """Find a parent: in the last blocks, at the source, in a day of blocks before those."""
        place = self._recent.find(txid)
        if place is None:
            try:
                return self._source.transaction(txid, near=height)
            except (ChainNotFound, ChainUnsupported):
                place = self._look_below(txid)
        return None if place is None else place.tx

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


class _Trees:
    """Checks the tree of a block once, and reads branches from it."""

    def __init__(self, verify: VerifyMerkle) -> None:
        self._verify = verify
        self._txids: dict[bytes, list[bytes]] = {}

    def evidence(self, place: Place, prevouts: tuple[TxOut, ...] | None) -> Evidence:
        """Return what is kept of a transaction, with the way to its header if that is checked."""
        branch = None
        if self._verify is not VerifyMerkle.OFF:
            key = place.raw[:_HEADER_SIZE]
            if key not in self._txids:
                self._txids[key] = check_tree(place.raw)
            branch = branch_of(self._txids[key], place.tx_index)
        raw = place.tx.encode()
        return Evidence(place.tx.txid, place.height, place.tx_index, raw, branch, prevouts)


def _check_place(ref: BlockRef, header: BlockHeader, net: NetworkParams) -> None:
    """Refuse a block that is not the one asked for, or of less work than its network's least."""
    if header.hash != ref.hash:
        message = f"the source gives {header.hash_display} for {ref.hash_display}"
        raise BlockMalformed("link", message, offset=0)
    if not has_work(header, net):
        message = f"its target {header.bits:08x} is easier than any on {net}"
        raise BlockMalformed("proof-of-work", message, offset=_BITS_AT)
