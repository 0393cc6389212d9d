"""One suite for every door to a chain: the simulator direct and over its RPC, btcd, bitcoind."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from chains import DOORS, OTHER, SCRIPT, SIGNER, open_door
from lodestamp.core.bitcoin import REGTEST, OutPoint, TxOut, check_inclusion, sha256d
from lodestamp.errors import (
    ChainNotFound,
    ChainRejected,
    ChainRpcError,
    CovenantsNotActive,
    WrongNetwork,
)
from lodestamp.node.chains import (
    BlockRef,
    Connected,
    Disconnected,
    open_source,
    plan,
    require_active,
)

pytestmark = pytest.mark.parametrize("chain", DOORS, indirect=True, scope="module")
VALUE = 1_000_000


@pytest.fixture(scope="module")
def chain(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with open_door(request.param, folder) as opened:
        opened.mine(105)
        yield opened


def pay(chain, value=VALUE):
    return plan(chain.source, SIGNER, [TxOut(value, OTHER)], 2_000)


def test_it_is_the_network_it_was_configured_for(chain):
    assert chain.source.network is REGTEST
    assert chain.source.block_hash(0) == REGTEST.genesis.hash
    if "network=" in chain.url:
        with pytest.raises(WrongNetwork):
            open_source(chain.url.replace("network=regtest", "network=main"))


def test_the_tip_is_the_last_block_and_nothing_is_above_it(chain):
    tip = chain.source.tip()
    assert chain.source.block_hash(tip.height) == tip.hash
    assert chain.source.block_hash(tip.height + 1) is None
    assert chain.source.block_hash(-1) is None
    (mined,) = chain.mine()
    assert chain.source.tip() == BlockRef(tip.height + 1, mined)


def test_headers_link_and_blocks_come_in_order(chain):
    headers = chain.source.headers(0, 12)
    assert headers[0] == REGTEST.genesis
    assert [each.prev for each in headers[1:]] == [each.hash for each in headers[:-1]]
    blocks = list(chain.source.raw_blocks(1, 12))
    assert [ref.hash for ref, _ in blocks] == [each.hash for each in headers[1:]]
    assert all(raw == chain.source.raw_block(ref.hash) for ref, raw in blocks)
    top = chain.source.tip().height
    assert [ref.height for ref, _ in chain.source.raw_blocks(top, top + 9)] == [top]


def test_a_payment_is_accepted_mined_and_proven(chain):
    source = chain.source
    payment = pay(chain)
    answer = source.test_accept(payment.tx)
    assert (answer.allowed, answer.vsize, answer.fee) == (True, payment.tx.vsize, payment.fee)
    assert source.broadcast(payment.tx) == payment.tx.txid
    assert source.broadcast(payment.tx) == payment.tx.txid  # known already is no error
    assert source.transaction(payment.tx.txid) == payment.tx
    (block,) = chain.mine()
    record = source.block(block, prevouts=True)
    assert record.block.txs[1] == payment.tx
    spent = tuple(each.coin.output for each in payment.spent)
    assert record.spent == ((), spent)
    assert source.prevouts(block, 1) == spent
    assert source.transaction(payment.tx.txid, block=block) == payment.tx
    inclusion = source.inclusion(payment.tx.txid, block)
    assert check_inclusion(inclusion).txid == payment.tx.txid
    assert (inclusion.index, inclusion.header.hash) == (1, block)


def test_an_anchor_is_sent_mined_and_found_again_also_after_a_reorganisation(chain):
    """R29, R30: an OP_RETURN output of 36 bytes, its block taken back and reconsidered."""
    source, since = chain.source, chain.source.tip()
    anchor = TxOut(0, b"\x6a\x24PRV1" + sha256d(chain.door.encode()))
    payment = plan(source, SIGNER, [anchor, TxOut(VALUE + 5, OTHER)], 2_000)
    assert source.test_accept(payment.tx).allowed
    txid = source.broadcast(payment.tx)
    block, _ = chain.mine(2)
    tip = source.tip()
    source.invalidate(block)
    assert source.tip() == since
    assert source.utxo(OutPoint(txid, 1)) is None
    source.reconsider(block)
    assert source.tip() == tip
    assert source.block_hash(since.height + 1) == block
    assert source.utxo(OutPoint(txid, 1)).coin.height == since.height + 1
    assert source.utxo(OutPoint(txid, 0)) is None  # an OP_RETURN output is never a coin
    found = source.transaction(txid, near=since.height + 1)
    assert (found, found.outputs[0]) == (payment.tx, anchor)
    inclusion = source.inclusion(txid, block)
    assert check_inclusion(inclusion).outputs[0] == anchor
    assert inclusion.header == source.header(block)


def test_coins_are_found_by_outpoint_and_by_script(chain):
    source = chain.source
    payment = pay(chain, VALUE + 1)
    source.broadcast(payment.tx)
    chain.mine()
    made = OutPoint(payment.tx.txid, 0)
    coin = source.utxo(made)
    assert coin.coin.output == TxOut(VALUE + 1, OTHER)
    assert (coin.coin.height, coin.coin.is_coinbase) == (source.tip().height, False)
    assert coin in source.utxos_of(OTHER)
    assert source.utxo(payment.spent[0].outpoint) is None
    assert payment.spent[0] not in source.utxos_of(SCRIPT)
    assert source.utxos_of(b"\x51\x20" + bytes(31) + b"\x55") == ()


def test_a_coin_is_not_spent_twice(chain):
    source = chain.source
    payment = pay(chain, VALUE + 2)
    source.broadcast(payment.tx)
    chain.mine()
    again = replace(payment.tx, outputs=(TxOut(VALUE, OTHER),))
    assert not source.test_accept(again).allowed
    with pytest.raises((ChainRejected, ChainRpcError)):
        source.broadcast(again)


def test_a_wrong_signature_is_refused_with_its_reason(chain):
    payment = pay(chain)
    item = payment.tx.inputs[0]
    forged = replace(item, witness=(bytes(63) + b"\x01",))
    bad = replace(payment.tx, inputs=(forged, *payment.tx.inputs[1:]))
    answer = chain.source.test_accept(bad)
    assert not answer.allowed
    if chain.door != "btcd":  # btcd has words of its own
        assert answer.script_error == "SCHNORR_SIG"
        with pytest.raises(ChainRejected) as refused:
            chain.source.broadcast(bad)
        assert refused.value.script_error == "SCHNORR_SIG"


def test_what_is_not_there_is_not_found(chain):
    for ask in (chain.source.header, chain.source.raw_block, chain.source.transaction):
        with pytest.raises((ChainNotFound, ChainRpcError)):
            ask(b"\x11" * 32)
    with pytest.raises(ChainNotFound):
        chain.source.inclusion(b"\x11" * 32, chain.source.tip().hash)


def test_a_fee_rate_is_satoshis_per_thousand_virtual_bytes(chain):
    assert chain.source.fee_rate(6) == 1_000


def test_r32_watching_tells_what_leaves_and_what_joins(chain):
    source, stop = chain.source, threading.Event()
    since = source.tip()
    old = chain.mine(2)
    events = source.watch(since, stop)
    assert [next(events).record.block.hash for _ in old] == list(old)
    source.invalidate(old[0])
    assert source.tip() == since
    new = (pay_and_mine(chain), *chain.mine(2))
    seen = [next(events) for _ in range(5)]
    stop.set()
    assert [each.ref.hash for each in seen[:2]] == [old[1], old[0]]
    assert all(isinstance(each, Disconnected) for each in seen[:2])
    assert [each.record.block.hash for each in seen[2:]] == list(new)
    assert all(isinstance(each, Connected) for each in seen[2:])
    source.reconsider(old[0])
    assert source.tip().hash == new[-1]  # less work stays behind


def pay_and_mine(chain):
    """Another block than the one just taken back, which the same clock would make again."""
    chain.source.broadcast(pay(chain, VALUE + 3).tx)
    return chain.mine()[0]


def test_mining_with_given_transactions_holds_exactly_these(chain):
    payment = pay(chain, VALUE + 4)
    if chain.door == "btcd":
        pytest.skip("capability: btcd has no mine_with")
    block = chain.source.mine_with([payment.tx], SCRIPT)
    assert chain.source.block(block).block.txs[1:] == (payment.tx,)
    bad = replace(payment.tx, locktime=5)
    with pytest.raises(ChainRejected):
        chain.source.mine_with([bad], SCRIPT)


def test_r21_covenants_need_their_deployments(chain):
    if chain.door.startswith("simulator"):
        require_active(chain.source, {"opcat", "checktemplateverify"})
    elif chain.door == "btcd":
        with pytest.raises(CovenantsNotActive):
            require_active(chain.source, {"opcat"})
    with pytest.raises(CovenantsNotActive):
        require_active(chain.source, {"nosuchfork"})
