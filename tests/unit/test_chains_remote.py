"""A node that lies gives an error, never a wrong value (R30); lost sends are looked up (R29)."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from chains import OTHER, SCRIPT, SIGNER, Clock, grown
from lodestamp.core.bitcoin import REGTEST, OutPoint, TxOut
from lodestamp.errors import ChainNotFound, ChainRpcError, ChainUnavailable, WrongNetwork
from lodestamp.node.chains import Bitcoind, Btcd, SimulatedChain, SimulatorRpc, plan


class LyingRpc:
    """An honest simulator behind a client that changes some answers."""

    def __init__(self, simulated):
        self._rpc = SimulatorRpc(simulated, Clock())
        self.lies = {}
        self.calls = []

    def call(self, method, *params, retry=True):
        self.calls.append((method, retry))
        lie = self.lies.get(method)
        if isinstance(lie, Exception):
            raise lie
        body = json.dumps({"method": method, "params": params}, default=float)
        reply = json.loads(self._rpc.handle(body.encode()).body, parse_float=Decimal)
        if reply["error"]:
            error = reply["error"]
            kind = ChainNotFound if error["code"] in (-5, -8) else None
            raise kind(error["message"]) if kind else ChainRpcError(error["code"], "no")
        return lie(reply["result"]) if lie else reply["result"]

    def close(self):
        pass


@pytest.fixture
def node():
    direct = SimulatedChain(grown(105))
    tx = plan(direct, SIGNER, [TxOut(100_000, OTHER)], 1_000).tx
    direct.broadcast(tx)
    (block,) = direct.mine(1, SCRIPT)
    rpc = LyingRpc(direct.simulator)
    source = Bitcoind(rpc, REGTEST)
    source.require_network()
    yield rpc, source, tx, block
    direct.close()


def flipped(place):
    return lambda text: text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


def ask_tip(source, *_):
    return source.tip()


def ask_block_hash(source, *_):
    return source.block_hash(1)


def ask_block(source, _, block):
    return source.raw_block(block)


def ask_header(source, _, block):
    return source.header(block)


def ask_transaction(source, tx, _):
    return source.transaction(tx.txid)


def ask_proof(source, tx, block):
    return source.inclusion(tx.txid, block)


def ask_acceptance(source, tx, _):
    return source.test_accept(tx)


def ask_coins(source, *_):
    return source.utxos_of(OTHER)


LIES = [
    ("getblock", ask_block),
    ("getblockheader", ask_header),
    ("getrawtransaction", ask_transaction),
    ("gettxoutproof", ask_proof),
]
TYPES = [
    *LIES,
    ("getbestblockhash", ask_tip),
    ("getblockhash", ask_block_hash),
    ("testmempoolaccept", ask_acceptance),
    ("scantxoutset", ask_coins),
]


@pytest.mark.parametrize(("method", "ask"), LIES, ids=[name for name, _ in LIES])
@pytest.mark.parametrize("place", [9, 60, 100, 150])
def test_r30_a_flipped_bit_is_never_believed(node, method, ask, place):
    rpc, source, tx, block = node
    ask(source, tx, block)
    rpc.lies[method] = flipped(place)
    with pytest.raises(ChainRpcError) as refused:
        ask(source, tx, block)
    assert refused.value.message.startswith("inconsistent answer from the node")


def test_r30_another_block_and_another_transaction_are_not_believed(node):
    rpc, source, tx, block = node
    other = source.raw_block(source.block_hash(7)).hex()
    rpc.lies["getblock"] = lambda _: other
    with pytest.raises(ChainRpcError):
        source.block(block)
    rpc.lies = {"getrawtransaction": lambda _: replace(tx, locktime=1).encode().hex()}
    with pytest.raises(ChainRpcError):
        source.transaction(tx.txid)


def test_r30_a_changed_witness_is_not_believed(node):
    """It changes neither a txid nor the root, only the commitment."""
    rpc, source, tx, block = node
    signature = tx.inputs[0].witness[0].hex()
    rpc.lies["getblock"] = lambda text: text.replace(signature, "00" * 64)
    with pytest.raises(ChainRpcError):
        source.raw_block(block)


@pytest.mark.parametrize("reply", [None, 5, "", "zz", "11", [], {}])
def test_answers_of_another_type_are_refused(node, reply):
    rpc, source, tx, block = node
    for method, ask in TYPES:
        rpc.lies = {method: lambda _: reply}
        with pytest.raises(ChainRpcError):
            ask(source, tx, block)


def test_r30_spent_outputs_must_fit_the_block(node):
    rpc, source, _, block = node

    def shorter(found):
        return found | {"tx": found["tx"][:-1]} if isinstance(found, dict) else found

    def without(found):
        if isinstance(found, dict):
            found["tx"][1]["vin"] = []
        return found

    for lie in (shorter, without):
        rpc.lies["getblock"] = lie
        with pytest.raises(ChainRpcError):
            source.block(block, prevouts=True)


def test_a_node_of_another_chain_is_refused(node):
    rpc, source, *_ = node
    rpc.lies["getblockhash"] = lambda _: "11" * 32
    with pytest.raises(WrongNetwork):
        source.require_network()


def test_r29_a_lost_send_is_looked_up_before_it_is_sent_again(node):
    rpc, source, tx, _ = node
    rpc.lies["sendrawtransaction"] = ChainUnavailable("gone")
    rpc.calls.clear()
    assert source.broadcast(tx) == tx.txid  # it is in a block: found, not sent again
    assert [name for name, _ in rpc.calls] == ["sendrawtransaction", "getrawtransaction"]
    assert rpc.calls[0] == ("sendrawtransaction", False)
    stranger = replace(tx, inputs=(replace(tx.inputs[0], prevout=OutPoint(b"\x01" * 32, 0)),))
    rpc.calls.clear()
    with pytest.raises(ChainUnavailable):
        source.broadcast(stranger)
    assert [name for name, _ in rpc.calls].count("sendrawtransaction") == 3


def test_headers_and_blocks_that_do_not_link_are_refused(node):
    rpc, source, *_ = node
    hashes = {height: source.block_hash(height)[::-1].hex() for height in (3, 4, 9)}

    def swap(text):
        return hashes[9] if text == hashes[4] else text

    rpc.lies["getblockhash"] = swap
    with pytest.raises(ChainRpcError):
        source.headers(1, 6)
    with pytest.raises(ChainRpcError):
        list(source.raw_blocks(1, 6))


def test_without_an_index_a_transaction_is_found_by_its_block_or_near_it(node):
    rpc, source, tx, block = node
    rpc.lies["getrawtransaction"] = ChainNotFound("no index")
    assert source.transaction(tx.txid, block=block) == tx
    assert source.transaction(tx.txid, near=106) == tx
    for where in ({}, {"near": 105}, {"block": source.block_hash(5)}):
        with pytest.raises(ChainNotFound):
            source.transaction(tx.txid, **where)


def test_btcd_checks_the_parents_it_takes_outputs_from(node):
    rpc, _, tx, block = node
    source = Btcd(rpc, REGTEST)
    rpc.lies["getrawtransaction"] = lambda text: text[:-2] + "07"
    with pytest.raises(ChainRpcError):
        source.prevouts(block, 1)
    rpc.lies.clear()
    assert source.prevouts(block, 1)[0].script == SCRIPT
    assert source.inclusion(tx.txid, block).index == 1


def test_what_a_block_spends_is_asked_for_once_however_many_ask(node):
    """A block may hold thousands of tips; the node tells all of a block, megabytes, each time."""
    rpc, source, _, block = node
    wanted = source.block(block, prevouts=True).spent
    rpc.calls.clear()
    for _ in range(3):
        assert [source.prevouts(block, n) for n in range(2)] == list(wanted)
    assert [name for name, _ in rpc.calls].count("getblock") == 2
    with pytest.raises(ChainRpcError):
        source.prevouts(block, 2)


def test_a_node_with_an_index_is_not_asked_for_the_block_that_is_near(node):
    rpc, source, tx, _ = node
    rpc.calls.clear()
    assert source.transaction(tx.txid, near=106) == tx
    assert [name for name, _ in rpc.calls] == ["getrawtransaction"]
    rpc.lies["getrawtransaction"] = ChainNotFound("no index")
    assert source.transaction(tx.txid, near=106) == tx
    for height in (105, 9_999):
        with pytest.raises(ChainNotFound):
            source.transaction(tx.txid, near=height)


def test_a_commitment_to_witnesses_before_there_were_any_is_no_fault(node):
    """Core wrote them for months before segwit was active, and no nonce with them (BIP-141)."""
    rpc, source, _, tip = node
    found = source.block(tip).block
    coinbase = found.txs[0]
    assert coinbase.inputs[0].witness
    bare = tuple(
        replace(tx, inputs=tuple(replace(each, witness=()) for each in tx.inputs))
        for tx in found.txs
    )
    rpc.lies["getblock"] = lambda _: replace(found, txs=bare).encode().hex()
    with pytest.raises(ChainRpcError):
        source.raw_block(tip)
    for height, is_refused in ((106, True), (107, False)):
        early = Bitcoind(rpc, replace(REGTEST, segwit_height=height))
        if is_refused:
            with pytest.raises(ChainRpcError):
                early.raw_block(tip)
        else:
            assert early.raw_block(tip) == replace(found, txs=bare).encode()
    half = (coinbase, *bare[1:])
    rpc.lies["getblock"] = lambda _: replace(found, txs=half).encode().hex()
    with pytest.raises(ChainRpcError):
        Bitcoind(rpc, replace(REGTEST, segwit_height=107)).raw_block(tip)
