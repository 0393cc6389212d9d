"""Random histories of the simulator end in the coins that a replay of its best chain makes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains import OTHER, SCRIPT, SIGNER, grown, simulator
from lodestamp.core.bitcoin import Block, Transaction, TxOut
from lodestamp.errors import ChainError, UsageError
from lodestamp.node.chains import SimulatedChain, plan

STEPS = st.one_of(
    st.tuples(st.just("mine"), st.integers(1, 3)),
    st.tuples(st.just("pay"), st.integers(1, 900)),
    st.tuples(st.just("reorg"), st.integers(1, 4), st.integers(0, 6)),
    st.tuples(st.just("invalidate"), st.integers(0, 4)),
    st.tuples(st.just("reconsider"), st.integers(0, 50)),
)


def take(source, step, seen):
    """One step; what makes no sense at this point is refused and changes nothing."""
    simulated = source.simulator
    name, *numbers = step
    if name == "mine":
        seen += source.mine(numbers[0], OTHER)
    elif name == "pay":
        source.broadcast(plan(source, SIGNER, [TxOut(numbers[0] * 1_000, OTHER)], 1_000).tx)
    elif name == "reorg":
        seen += simulated.reorg(*numbers)
    elif name == "invalidate":
        simulated.invalidate(source.block_hash(source.tip().height - numbers[0]))
    elif seen:
        source.reconsider(seen[numbers[0] % len(seen)])


def state(simulated):
    with simulated.reading("testing") as session:
        coins = {each.outpoint: each.coin for each in session.chain.coins()}
        places = {tx.txid: session.chain.place_of(tx.txid) for tx in _transactions(session)}
        return coins, places, session.mempool.entries(), session.chain.tip()


def _transactions(session) -> list[Transaction]:
    rows = map(session.chain.row, session.chain.active_hashes(0, 10_000))
    return [tx for row in rows for tx in Block.decode(row.raw).txs]


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(STEPS, max_size=14))
def test_random_reorganisations_end_in_the_coins_of_a_replay(steps):
    source = SimulatedChain(grown(104))
    seen: list[bytes] = []
    for step in steps:
        before = state(source.simulator)
        try:
            take(source, step, seen)
        except (ChainError, UsageError):
            assert state(source.simulator) == before
    coins, places, waiting, tip = state(source.simulator)
    replay = SimulatedChain(simulator())
    for _, raw in source.raw_blocks(1, tip.height + 1):
        replay.simulator.submit(Block.decode(raw))
    again = state(replay.simulator)
    assert again[:2] == (coins, places)
    assert again[3] == tip
    for entry in waiting:  # what still waits is what a fresh mempool takes in, in this order
        replay.broadcast(entry.tx)
    mined = source.mine(1, SCRIPT)[0]
    assert len(source.block(mined).block.txs) == len(waiting) + 1
    source.close()
    replay.close()
