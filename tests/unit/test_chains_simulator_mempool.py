"""What the simulator's mempool refuses, in Bitcoin Core's words (R33, R34)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chains import OTHER, SCRIPT, child_of, grown, sign, simulator
from lodestamp.core.bitcoin import (
    NUMS,
    Leaf,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    output_script,
)
from lodestamp.errors import ChainRejected
from lodestamp.node.chains import SimulatedChain

REPLACEABLE = 0xFFFFFFFD
FINAL = 0xFFFFFFFF


@pytest.fixture
def source():
    chain = SimulatedChain(grown(110))
    yield chain
    chain.close()


def coins(source):
    """Mature coins of the signer, oldest first."""
    found = [each for each in source.utxos_of(SCRIPT) if each.coin.height <= 11]
    return sorted(found, key=lambda each: each.coin.height)


def spend(*unspent, fee=1_000, sequence=REPLACEABLE, script=OTHER, version=2, locktime=0, extra=()):
    """A signed payment of everything but the fee."""
    total = sum(each.coin.output.amount for each in unspent) - sum(each.amount for each in extra)
    inputs = tuple(TxIn(each.outpoint, sequence=sequence) for each in unspent)
    outputs = (TxOut(total - fee, script), *extra)
    tx = Transaction(version, inputs, outputs, locktime)
    return sign(tx, [each.coin.output for each in unspent])


def reason(source, tx):
    answer = source.test_accept(tx)
    with pytest.raises(ChainRejected) as refused:
        source.simulator.send(tx)
    assert refused.value.reason == answer.reason
    assert not answer.allowed
    return answer.reason


def test_r34_unknown_inputs_are_missing(source):
    tx = spend(coins(source)[0])
    stranger = replace(tx.inputs[0], prevout=OutPoint(b"\x07" * 32, 0))
    assert reason(source, replace(tx, inputs=(stranger,))) == "missing-inputs"


def test_r34_what_is_there_already_is_told_apart(source):
    tx = spend(coins(source)[0])
    source.broadcast(tx)
    assert reason(source, tx) == "txn-already-in-mempool"
    other = replace(tx, inputs=(replace(tx.inputs[0], witness=(bytes(64),)),))
    assert reason(source, other) == "txn-same-nonwitness-data-in-mempool"
    source.mine(1, SCRIPT)
    assert reason(source, tx) == "txn-already-known"


def test_r34_amounts_and_fees(source):
    coin = coins(source)[0]
    assert reason(source, spend(coin, fee=-1)) == "bad-txns-in-belowout"
    assert reason(source, spend(coin, fee=100)) == "min relay fee not met"
    assert source.test_accept(spend(coin, fee=111)).allowed  # 111 vB at 1,000 sat/kvB


def test_r34_a_reward_cannot_be_spent_early(source):
    young = max(source.utxos_of(SCRIPT), key=lambda each: each.coin.height)
    assert reason(source, spend(young)) == "bad-txns-premature-spend-of-coinbase"
    edge = [each for each in source.utxos_of(SCRIPT) if each.coin.height == 11]
    assert source.test_accept(spend(*edge)).allowed
    beyond = [each for each in source.utxos_of(SCRIPT) if each.coin.height == 12]
    assert reason(source, spend(*beyond)) == "bad-txns-premature-spend-of-coinbase"


def test_r34_lock_times(source):
    coin, height = coins(source)[0], source.tip().height
    assert source.test_accept(spend(coin, locktime=height)).allowed
    assert reason(source, spend(coin, locktime=height + 1)) == "non-final"
    assert source.test_accept(spend(coin, locktime=height + 1, sequence=FINAL)).allowed
    age = height + 1 - coin.coin.height
    assert source.test_accept(spend(coin, sequence=age)).allowed
    assert reason(source, spend(coin, sequence=age + 1)) == "non-BIP68-final"
    assert source.test_accept(spend(coin, sequence=age + 1, version=1)).allowed
    late = coins(source)[5]  # the block before it is of the clock's time, unlike the genesis
    assert reason(source, spend(late, sequence=1 << 22 | 0xFFFF)) == "non-BIP68-final"


def test_r34_dust_and_a_coinbase(source):
    coin = coins(source)[0]
    assert reason(source, spend(coin, extra=(TxOut(329, OTHER),))) == "dust"
    assert source.test_accept(spend(coin, extra=(TxOut(330, OTHER),))).allowed
    made = source.block(source.tip().hash).block.txs[0]
    assert reason(source, made) == "coinbase"
    empty = replace(spend(coin), outputs=())
    assert reason(source, empty) == "bad-txns-vout-empty"


def test_r34_a_bad_signature_is_mandatory(source):
    tx = spend(coins(source)[0])
    bad = replace(tx, inputs=(replace(tx.inputs[0], witness=(bytes(64),)),))
    assert reason(source, bad) == "mandatory-script-verify-flag-failed (Invalid Schnorr signature)"
    assert source.test_accept(bad).script_error == "SCHNORR_SIG"


def leaf_coin(source, leaf):
    """Fund a taproot output with one leaf; return its coin and its control block."""
    script = output_script(NUMS, Leaf(leaf))
    source.broadcast(spend(coins(source)[0], script=script))
    source.mine(1, SCRIPT)
    (coin,) = source.utxos_of(script)
    return coin, control_block(NUMS, Leaf(leaf), Leaf(leaf))


def spend_leaf(coin, leaf, control, *items):
    item = TxIn(coin.outpoint, sequence=REPLACEABLE, witness=(*items, leaf, control))
    return Transaction(2, (item,), (TxOut(coin.coin.output.amount - 2_000, OTHER),))


CAT = bytes.fromhex("7e0361626387")  # <a> <bc> CAT "abc" EQUAL


def test_r33_op_cat_is_enforced_where_it_is_active(source):
    coin, control = leaf_coin(source, CAT)
    good = spend_leaf(coin, CAT, control, b"a", b"bc")
    bad = spend_leaf(coin, CAT, control, b"a", b"b")
    assert source.test_accept(bad).script_error == "EVAL_FALSE"
    with pytest.raises(ChainRejected):
        source.mine_with([bad], SCRIPT)
    source.mine_with([good], SCRIPT)


def test_r33_op_cat_that_is_switched_off_is_anyones_in_a_block_and_not_relayed():
    source = SimulatedChain(simulator(opcat=False))
    source.mine(110, SCRIPT)
    assert source.capabilities().deployments == {"opcat": False, "checktemplateverify": True}
    coin, control = leaf_coin(source, CAT)
    bad = spend_leaf(coin, CAT, control, b"a", b"b")
    answer = source.test_accept(bad)
    assert answer.script_error == "DISCOURAGE_OP_CAT"
    assert answer.reason.startswith("non-mandatory-script-verify-flag (")
    source.mine_with([bad], SCRIPT)  # R22: anyone could spend
    source.close()


def test_r34_a_large_witness_item_is_not_relayed(source):
    leaf = bytes.fromhex("7551")  # DROP 1
    coin, control = leaf_coin(source, leaf)
    assert source.test_accept(spend_leaf(coin, leaf, control, bytes(80))).allowed
    assert reason(source, spend_leaf(coin, leaf, control, bytes(81))) == "bad-witness-nonstandard"
    source.mine_with([spend_leaf(coin, leaf, control, bytes(520))], SCRIPT)


def test_r34_a_conflict_that_does_not_signal_stands(source):
    coin = coins(source)[0]
    source.broadcast(spend(coin, sequence=FINAL))
    assert reason(source, spend(coin, fee=90_000)) == "txn-mempool-conflict"


def test_r34_a_replacement_pays_more_in_all_and_by_rate(source):
    coin, other = coins(source)[:2]
    first = spend(coin, fee=1_000, script=SCRIPT)
    child = child_of(first, fee=5_000)
    for tx in (first, child):
        source.broadcast(tx)
    assert reason(source, spend(coin, fee=999)) == "insufficient fee"  # a lower rate
    assert reason(source, spend(coin, fee=6_000)) == "insufficient fee"  # no more in all
    assert reason(source, spend(coin, fee=6_110)) == "insufficient fee"  # not its own relay
    better = spend(coin, fee=6_111)
    source.broadcast(better)
    assert source.transaction(better.txid) == better
    for gone in (first, child):
        assert reason(source, gone) in {"insufficient fee", "missing-inputs"}
    waiting = spend(other)
    source.broadcast(waiting)
    with_unconfirmed = Transaction(
        2,
        (TxIn(coin.outpoint, sequence=REPLACEABLE), TxIn(OutPoint(waiting.txid, 0))),
        (TxOut(1_000, OTHER),),
    )
    assert reason(source, with_unconfirmed) in {
        "replacement-adds-unconfirmed",
        "mandatory-script-verify-flag-failed (Witness program was passed an empty witness)",
    }


def test_r34_a_replacement_may_not_spend_what_it_replaces(source):
    coin = coins(source)[0]
    first = spend(coin, script=SCRIPT)
    source.broadcast(first)
    output = first.outputs[0]
    tx = Transaction(
        2,
        (TxIn(coin.outpoint, sequence=1), TxIn(OutPoint(first.txid, 0), sequence=0)),
        (TxOut(output.amount, OTHER),),
    )
    assert reason(source, sign(tx, [coin.coin.output, output])) == "bad-txns-spends-conflicting-tx"


def test_r34_a_line_of_25_is_as_long_as_it_gets(source):
    tx = spend(coins(source)[0], script=SCRIPT)
    source.broadcast(tx)
    for _ in range(24):
        tx = child_of(tx)
        source.broadcast(tx)
    assert reason(source, child_of(tx)) == "too-long-mempool-chain"
    (block,) = source.mine(1, SCRIPT)
    assert len(source.block(block).block.txs) == 26
    assert source.test_accept(child_of(tx)).allowed
