"""From commitments to final cycles on the simulator, through fees, reorganisations and restarts."""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread
from time import sleep

import pytest

from anchoring import TERMS, commitment, make_world
from chains import OTHER, SIGNER, sign
from lodestamp.core.bitcoin import Transaction, TxIn, TxOut
from lodestamp.errors import ChainUnavailable, ReorgTooDeep
from lodestamp.node.anchors.bitcoin import FeeTerms
from lodestamp.node.anchors.bitcoin.fees import FEE_RATE_MAX
from lodestamp.node.anchors.tables import commitments


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path, coins=1)
    yield made
    made.database.close()
    made.source.close()


def sent_again(world, spent, value, *, fee=50_000):
    """A payment of the key's coin to somebody else: what spends an input otherwise."""
    tx = Transaction(2, (TxIn(spent, sequence=0xFFFFFFFD),), (TxOut(value - fee, OTHER),))
    return sign(tx, [TxOut(value, world.anchorer.script)])


def test_a_commitment_is_final_after_six_blocks_and_its_path_replays(world):
    """R56, R57, R61, R64."""
    world.wait_for(1, 2, 3)
    world.anchorer.poll()
    assert world.states() == ["sent"]
    world.mine(1)
    assert world.states() == ["mined"]
    world.mine(4)
    assert world.states() == ["mined"]
    world.mine(1)
    assert world.states() == ["final"]
    world.assert_final(1, 2, 3)
    (version,) = world.versions()
    assert len(Transaction.decode(version.raw).encode(witness=False)) == 137
    assert version.fee == 154
    assert world.told == []
    assert world.anchorer.poll() == ()


def test_r59_every_block_without_the_transaction_raises_its_fee_and_takes_up_what_waits(world):
    world.wait_for(1)
    world.anchorer.poll()
    for number in range(2, 6):
        world.wait_for(number)
        world.mine_empty()
    versions = world.versions()
    assert [each.fee for each in versions] == [154, 308, 462, 616, 770]
    assert [each.count for each in versions] == [1, 2, 3, 4, 5]
    assert len(set().union(*world.spent_by_anchors().values())) == 1
    assert world.waiting_fee(versions[-1].txid) == 770
    world.mine(6)
    world.assert_final(1, 2, 3, 4, 5)


@pytest.mark.parametrize("mined", range(4))
def test_r59_any_version_may_be_the_mined_one(world, mined):
    world.wait_for(1)
    world.anchorer.poll()
    for number in range(2, 5):
        world.wait_for(number)
        world.mine_empty()
    chosen = world.versions()[mined]
    world.source.mine_with([Transaction.decode(chosen.raw)], OTHER)
    world.anchorer.poll()
    assert (world.cycles()[0].txid, world.cycles()[0].count) == (chosen.txid, mined + 1)
    world.mine(5)
    world.assert_final(*range(1, mined + 2))
    world.mine(7)  # what came too late for it is in the next one
    world.assert_final(1, 2, 3, 4)
    assert world.states() == (["final"] if mined == 3 else ["final", "final"])


def test_r59_a_fee_the_node_finds_too_low_is_raised_by_a_quarter_up_to_five_times(tmp_path):
    from chains import child_of

    world = make_world(tmp_path, coins=1)
    world.anchorer.poll()
    (coin,) = world.source.utxos_of(world.anchorer.script)
    funding = world.source.transaction(coin.outpoint.txid)
    world.source.broadcast(child_of(funding, fee=250))  # somebody with our key was quicker
    world.wait_for(1)
    world.anchorer.poll()
    # 154, 193, 242, 303, 379, 474: a replacement pays 250 and its own 154
    assert [each.fee for each in world.versions()] == [154, 193, 242, 303, 379, 474]
    assert [each.sent_at is not None for each in world.versions()] == [False] * 5 + [True]
    world.mine(6)
    world.assert_final(1)


