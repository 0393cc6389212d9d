"""Stored blocks answer as the chain they come from: the simulator's, and bitcoind's own files."""

from __future__ import annotations

import pytest

from blk_writer import KEY, record, write_files
from chains import OTHER, SIGNER, grown, open_door
from lodestamp.core.bitcoin import TxOut
from lodestamp.core.ownership import Rules, build_register
from lodestamp.node.chains import (
    BlkFolder,
    KeyScript,
    MemoryChain,
    SimulatedChain,
    open_source,
    plan,
)
from lodestamp.node.scanner import party_of, send_plan, sign_plan
from written import ALICE, RULES, noise, parties, registration, scanned


def copied(source, folder):
    """The best chain of a source in memory and in files."""
    raws = [raw for _, raw in source.raw_blocks(1, source.tip().height + 1)]
    write_files(folder, [[record(raw) for raw in raws[::-1]]], KEY, room=1_000)
    return MemoryChain(raws), BlkFolder(folder, source.network)


def test_stored_blocks_answer_as_the_simulator_they_come_from(tmp_path):
    source = SimulatedChain(grown(105))
    paid = plan(source, SIGNER, [TxOut(50_000, OTHER)], 1_000).tx
    source.broadcast(paid)
    (block,) = source.mine(1, OTHER)
    for stored in copied(source, tmp_path):
        assert stored.tip() == source.tip()
        assert stored.headers(0, 200) == source.headers(0, 200)
        assert stored.block(block, prevouts=True) == source.block(block, prevouts=True)
        assert stored.prevouts(block, 1) == source.prevouts(block, 1)
        assert stored.transaction(paid.txid) == paid
        assert stored.inclusion(paid.txid, block) == source.inclusion(paid.txid, block)
        assert list(stored.raw_blocks(0, 999)) == list(source.raw_blocks(0, 999))


@pytest.mark.parametrize("form", [KeyScript.P2PKH, KeyScript.P2TR])
def test_r40_what_was_written_is_found_in_block_files_as_on_the_chain(tmp_path, form):
    """Parents of a carrier, and what its inputs spend, are found by looking back (R30)."""
    source, alice, _ = parties(form)
    said = registration(noise(150))
    written = build_register(scanned(source), said, party_of(source, alice), 1_000)
    txs = sign_plan(written, [ALICE], source.network)
    send_plan(source, scanned(source), RULES, written, txs)
    source.mine(1, OTHER)
    for stored in copied(source, tmp_path):
        assert scanned(stored, Rules.strict("regtest")).registrant(said.sha1) == alice


@pytest.mark.engine
def test_r40_bitcoinds_own_files_are_its_chain(tmp_path):
    with open_door("bitcoind", tmp_path) as chain:
        chain.mine(7)
        with_files = open_source(f"blk://{tmp_path}/regtest/blocks?network=regtest")
        assert with_files.tip() == chain.source.tip()
        expected = list(chain.source.raw_blocks(0, 8))
        assert list(with_files.raw_blocks(0, 8)) == expected
        chain.mine(2)
        assert with_files.tip() == chain.source.tip()
        with_files.close()
