"""The simulator's commands: blocks, reorganisations, time, rules (R33-R36)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks import block_of, coinbase
from chains import OTHER, SCRIPT, SIGNER, START, Clock, child_of, grown, simulator
from lodestamp.core.bitcoin import REGTEST, Block, TxOut, check_witnesses
from lodestamp.errors import ChainNotFound, ChainRejected, UsageError
from lodestamp.node.chains import SimulatedChain, Simulator, plan


@pytest.fixture
def source():
    chain = SimulatedChain(grown(105))
    yield chain
    chain.close()


def coin_set(simulated):
    with simulated.reading("testing") as session:
        return {each.outpoint: each.coin for each in session.chain.coins()}


def pay(source, value=100_000):
    tx = plan(source, SIGNER, [TxOut(value, OTHER)], 1_000).tx
    source.broadcast(tx)
    return tx


def test_r35_the_same_commands_give_the_same_hashes():
    def story():
        chain = SimulatedChain(simulator())
        hashes = [*chain.mine(103, SCRIPT)]
        pay(chain)
        hashes += chain.mine(1, SCRIPT)
        hashes += chain.simulator.reorg(2)
        chain.close()
        return hashes

    assert story() == story()


def test_r35_block_time_is_the_clock_and_always_after_the_median():
    clock = Clock()
    made = Simulator.open(None, clock, SCRIPT)
    chain = SimulatedChain(made)
    assert chain.header(chain.mine(1, SCRIPT)[0]).time == START
    clock.now += 1_000
    assert chain.header(chain.mine(1, SCRIPT)[0]).time == START + 1_000
    made.set_mock_time(START + 5_000)
    chain.mine(12, SCRIPT)
    made.set_mock_time(0)
    assert chain.header(chain.mine(1, SCRIPT)[0]).time > START + 5_000
    with pytest.raises(UsageError):
        made.set_mock_time(-1)
    made.close()


def test_blocks_carry_height_subsidy_and_commitment(source):
    record = source.block(source.tip().hash)
    first = record.block.txs[0]
    assert first.inputs[0].script_sig.startswith(b"\x01\x69")  # 105, BIP34
    assert check_witnesses(record.block) is None
    assert first.outputs[0].amount == 5_000_000_000
    source.mine(50, SCRIPT)
    assert source.block(source.tip().hash).block.txs[0].outputs[0].amount == 2_500_000_000


def test_r36_a_reorganisation_brings_transactions_back_to_wait(source):
    simulated = source.simulator
    before = coin_set(simulated)
    tx = pay(source)
    source.mine(2, SCRIPT)
    new = simulated.reorg(2)
    assert len(new) == 3
    assert source.tip().hash == new[-1]
    assert source.transaction(tx.txid) == tx
    rewards = {each for each, coin in coin_set(simulated).items() if coin.height > 105}
    assert coin_set(simulated).keys() - rewards == before.keys()
    (block,) = source.mine(1, SCRIPT)
    assert source.block(block).block.txs[1:] == (tx,)


def test_r36_a_spend_of_a_reward_that_is_gone_leaves_the_mempool(source):
    source.mine(100, SCRIPT)
    late = [each for each in source.utxos_of(SCRIPT) if each.coin.height == 105]
    assert late
    tx = pay(source, 5_000_000_000 * 100)
    source.simulator.invalidate(source.block_hash(104))
    with pytest.raises(ChainNotFound):
        source.transaction(tx.txid)


def test_r36_a_branch_of_less_work_wins_only_after_invalidation(source):
    old = source.tip()
    new = source.simulator.reorg(3, 1)
    assert source.tip().hash == new[-1]
    assert source.tip().height == old.height - 2
    for each in (old.hash,):
        source.reconsider(each)
    assert source.tip() == old


def test_r36_submitted_blocks_join_when_they_are_heavier(source):
    simulated = source.simulator
    twin = SimulatedChain(simulator())
    for height in range(1, 104):
        twin.simulator.submit(source.block(source.block_hash(height)).block)
    branch = [twin.block(each).block for each in twin.mine(3, OTHER)]
    tip = source.tip()
    simulated.submit(branch[0])
    simulated.submit(branch[1])
    assert source.tip() == tip  # a tie: the first seen stays (R18)
    simulated.submit(branch[2])
    assert source.tip().hash == branch[2].hash
    assert coin_set(simulated) == coin_set(twin.simulator)
    with pytest.raises(ChainRejected) as refused:
        simulated.submit(block_of(coinbase(9), prev=b"\x05" * 32))
    assert refused.value.reason == "prev-blk-not-found"
    twin.close()


def broken(source, change):
    """The reason why a block, changed and mined again, is refused."""
    with source.simulator.reading("testing") as session:
        block = session.mine_on(session.chain.tip(), SCRIPT, (), 0)
    txs = change(block.txs)
    again = block_of(*txs, prev=block.header.prev, time=block.header.time)
    before = source.tip()
    with pytest.raises(ChainRejected) as refused:
        source.simulator.submit(again)
    assert source.tip() == before
    return refused.value.reason


def with_first(**changes):
    return lambda txs: (replace(txs[0], **changes), *txs[1:])


def test_blocks_that_break_a_rule_are_refused_by_name(source):
    def greedy(txs):
        outputs = (TxOut(5_000_000_001, SCRIPT), *txs[0].outputs[1:])
        return with_first(outputs=outputs)(txs)

    def script(raw):
        return lambda txs: with_first(inputs=(replace(txs[0].inputs[0], script_sig=raw),))(txs)

    assert broken(source, greedy) == "bad-cb-amount"
    assert broken(source, script(b"\x01\x68\x00")) == "bad-cb-height"
    assert broken(source, script(b"\x6a")) == "bad-cb-length"
    assert broken(source, lambda txs: (*txs, coinbase(9))) == "bad-cb-multiple"
    assert broken(source, with_first(outputs=())) == "bad-txns-vout-empty"
    assert broken(source, with_first(locktime=500, inputs=())) == "bad-cb-missing"
    heavy = TxOut(0, b"\xac" * 20_001)
    assert broken(source, lambda txs: with_first(outputs=(*txs[0].outputs, heavy))(txs)) == (
        "bad-blk-sigops"
    )
    large = TxOut(0, b"\x6a" + bytes(1_000_000))
    assert broken(source, lambda txs: with_first(outputs=(*txs[0].outputs, large))(txs)) == (
        "bad-blk-length"
    )


def test_a_coin_cannot_be_spent_twice_in_one_block(source):
    one = plan(source, SIGNER, [TxOut(100_000, OTHER)], 1_000).tx
    two = plan(source, SIGNER, [TxOut(200_000, OTHER)], 1_000).tx
    with pytest.raises(ChainRejected) as refused:
        source.mine_with([one, two], SCRIPT)
    assert refused.value.reason == "bad-txns-inputs-missingorspent"
    with pytest.raises(ChainRejected):
        source.mine_with([one, one], SCRIPT)


def test_a_child_may_follow_its_parent_in_one_block_and_never_precede_it(source):
    parent = plan(source, SIGNER, [TxOut(100_000, SCRIPT)], 1_000).tx
    source.broadcast(parent)
    child = child_of(parent)
    source.broadcast(child)
    with pytest.raises(ChainRejected):
        source.mine_with([child, parent], SCRIPT)
    block = source.mine_with([parent, child], SCRIPT)
    source.simulator.invalidate(block)
    source.simulator.reconsider(block)
    assert source.tip().hash == block


def test_the_file_keeps_its_rules_and_its_chain(tmp_path):
    path = tmp_path / "chain.db"
    first = Simulator.open(path, Clock(), SCRIPT)
    first.set_deployment("opcat", active=False)
    source = SimulatedChain(first)
    source.mine(102, SCRIPT)
    tx = pay(source)
    tip, coins = source.tip(), coin_set(first)
    source.close()
    again = SimulatedChain(Simulator.open(path, Clock(), SCRIPT))
    assert (again.tip(), coin_set(again.simulator)) == (tip, coins)
    assert again.transaction(tx.txid) == tx
    assert again.capabilities().deployments["opcat"] is False
    with pytest.raises(UsageError):
        again.simulator.set_deployment("opcat", active=True)
    again.close()


def test_two_that_share_a_file_see_each_other(tmp_path):
    one, two = (
        SimulatedChain(Simulator.open(tmp_path / "chain.db", Clock(), SCRIPT)) for _ in range(2)
    )
    one.mine(102, SCRIPT)
    tx = pay(two)
    assert one.transaction(tx.txid) == tx
    (block,) = one.mine(1, SCRIPT)
    assert two.block(block).block.txs[1:] == (tx,)
    with two.simulator.reading("testing") as session:
        assert session.mempool.entries() == ()
    one.close()
    two.close()


def test_calls_that_make_no_sense_are_refused(source):
    simulated = source.simulator
    for call in (
        lambda: simulated.mine(-1),
        lambda: simulated.mine(10_001),
        lambda: simulated.reorg(0),
        lambda: simulated.reorg(106),
        lambda: simulated.reorg(1, -1),
        lambda: simulated.invalidate(REGTEST.genesis.hash),
        lambda: simulated.set_deployment("taproot", active=False),
    ):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(ChainNotFound):
        simulated.invalidate(b"\x01" * 32)
    assert source.tip().height == 105


def test_the_genesis_block_is_that_of_regtest(source):
    block = Block.decode(source.raw_block(REGTEST.genesis.hash))
    assert block.header == REGTEST.genesis
    assert block.txs[0].txid_display == (
        "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    )