def test_r58_the_fee_stops_at_its_cap_and_the_transaction_stays_alive(tmp_path):
    world = make_world(tmp_path, coins=1, terms=replace(TERMS, fees=FeeTerms(rate_max=3_000)))
    world.wait_for(1)
    world.anchorer.poll()
    world.mine_empty(5)
    assert [each.fee for each in world.versions()] == [154, 308, 462]
    assert world.waiting_fee(world.versions()[-1].txid) == 462
    assert world.states() == ["sent"]


def test_r58_low_funds_are_told_once_and_what_was_sent_stays_alive(tmp_path):
    world = make_world(tmp_path)
    world.wait_for(1)
    world.anchorer.poll()
    assert [each.kind for each in world.told] == ["anchor_funds_low"]
    assert world.anchorer.address in world.told[0].detail
    world.mine_empty(3)
    assert len(world.told) == 1
    world.fund()  # subsidies go to the key for one block
    coin = world.source.utxos_of(world.anchorer.script)[0]
    small = sent_again(world, coin.outpoint, coin.coin.output.amount)
    small = replace(small, outputs=(TxOut(1_200, world.anchorer.script),))
    small = sign(replace(small, inputs=(TxIn(coin.outpoint),)), [coin.coin.output])
    world.source.mine_with([small], OTHER)
    world.anchorer.poll()
    assert world.states() == ["sent"]
    world.mine_empty(3)
    # 154 and 308 leave a fee and 546 beside them, 462 does not
    assert [each.fee for each in world.versions()] == [154, 308]
    assert [each.kind for each in world.told] == ["anchor_funds_low"] * 2
    assert world.told[-1].cycle == 1
    world.mine(6)
    world.assert_final(1)


def test_r60_the_next_cycle_waits_for_its_time_unless_it_is_asked_for(tmp_path):
    world = make_world(tmp_path, coins=1, terms=replace(TERMS, interval_ms=3_600_000))
    world.wait_for(1)
    world.anchorer.poll()
    world.mine(1)
    world.wait_for(2)
    world.mine(1)
    world.clock.now += 3_599
    world.anchorer.poll()
    assert world.states() == ["mined"]
    world.anchorer.poll(is_forced=True)
    assert world.states() == ["mined", "sent"]
    world.mine(1)
    world.wait_for(3)
    world.clock.now += 7_201
    world.anchorer.poll()
    assert world.states()[2] == "sent"


@pytest.mark.parametrize("depth", [1, 3, 7])
def test_r62_a_reorganisation_is_followed(world, depth):
    world.wait_for(1, 2)
    world.anchorer.poll()
    world.mine(1)
    world.mine(depth - 1)
    world.simulator.reorg(depth)
    world.anchorer.poll()
    if depth < 7:
        assert world.states() == ["sent"]
        assert [each.kind for each in world.told] == ["anchor_unconfirmed"]
    else:
        assert world.states() == ["lost", "sent"]
    world.mine(6)
    world.assert_final(1, 2)
    assert len(world.versions()) == 1
    assert len(set().union(*world.spent_by_anchors().values())) == 1


def test_r62_the_same_transaction_is_taken_where_it_stands_in_the_new_chain(world):
    world.wait_for(1)
    world.anchorer.poll()
    world.mine(3)
    before = world.cycles()[0]
    raw = Transaction.decode(world.versions()[0].raw)
    world.simulator.reorg(3, 0)
    world.source.mine_with([], OTHER)
    world.source.mine_with([raw], OTHER)
    world.source.mine(3, OTHER)
    world.anchorer.poll()
    (row,) = world.cycles()
    assert (row.state, row.txid, row.height) == ("mined", before.txid, before.height + 1)
    assert row.block_hash != before.block_hash
    world.mine(2)
    world.assert_final(1)


def test_r62_another_version_in_the_new_chain_is_taken_there(world):
    world.wait_for(1)
    world.anchorer.poll()
    world.wait_for(2)
    world.mine_empty()
    first, second = (Transaction.decode(each.raw) for each in world.versions())
    world.source.mine_with([second], OTHER)
    world.anchorer.poll()
    assert world.cycles()[0].count == 2
    world.simulator.reorg(1, 0)
    world.source.mine_with([first], OTHER)
    world.source.mine_with([], OTHER)
    world.anchorer.poll()
    assert (world.cycles()[0].txid, world.cycles()[0].count) == (first.txid, 1)
    world.mine(4)
    world.assert_final(1)
    world.mine(7)
    world.assert_final(1, 2)


