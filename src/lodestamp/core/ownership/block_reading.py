"""From a raw block to what the rules need of it, and nothing more (R9, R28, R30)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lodestamp.core.bitcoin import HEADER_SIZE, Transaction, TxOut, sha256d
from lodestamp.core.ownership.attribute import attribute
from lodestamp.core.ownership.carrier import ParentLinks, read_carrier
from lodestamp.core.ownership.effects import BlockInput, CarrierInput, HeartInput
from lodestamp.core.ownership.found import Fetch
from lodestamp.core.ownership.gate import may_contain
from lodestamp.core.ownership.judge import read_operation
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import Holdings
from lodestamp.core.ownership.walk import candidates, walk_block

PrevoutsAt = Callable[[int], Sequence[TxOut]]
"""Gives the outputs that the transaction at an index of the block spends, in input order."""


def read_block(
    raw: bytes, holdings: Holdings, rules: Rules, *, fetch: Fetch, prevouts: PrevoutsAt
) -> BlockInput:
    """Return the hearts and carriers of the block after `holdings`, with their inputs' owners.

    Hearts of works that nobody registered are left out: they have no effect. Parents are looked for
    in the block itself, then asked of `fetch`; prevouts are asked for only where they decide.
    BlockMalformed for what is no block, unless the gate already says that nothing is in it;
    SourceIncomplete when a parent or prevout that decides cannot be had.
    """
    height, block_hash = holdings.height + 1, sha256d(raw[:HEADER_SIZE])
    if not may_contain(raw):
        return BlockInput(height, block_hash)
    hearts: list[HeartInput] = []
    carriers: list[CarrierInput] = []
    parents = _Parents(raw, fetch)
    links = ParentLinks(parents)
    for found in candidates(raw):
        is_known = found.heart is not None and holdings.registrant(found.heart) is not None
        if not found.is_primary and not is_known:
            continue
        tx, index = found.tx, found.tx_index
        txid, spent = tx.txid, partial(prevouts, index)
        if found.heart is not None and is_known:
            owners = attribute(tx, spent, height, rules)
            hearts.append(HeartInput(tx, txid, index, found.heart, owners))
        carrier = read_carrier(tx, parents, links=links) if found.is_primary else None
        if carrier is not None:
            fault = read_operation(carrier.text, rules)[1]
            owners = () if fault else attribute(tx, spent, height, rules)
            carriers.append(CarrierInput(tx, txid, index, carrier.text, owners))
    return BlockInput(height, block_hash, tuple(hearts), tuple(carriers))


class _Parents:
    """Transactions by their txid: those of one block first, then of a source."""

    def __init__(self, raw: bytes, fetch: Fetch) -> None:
        self._raw = raw
        self._fetch = fetch
        self._here: dict[bytes, tuple[int, int]] | None = None

    def __call__(self, txid: bytes) -> Transaction | None:
        if self._here is None:
            raw = self._raw
            self._here = {each.txid(raw): (each.start, each.end) for each in walk_block(raw)}
        place = self._here.get(txid)
        if place is None:
            return self._fetch(txid)
        return Transaction.decode(self._raw[place[0] : place[1]])
