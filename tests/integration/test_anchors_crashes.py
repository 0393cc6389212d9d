"""Kill -9 of the anchorer at any instant: nothing is lost, nothing is paid twice (R59, §12)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from anchoring import World, anchorer_over, commitment, make_world
from chains import OTHER, Clock
from conftest import REPOSITORY
from lodestamp.core.bitcoin import Block, Transaction
from lodestamp.node.anchors import audit_anchors, audit_calendars
from lodestamp.node.anchors.bitcoin import HeaderStore
from lodestamp.node.chains import SimulatedChain, Simulator
from lodestamp.node.findings import AuditReport
from lodestamp.node.storage import Database

WRITER = Path(__file__).with_name("anchor_writer.py")
KILLS = 70


def open_world(folder):
    clock = Clock()
    source = SimulatedChain(Simulator.open(folder / "chain.db", clock, OTHER))
    database = Database.open(folder / "anchors.db")
    told = []
    anchorer = anchorer_over(database, source, clock, told)
    return World(database, source, clock, anchorer, HeaderStore(database, source.network), told)


def close(world):
    world.database.close()
    world.source.close()


@pytest.mark.slow
def test_killed_at_any_instant_it_loses_nothing_and_pays_for_nothing_twice(tmp_path):
    world = make_world(tmp_path, Simulator.open(tmp_path / "chain.db", Clock(), OTHER))
    world.fund(2)
    close(world)
    ran = subprocess.run(
        [sys.executable, str(WRITER), str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}/tests"},
    )
    lines = ran.stdout.split()
    assert lines.count("killed") == KILLS
    numbers = [int(line) for line in lines if line != "killed"]
    assert len(numbers) > KILLS
    world = open_world(tmp_path)
    world.anchorer.poll()
    world.mine(20)
    world.assert_final(*numbers)
    assert set(world.states()) <= {"final", "lost"}
    assert_paid_once(world)
    assert {commitment(n) for n in numbers} <= {row.commitment for row in world.commitments()}
    report = AuditReport()
    audit_anchors(world.database, "log.example/a", report)
    audit_calendars(world.database, "log.example/a", report)
    assert report.findings == []
    assert report.checked["commitments"] >= len(numbers)
    close(world)


def assert_paid_once(world):
    """Every spend of the key in the chain is a stored version, and no cycle has two of them.

    Of the coins that a cycle's versions spend, one alone is in the chain: another is taken only
    when the first can never be.
    """
    versions = {row.txid: row for row in world.versions()}
    placed, mined = Counter(), set()
    for ref, raw in world.source.raw_blocks(1, world.source.tip().height + 1):
        txs = Block.decode(raw).txs
        mined |= {tx.txid for tx in txs}
        for tx in txs[1:] if ref.height > 101 else ():
            row = versions[tx.txid]
            assert Transaction.decode(row.raw) == tx
            placed[row.cycle] += 1
    assert set(placed.values()) == {1}
    for coins in world.spent_by_anchors().values():
        assert sum(coin.txid in mined for coin in coins) == 1