def test_r62_a_coin_spent_otherwise_sends_the_commitments_to_another_one(tmp_path):
    world = make_world(tmp_path, coins=2)
    world.wait_for(1, 2)
    world.anchorer.poll()
    world.mine(1)
    (version,) = world.versions()
    spent = Transaction.decode(version.raw).inputs[0].prevout
    world.simulator.reorg(1, 0)
    thief = sent_again(world, spent, 5_000_000_000)
    world.source.mine_with([thief], OTHER)
    world.source.mine_with([], OTHER)
    world.anchorer.poll()
    assert world.states() == ["sent"]
    assert [row.leaf for row in world.commitments()] == [0, 1]
    assert len(world.spent_by_anchors()[1]) == 2
    world.mine(6)
    world.assert_final(1, 2)
    assert [each.kind for each in world.told] == ["anchor_unconfirmed"]


def test_r63_a_final_anchor_that_is_lost_is_made_again_and_leads_to_another_block(world):
    world.wait_for(1, 2)
    world.anchorer.poll()
    world.mine(6)
    world.assert_final(1, 2)
    before = world.cycles()[0]
    world.simulator.reorg(6)
    world.anchorer.poll()
    assert world.states() == ["lost", "sent"]
    assert [each.kind for each in world.told] == ["anchor_lost"]
    assert world.headers.confirmations(before.block_hash) == 0  # what was issued fails now
    world.mine(6)
    assert world.states() == ["lost", "final"]
    world.assert_final(1, 2)
    assert {row.cycle for row in world.commitments()} == {2}
    after = world.cycles()[1]
    assert (after.block_hash, after.ops) != (before.block_hash, before.ops)
    lost = world.cycles()[0]
    assert (lost.txid, lost.ops, lost.height) == (before.txid, before.ops, before.height)


def test_cycles_that_spend_one_anothers_change_come_back_in_their_order(world):
    for number in range(1, 4):
        world.wait_for(number)
        world.anchorer.poll()
        world.mine(1)
    assert world.states() == ["mined"] * 3
    world.simulator.reorg(4)
    world.anchorer.poll()
    assert world.states() == ["sent"] * 3
    world.mine(6)
    world.assert_final(1, 2, 3)
    inputs = world.spent_by_anchors()
    assert [len(each) for each in inputs.values()] == [1, 1, 1]


def test_a_cycle_whose_coin_will_never_be_pays_with_another(world):
    world.wait_for(1)
    world.anchorer.poll()
    world.wait_for(2)
    world.mine_empty()
    first = Transaction.decode(world.versions()[0].raw)
    world.mine(1)
    world.wait_for(3)
    world.anchorer.poll()
    assert world.states() == ["mined", "sent"]
    world.mine(1)
    world.simulator.reorg(2, 0)
    world.source.mine_with([first], OTHER)  # so the change that the second cycle spent never was
    world.source.mine(2, OTHER)
    world.anchorer.poll()
    world.mine(14)
    world.assert_final(1, 2, 3)


def test_r57_commitments_are_taken_up_in_journal_order_and_no_more_than_a_cycle_holds(
    world, monkeypatch
):
    monkeypatch.setattr("lodestamp.node.anchors.bitcoin.rows.CYCLE_COMMITMENTS_MAX", 3)
    world.wait_for(5, 4, 3, 2, 1)
    world.anchorer.poll()
    assert [(row.cycle, row.leaf) for row in world.commitments()] == [
        (1, 0), (1, 1), (1, 2), (None, None), (None, None),
    ]  # fmt: skip
    world.mine(8)
    world.assert_final(1, 2, 3, 4, 5)


