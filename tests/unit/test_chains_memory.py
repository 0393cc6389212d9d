"""A chain in memory: blocks in any order, forks by work, what spends what (ownership spec §1.4)."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import permutations

import pytest

from blk_writer import block_upon, chain_upon
from conftest import load_json
from lodestamp.core.bitcoin import (
    MAIN,
    NETWORKS,
    REGTEST,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    check_inclusion,
    check_merkle,
)
from lodestamp.errors import (
    BadHeader,
    ChainNotFound,
    ChainRpcError,
    ChainUnsupported,
    MalformedBlock,
    WrongNetwork,
)
from lodestamp.node.chains import (
    BlockRef,
    Connected,
    Disconnected,
    MemoryChain,
    genesis_block,
)


def spend(tx, vout=0, amount=1_000):
    return Transaction(1, (TxIn(OutPoint(tx.txid, vout)),), (TxOut(amount, b"\x51"),))


@pytest.fixture
def blocks():
    return chain_upon(REGTEST.genesis, 4)


def test_every_network_begins_with_its_genesis_block():
    for net in NETWORKS.values():
        block = genesis_block(net)
        assert check_merkle(block) is None
        chain = MemoryChain(net=net)
        assert chain.tip() == BlockRef(0, net.genesis.hash)
        assert chain.raw_block(net.genesis.hash) == block.encode()
        assert chain.block(net.genesis.hash, prevouts=True).spent == ((),)


def test_blocks_join_in_whatever_order_they_come(blocks):
    raws = [each.encode() for each in blocks]
    for order in permutations(raws):
        chain = MemoryChain(order)
        assert chain.tip() == BlockRef(4, blocks[-1].hash)
        assert [raw for _, raw in chain.raw_blocks(1, 99)] == raws
    chain = MemoryChain(raws[1:])
    assert chain.tip().height == 0
    with pytest.raises(ChainNotFound, match="not linked"):
        chain.block(blocks[2].hash)
    assert chain.raw_block(blocks[2].hash) == raws[2]


def test_the_first_seen_wins_a_tie_and_more_work_wins_over_it(blocks):
    other = chain_upon(blocks[1].header, 3, tag=7)
    chain = MemoryChain(each.encode() for each in (*blocks, *other[:2]))
    assert chain.tip().hash == blocks[3].hash
    assert chain.block(other[1].hash).height == 4
    chain.give(other[2].encode())
    assert chain.tip() == BlockRef(5, other[2].hash)
    assert chain.block_hash(3) == other[0].hash
    assert chain.headers(2, 99) == (blocks[1].header, *(each.header for each in other))
    chain.invalidate(other[0].hash)
    assert chain.tip() == BlockRef(4, blocks[3].hash)
    chain.give(chain_upon(other[2].header, 1, tag=9)[0].encode())
    assert chain.tip() == BlockRef(4, blocks[3].hash)  # upon a block that is out
    chain.reconsider(other[2].hash)
    assert chain.tip().height == 6


def test_a_branch_of_harder_blocks_wins_over_more_of_them():
    easy = chain_upon(REGTEST.genesis, 3)
    hard = block_upon(REGTEST.genesis, tag=5)
    from headers import worked

    header = worked(replace(hard.header, bits=0x201FFFFF))
    chain = MemoryChain([*(each.encode() for each in easy), replace(hard, header=header).encode()])
    assert chain.tip() == BlockRef(1, header.hash)


def test_a_block_without_its_work_or_of_another_chain_is_refused(blocks):
    weak = blocks[0]
    while int.from_bytes(weak.hash, "little") <= 0x7FFFFF << 232:
        weak = replace(weak, header=replace(weak.header, nonce=weak.header.nonce + 1))
    with pytest.raises(BadHeader) as refused:
        MemoryChain([weak.encode()])
    assert refused.value.code == "high-hash"
    with pytest.raises(BadHeader):
        MemoryChain([weak.encode()], net=MAIN)
    foreign = block_upon(type("None", (), {"hash": bytes(32)}))
    chain = MemoryChain()
    with pytest.raises(WrongNetwork):
        chain.give(foreign.encode())
    with pytest.raises(MalformedBlock):
        chain.give(b"short")
    with pytest.raises(ChainNotFound):
        chain.raw_block(foreign.hash)
    assert chain.tip().height == 0


def test_a_transaction_is_found_in_its_block_near_a_height_and_anywhere(blocks):
    (first, second, *_), paid = blocks, spend(blocks[0].txs[0])
    third = block_upon(second.header, paid, spend(paid), tag=50)
    chain = MemoryChain(each.encode() for each in (first, second, third))
    assert chain.transaction(paid.txid, block=third.hash) == paid
    for near in (None, 0, 1, 3, 99):
        assert chain.transaction(paid.txid, near=near) == paid
    assert chain.prevouts(third.hash, 0) == ()
    assert chain.prevouts(third.hash, 1) == (first.txs[0].outputs[0],)
    assert chain.prevouts(third.hash, 2) == (paid.outputs[0],)
    record = chain.block(third.hash, prevouts=True)
    assert record.spent == ((), (first.txs[0].outputs[0],), (paid.outputs[0],))
    inclusion = chain.inclusion(paid.txid, third.hash)
    assert check_inclusion(inclusion).txid == paid.txid
    with pytest.raises(ChainNotFound):
        chain.inclusion(paid.txid, second.hash)
    with pytest.raises(ChainNotFound):
        chain.transaction(paid.txid, block=second.hash)
    with pytest.raises(ChainNotFound):
        chain.transaction(bytes(32))
    with pytest.raises(ChainNotFound):
        chain.prevouts(third.hash, 3)


def test_a_spent_output_is_of_the_blocks_own_branch_or_given(blocks):
    paid = spend(blocks[3].txs[0])
    stray = block_upon(blocks[2].header, paid, tag=60)
    chain = MemoryChain(each.encode() for each in (*blocks, stray))
    with pytest.raises(ChainNotFound, match="makes the output"):
        chain.prevouts(stray.hash, 1)
    made = {OutPoint(blocks[3].txs[0].txid, 0): TxOut(5, b"\x52")}
    chain = MemoryChain((each.encode() for each in (*blocks, stray)), made=made)
    assert chain.prevouts(stray.hash, 1) == (TxOut(5, b"\x52"),)
    beyond = block_upon(blocks[0].header, spend(blocks[0].txs[0], vout=1), tag=61)
    chain.give(beyond.encode())
    with pytest.raises(ChainNotFound, match="makes the output"):
        chain.prevouts(beyond.hash, 1)


def test_a_block_whose_transactions_were_changed_is_no_answer(blocks):
    changed = replace(blocks[0], txs=blocks[1].txs).encode()
    cut = blocks[0].encode()[:-1]
    for raw in (changed, cut):
        chain = MemoryChain([raw])
        for ask in (
            chain.block,
            lambda each, chain=chain: chain.transaction(bytes(32), block=each),
        ):
            with pytest.raises(ChainRpcError, match="inconsistent"):
                ask(blocks[0].hash)


def test_a_change_while_blocks_are_read_is_told(blocks):
    other = chain_upon(REGTEST.genesis, 6, tag=3)
    chain = MemoryChain(each.encode() for each in blocks)
    reading = chain.raw_blocks(1, 99)
    next(reading)
    for each in other:
        chain.give(each.encode())
    with pytest.raises(ChainRpcError, match="changed"):
        next(reading)


def test_what_takes_a_node_is_unsupported(blocks):
    chain = MemoryChain([blocks[0].encode()])
    tx = blocks[0].txs[0]
    asked = [
        lambda: chain.utxo(OutPoint(tx.txid, 0)), lambda: chain.utxos_of(b""),
        lambda: chain.test_accept(tx), lambda: chain.broadcast(tx), lambda: chain.fee_rate(6),
        lambda: chain.mine(1, b""), lambda: chain.mine_with([], b""),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(ChainUnsupported, match="in memory"):
            ask()
    for name in ("mining", "fee_estimates", "proofs", "packages"):
        assert getattr(chain.capabilities(), name) is False
    chain.close()


def test_watching_sees_the_branch_that_wins(blocks):
    chain = MemoryChain(each.encode() for each in blocks)
    stop = threading.Event()
    seen = chain.watch(BlockRef(3, blocks[2].hash), stop)
    assert next(seen) == Connected(chain.block(blocks[3].hash, prevouts=True))
    other = chain_upon(blocks[2].header, 2, tag=8)
    for each in other:
        chain.give(each.encode())
    assert next(seen) == Disconnected(BlockRef(4, blocks[3].hash))
    assert [next(seen).record.block for _ in other] == other
    stop.set()


def test_the_public_scenarios_lead_to_their_best_blocks(vectors):
    """The side-chain blocks of the vectors come first; the first seen wins at equal height."""
    scenarios = load_json(vectors / "ownership" / "openpublish_public.json")["scenarios"]
    for each in scenarios:
        chain = MemoryChain(bytes.fromhex(event["raw"]) for event in each["events"])
        best = each["best"]
        assert (chain.tip().height, chain.tip().hash_display) == (best["height"], best["hash"])
    assert len(scenarios) == 10
