"""Anchors chained by an OP_CAT covenant: each state commits to all before it (R65, T6)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

import lodestamp
from anchoring import TERMS, anchorer_over, make_world
from chains import SIGNER, Clock, simulator
from homes import assert_clean, reading
from lodestamp.core.bitcoin import CONSENSUS_CAT_CTV, Transaction, verify_input
from lodestamp.core.covenants import follow_chain, genesis_state, next_state
from lodestamp.core.proof import AnchorKind
from lodestamp.errors import CovenantsNotActive, LogCorrupt
from lodestamp.node.anchors.bitcoin import ChainedBuilder, FeeTerms, chain_behind
from lodestamp.node.anchors.bitcoin.building import CHAINED_VSIZE
from lodestamp.node.chains import SimulatedChain
from lodestamp.node.storage import Database

ORIGIN = "log.example/chained"
CHAINED = {
    "chained": ORIGIN,
    "terms": type(TERMS)(FeeTerms(CHAINED_VSIZE), interval_ms=0, is_replaceable=False),
}


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path, coins=3, **CHAINED)
    yield made
    made.database.close()
    made.source.close()


def assert_chain(world):
    """The mined links are one chain of states from the genesis on, over the tips in order."""
    builder = ChainedBuilder(world.source, SIGNER, ORIGIN)
    mined = [row for row in world.versions() if row.height is not None]
    spent = {Transaction.decode(row.raw).inputs[0].prevout.txid for row in mined}
    (last,) = (row for row in mined if row.txid not in spent)
    with world.database.reading("testing") as connection:
        behind = chain_behind(connection, last.txid)
    links, roots = behind.transactions, behind.tips
    assert len(links) == len(mined)
    state = follow_chain(
        links,
        roots,
        genesis_txid=behind.genesis_txid,
        origin=ORIGIN,
        script_pubkey=builder.script,
    )
    expected = genesis_state(ORIGIN)
    for root in roots:
        expected = next_state(expected, root)
    assert state == expected
    before = genesis_state(ORIGIN)
    for root in roots[:-1]:
        before = next_state(before, root)
    assert behind.state_before == before
    return links


def test_r65_each_anchor_publishes_the_hash_of_the_state_before_and_the_tip(world):
    world.wait_for(1, 2)
    world.anchorer.poll()
    assert [(row.state, row.count) for row in world.cycles()] == [("sent", 0)]  # the genesis
    world.mine(1)
    assert [(row.state, row.count) for row in world.cycles()] == [("mined", 0), ("sent", 2)]
    world.mine(1)
    world.wait_for(3)
    world.anchorer.poll()
    world.mine(7)
    assert world.states() == ["final"] * 3
    world.assert_final(1, 2, 3)
    links = assert_chain(world)
    assert [tx.vsize <= CHAINED_VSIZE for tx in links] == [True] * 3
    assert {row.fee for row in world.versions()} == {CHAINED_VSIZE}
    for before, tx in pairwise(links):
        fee_coin = world.source.transaction(tx.inputs[1].prevout.txid)
        spent = (before.outputs[0], fee_coin.outputs[tx.inputs[1].prevout.vout])
        assert verify_input(tx, 0, spent, CONSENSUS_CAT_CTV).ok


def test_r65_the_path_has_the_chained_step(world):
    world.wait_for(1)
    world.anchorer.poll()
    world.mine(8)
    world.assert_final(1)
    cycle = world.cycles()[1]
    assert cycle.ops.startswith(b"\xf1\x20" + genesis_state(ORIGIN) + b"\x08")


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_r65_a_chain_of_anchors_comes_back_after_a_reorganisation(world, depth):
    for number in range(1, 4):
        world.wait_for(number)
        world.anchorer.poll()
        world.mine(1)
    world.mine(5)
    world.simulator.reorg(depth)
    world.anchorer.poll()
    world.mine(8)
    world.assert_final(1, 2, 3)
    assert_chain(world)


def test_r65_a_restart_goes_on_from_the_end_of_the_chain(world):
    world.wait_for(1)
    world.anchorer.poll()
    world.mine(2)
    world.restart(**CHAINED)
    world.wait_for(2)
    world.anchorer.poll()
    world.mine(7)
    world.assert_final(1, 2)
    assert len(assert_chain(world)) == 3


def test_r65_one_coin_does_not_begin_a_chain(tmp_path):
    world = make_world(tmp_path, coins=1, **CHAINED)
    world.wait_for(1)
    world.anchorer.poll()
    assert world.states() == []
    assert [(each.kind, "two coins" in each.detail) for each in world.told] == [
        ("anchor_funds_low", True)
    ]


def test_r65_without_op_cat_the_mode_is_refused(tmp_path):
    database = Database.open(tmp_path / "a.db")
    source = SimulatedChain(simulator(opcat=False))
    with pytest.raises(CovenantsNotActive):
        anchorer_over(database, source, Clock(), [], **CHAINED)
    anchorer_over(database, source, Clock(), [])  # the plain mode needs nothing
    database.close()


def test_a_plain_anchor_has_no_chain_behind_it(tmp_path):
    world = make_world(tmp_path, coins=1)
    world.wait_for(1)
    world.anchorer.poll()
    with world.database.reading("testing") as connection:
        assert chain_behind(connection, world.versions()[0].txid) is None
        with pytest.raises(LogCorrupt):
            chain_behind(connection, bytes(32))


def test_r65_a_proof_of_a_chained_anchor_carries_its_chain_and_is_verified(tmp_path):
    """§9: the kind `chain`, from the genesis to the transaction on the path; D10: on regtest."""
    home = tmp_path / "home"
    with lodestamp.open(home):
        (home / "config.toml").write_text('[anchor]\nmode = "chain"\n')
    with lodestamp.open(home) as node, node.anchors() as anchors:
        proofs = []
        for number in range(3):
            op_id = node.record(**reading(number)).op_id
            node.anchor_newest(anchors)
            for _ in range(8):
                anchors.anchorer.poll(is_forced=True)
                anchors.mine()
            anchors.anchorer.poll()
            proofs.append(node.calendars.upgrade(node.prove(op_id)).proof)
        for number, proof in enumerate(proofs):
            (anchor,) = proof.anchors
            assert (anchor.kind, proof.log.size) == (AnchorKind.CHAIN, number + 1)
            assert len(anchor.chain.covenant.transactions) == number + 1
            leg = lodestamp.verify(proof, network="regtest").leg("time")
            assert (leg.status, leg.code) == ("established", "")
            assert "chained to" in leg.basis
            assert leg.facts["genesis"] == anchor.chain.genesis_txid[::-1].hex()
        assert len({proof.anchors[0].chain.genesis_txid for proof in proofs}) == 1
        swapped = replace(proofs[2].anchors[0], chain=proofs[1].anchors[0].chain)
        forged = replace(proofs[2], anchors=(swapped,))
        assert lodestamp.verify(forged, network="regtest").leg("time").code == "time.chain_invalid"
    assert_clean(home)