def test_r57_own_digests_of_32_bytes_are_leaves_like_any_other(world):
    digest = commitment(9)[:32]
    assert world.anchorer.submit(digest)
    assert not world.anchorer.submit(digest)
    world.anchorer.poll()
    world.mine(6)
    (row,) = world.commitments()
    (cycle,) = world.cycles()
    world.assert_replays(cycle, row)


def test_a_node_that_is_away_when_a_transaction_is_sent_gets_it_at_the_next_look(
    world, monkeypatch
):
    world.wait_for(1)
    world.anchorer.poll()
    world.mine_empty()

    def away(_tx):
        raise ChainUnavailable("away")

    world.wait_for(2)
    with monkeypatch.context() as patch:
        patch.setattr(world.source, "broadcast", away)
        with pytest.raises(ChainUnavailable):
            world.source.mine_with([], OTHER)
            world.anchorer.poll()
    assert world.versions()[-1].sent_at is None
    world.restart()
    world.anchorer.poll()
    assert world.waiting_fee(world.versions()[-1].txid) == 462
    world.mine(6)
    world.assert_final(1, 2)


def test_coins_are_found_from_a_birthday_on_by_reading_blocks(tmp_path):
    first = make_world(tmp_path)
    first.fund(3)
    (tmp_path / "other").mkdir()
    late = make_world(tmp_path / "other", first.simulator, birthday=1)
    late.wait_for(1)
    late.anchorer.poll()
    assert late.states() == ["sent"]
    late.mine(6)
    late.assert_final(1)


def test_coins_that_came_before_the_birthday_are_not_found(tmp_path):
    world = make_world(tmp_path, birthday=50)
    world.fund(3)
    world.wait_for(1)
    world.anchorer.poll()
    assert world.states() == []
    assert [each.kind for each in world.told] == ["anchor_funds_low"]


def test_an_immature_coin_pays_for_nothing(tmp_path):
    world = make_world(tmp_path)
    world.anchorer.poll()
    world.source.mine(1, world.anchorer.script)
    world.wait_for(1)
    world.source.mine(98, OTHER)
    world.anchorer.poll()
    assert world.states() == []
    world.source.mine(1, OTHER)
    world.anchorer.poll()
    assert world.states() == ["sent"]
    assert SIGNER.output_key() in world.anchorer.script


def test_nothing_waits_twice(world):
    assert world.anchorer.submit(commitment(1))
    assert not world.anchorer.submit(commitment(1))
    with world.database.reading("testing") as connection:
        assert len(connection.execute(commitments.select()).all()) == 1


def test_it_looks_again_and_again_until_it_is_stopped_and_tells_when_the_node_is_away(
    world, monkeypatch
):
    world.wait_for(1)
    stop, told, looks = Event(), [], []
    look = world.source.tip

    def tip():
        looks.append(None)
        if len(looks) == 1:
            raise ChainUnavailable("away")
        return look()

    monkeypatch.setattr(world.source, "tip", tip)
    thread = Thread(
        target=world.anchorer.run, args=(stop,), kwargs={"poll_s": 0.01, "warn": told.append}
    )
    thread.start()
    while world.states() != ["sent"]:
        assert thread.is_alive()
        sleep(0.01)
    stop.set()
    thread.join()
    assert [each.message for each in told] == ["away"]


def test_a_chain_that_changed_below_what_is_kept_is_not_followed(world, monkeypatch):
    monkeypatch.setattr("lodestamp.node.anchors.bitcoin.reading.REVERSIBLE_MAX", 5)
    world.anchorer.poll()
    world.mine(7)
    world.simulator.reorg(6)
    with pytest.raises(ReorgTooDeep):
        world.anchorer.poll()


def test_r58_a_sweep_pays_no_more_than_an_anchor_may_whatever_the_node_estimates(
    world, monkeypatch
):
    monkeypatch.setattr(world.source, "fee_rate", lambda _blocks: 4_000_000_000)
    made = world.anchorer.sweep(OTHER)
    with world.simulator.reading("testing") as session:
        fee = session.mempool.get(made.txid).fee
    assert fee == FEE_RATE_MAX * made.vsize // 1000
