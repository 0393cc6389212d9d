"""The blocks that were read last (R30)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import REGTEST, BlockHeader
from lodestamp.node.scanner import recent
from lodestamp.node.scanner.recent import RECENT_BLOCKS_MAX, RecentBlocks
from publishing import Press, raw_block, raw_chain


@pytest.fixture
def txs():
    press = Press()
    return [press.register(0, work)[0] for work in range(3)]


@pytest.fixture
def held(txs):
    blocks = RecentBlocks()
    for height, raw in enumerate(raw_chain([[tx] for tx in txs]), 1):
        blocks.put(height, raw)
    return blocks


def test_a_transaction_is_found_with_its_place(held, txs):
    place = held.find(txs[1].txid)
    assert (place.tx, place.height, place.tx_index) == (txs[1], 2, 1)
    assert held.find(bytes(32)) is None
    assert held.txid_at(1) == txs[2].txid


def test_what_left_the_chain_is_not_found(held, txs):
    held.put(2, raw_block([], REGTEST.genesis.hash, 2))
    assert [held.find(tx.txid) is None for tx in txs] == [False, True, True]


def test_below_the_oldest_more_can_be_put(held, txs):
    assert held.below.height == 0
    newer = RecentBlocks()
    raws = raw_chain([[tx] for tx in txs])
    newer.put(3, raws[2])
    assert newer.below.height == 2
    assert newer.below.hash == BlockHeader.decode(raws[1][:80]).hash
    newer.put_below(newer.below, raws[1])
    assert newer.find_lowest(txs[1].txid).height == 2
    assert newer.find_lowest(txs[2].txid) is None
    assert RecentBlocks().find_lowest(txs[0].txid) is None


def test_a_day_of_blocks_is_kept_and_no_more(txs):
    blocks = RecentBlocks()
    raws = raw_chain([[txs[0]], *[[] for _ in range(RECENT_BLOCKS_MAX)]])
    for height, raw in enumerate(raws[:-1], 1):
        blocks.put(height, raw)
    assert blocks.find(txs[0].txid).height == 1
    assert blocks.below is None
    blocks.put(RECENT_BLOCKS_MAX + 1, raws[-1])
    assert blocks.find(txs[0].txid) is None


def test_large_blocks_are_kept_for_less_long(monkeypatch, txs):
    raws = raw_chain([[tx] for tx in txs])
    monkeypatch.setattr(recent, "RECENT_BYTES_MAX", len(raws[1]) + len(raws[2]))
    blocks = RecentBlocks()
    for height, raw in enumerate(raws, 1):
        blocks.put(height, raw)
    assert [blocks.find(tx.txid) is None for tx in txs] == [True, False, False]
