"""The simulator's JSON-RPC: every method, and bitcoind's own error codes (R37)."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from chains import OTHER, SCRIPT, SIGNER, Clock, grown
from lodestamp.core.bitcoin import REGTEST, TxOut, encode_address
from lodestamp.node.chains import RPC_BODY_MAX, SimulatedChain, SimulatorRpc, plan
from lodestamp.node.chains.simulator.methods import METHODS

LISTED = frozenset(
    """getblockchaininfo getblockcount getbestblockhash getblockhash getblockheader getblock
    getchaintips getrawtransaction decoderawtransaction sendrawtransaction testmempoolaccept
    getrawmempool getmempoolentry getmempoolinfo gettxout gettxspendingprevout scantxoutset
    gettxoutproof verifytxoutproof getdeploymentinfo getnetworkinfo estimatesmartfee validateaddress
    generatetoaddress generateblock invalidateblock reconsiderblock submitblock setmocktime uptime
    stop""".split()  # noqa: SIM905
)
TO = encode_address(SCRIPT, REGTEST)


class Caller:
    """Calls a fresh simulator by its RPC."""

    def __init__(self):
        self.clock = Clock()
        self.source = SimulatedChain(grown(105))
        self.rpc = SimulatorRpc(self.source.simulator, self.clock)

    def raw(self, body):
        reply = self.rpc.handle(body if isinstance(body, bytes) else json.dumps(body).encode())
        return reply.status, json.loads(reply.body, parse_float=Decimal)

    def __call__(self, method, *params):
        status, reply = self.raw({"id": 7, "method": method, "params": params})
        assert (status, reply["error"], reply["id"]) == (200, None, 7), reply
        return reply["result"]

    def code(self, method, *params):
        status, reply = self.raw({"id": 7, "method": method, "params": params})
        assert reply["result"] is None
        assert status == {-32600: 400, -32601: 404}.get(reply["error"]["code"], 500)
        return reply["error"]["code"]

    def payment(self, value=100_000):
        return plan(self.source, SIGNER, [TxOut(value, OTHER)], 1_000).tx


@pytest.fixture
def call():
    made = Caller()
    yield made
    made.source.close()


def test_r37_every_listed_method_is_there():
    assert METHODS.keys() - {"getindexinfo"} == LISTED


def test_blocks_at_every_verbosity(call):
    tx = call.payment()
    assert call("sendrawtransaction", tx.encode().hex()) == tx.txid_display
    (block_hash,) = call("generatetoaddress", 1, TO)
    assert call("getbestblockhash") == block_hash == call("getblockhash", 106)
    assert call("getblockcount") == 106
    raw = call("getblock", block_hash, 0)
    assert call("getblock", block_hash, False) == raw
    assert call("getblock", block_hash)["tx"][1] == tx.txid_display
    shown = call("getblock", block_hash, 2)["tx"][1]
    assert shown["hex"] == tx.encode().hex()
    assert shown["vout"][0]["value"] == Decimal("0.00100000")
    assert "prevout" not in shown["vin"][0]
    prevout = call("getblock", block_hash, 3)["tx"][1]["vin"][0]["prevout"]
    assert prevout["value"] == Decimal(50)
    assert prevout["generated"] is True
    assert prevout["scriptPubKey"]["hex"] == SCRIPT.hex()
    header = call("getblockheader", block_hash)
    assert (header["height"], header["confirmations"]) == (106, 1)
    assert call("getblockheader", block_hash, False) == raw[:160]
    assert call("getblockchaininfo")["bestblockhash"] == block_hash


def test_transactions_and_the_mempool(call):
    tx = call.payment()
    raw, txid = tx.encode().hex(), tx.txid_display
    (answer,) = call("testmempoolaccept", [raw])
    assert (answer["allowed"], answer["vsize"]) == (True, tx.vsize)
    call("sendrawtransaction", raw)
    assert call("sendrawtransaction", raw) == txid
    assert call("getrawmempool") == [txid]
    entry = call("getmempoolentry", txid)
    assert call("getrawmempool", True) == {txid: entry}
    assert entry["fees"]["base"] == answer["fees"]["base"]
    assert call("getmempoolinfo")["size"] == 1
    spent = tx.inputs[0].prevout
    asked = {"txid": spent.txid_display, "vout": spent.vout}
    assert call("gettxspendingprevout", [asked]) == [asked | {"spendingtxid": txid}]
    assert call("gettxout", spent.txid_display, spent.vout) is None
    assert call("gettxout", spent.txid_display, spent.vout, False)["coinbase"] is True
    assert call("gettxout", txid, 0)["confirmations"] == 0
    assert call("getrawtransaction", txid) == raw
    assert call("decoderawtransaction", raw)["txid"] == txid
    (block_hash,) = call("generatetoaddress", 1, TO)
    assert call("getrawtransaction", txid, 1)["blockhash"] == block_hash
    assert call("getrawtransaction", txid, 0, block_hash) == raw
    assert call("gettxout", txid, 0)["value"] == Decimal("0.001")
    found = call("scantxoutset", "start", [f"raw({OTHER.hex()})", f"addr({TO})"])
    assert found["unspents"][0]["txid"] == txid
    assert call("sendrawtransaction", call.payment().encode().hex())


def test_proofs_go_both_ways(call):
    tx = call.payment()
    call("sendrawtransaction", tx.encode().hex())
    (block_hash,) = call("generatetoaddress", 1, TO)
    proof = call("gettxoutproof", [tx.txid_display], block_hash)
    assert call("gettxoutproof", [tx.txid_display]) == proof
    assert call("verifytxoutproof", proof) == [tx.txid_display]
    assert call("verifytxoutproof", proof[:-2] + "00") == []
    call("invalidateblock", block_hash)
    assert call.code("verifytxoutproof", proof) == -5
    assert call.code("gettxoutproof", [], block_hash) == -8
    assert call.code("gettxoutproof", ["11" * 32], block_hash) == -5


def test_mining_reorganising_and_submitting(call):
    tx = call.payment()
    made = call("generateblock", TO, [tx.encode().hex()])["hash"]
    raw = call("getblock", made, 0)
    call("invalidateblock", made)
    assert call("getblockcount") == 105
    tips = {tip["hash"]: tip["status"] for tip in call("getchaintips")}
    assert tips[made] == "invalid"
    call("reconsiderblock", made)
    assert call("getbestblockhash") == made
    assert call("submitblock", raw) == "duplicate"
    assert call("submitblock", raw[:8] + "11" * 32 + raw[72:]) == "prev-blk-not-found"
    call("sendrawtransaction", call.payment().encode().hex())
    (waiting,) = call("getrawmempool")
    call("generateblock", TO, [waiting])
    assert call("getrawmempool") == []
    bad = tx.encode().hex()
    assert call.code("generateblock", TO, [bad]) == -25
    assert call.code("generateblock", TO, ["11" * 32]) == -5


def test_the_node_itself(call):
    deployments = call("getdeploymentinfo")["deployments"]
    assert deployments["opcat"]["active"] is deployments["checktemplateverify"]["active"] is True
    assert call("getnetworkinfo")["connections"] == 0
    assert "feerate" not in call("estimatesmartfee", 6)
    for blocks in (0, 1_009, 10**25):  # the last is a number that no reply could repeat
        request = {"id": 7, "method": "estimatesmartfee", "params": [blocks]}
        assert call.raw(request)[1]["error"]["code"] == -8
    assert call("validateaddress", TO)["scriptPubKey"] == SCRIPT.hex()
    assert call("validateaddress", "bc1q")["isvalid"] is False
    assert call("getindexinfo", "txindex")["txindex"]["synced"] is True
    call("setmocktime", 2_000_000_000)
    (block_hash,) = call("generatetoaddress", 1, TO)
    assert call("getblockheader", block_hash)["time"] == 2_000_000_000
    call.clock.now += 90
    assert call("uptime") == 90
    assert not call.rpc.is_stopping
    assert call("stop") == "Bitcoin Core stopping"
    assert call.rpc.is_stopping


@pytest.mark.parametrize(
    ("code", "method", "params"),
    [
        (-32601, "nosuchmethod", []),
        (-32601, "__init__", []),
        (-1, "getblockhash", []),
        (-3, "getblockhash", ["1"]),
        (-3, "getblockhash", [True]),
        (-8, "getblockhash", [106]),
        (-8, "getblockhash", [-1]),
        (-8, "getblockhash", [1 << 200]),
        (-8, "getblockheader", ["11"]),
        (-22, "getblockheader", ["zz" * 32]),
        (-5, "getblockheader", ["11" * 32]),
        (-8, "getblock", ["11" * 32, 4]),
        (-5, "getrawtransaction", ["11" * 32]),
        (-5, "getmempoolentry", ["11" * 32]),
        (-22, "sendrawtransaction", ["00"]),
        (-22, "sendrawtransaction", ["0 0"]),
        (-22, "decoderawtransaction", ["ff" * 70]),
        (-8, "testmempoolaccept", [[]]),
        (-8, "gettxspendingprevout", [[{"txid": "11" * 32}]]),
        (-5, "scantxoutset", ["start", ["wpkh(x)"]]),
        (-8, "scantxoutset", ["abort"]),
        (-5, "generatetoaddress", [1, "nowhere"]),
        (-8, "generatetoaddress", [10_001, TO]),
        (-5, "invalidateblock", ["11" * 32]),
        (-22, "submitblock", ["00"]),
        (-8, "setmocktime", [-1]),
    ],
)
def test_r37_errors_have_the_codes_of_bitcoind(call, code, method, params):
    assert call.code(method, *params) == code


def test_r37_rejected_transactions_have_their_codes_and_reasons(call):
    tx = call.payment()
    call("sendrawtransaction", tx.encode().hex())
    call("generatetoaddress", 1, TO)
    assert call.code("sendrawtransaction", tx.encode().hex()) == -27
    again = dataclasses.replace(tx, locktime=1)
    assert call.code("sendrawtransaction", again.encode().hex()) == -25
    fresh = call.payment()
    item = dataclasses.replace(fresh.inputs[0], witness=(bytes(64),))
    bad = dataclasses.replace(fresh, inputs=(item,)).encode().hex()
    _, reply = call.raw({"id": 1, "method": "sendrawtransaction", "params": [bad]})
    assert reply["error"]["code"] == -26
    assert reply["error"]["message"].endswith("(Invalid Schnorr signature)")


def test_r37_what_is_no_request_is_told(call):
    assert call.raw(b"{")[1]["error"]["code"] == -32700
    assert call.raw(b"\xff")[0] == 500
    for body in (1, None, "x", {}, {"method": 5}, {"method": "uptime", "params": {}}):
        status, reply = call.raw(body)
        assert (status, reply["error"]["code"]) == (400, -32600)
    assert call.raw(b" " * (RPC_BODY_MAX + 1))[1]["error"]["code"] == -32600
    assert call.raw(b"[" * 100_000)[1]["error"]["code"] == -32700


def test_r37_batches_are_answered_in_order_and_bounded(call):
    requests = [{"id": n, "method": "getblockhash", "params": [n]} for n in (0, 105, 106)]
    status, replies = call.raw(requests)
    assert status == 200
    assert [each["id"] for each in replies] == [0, 105, 106]
    assert replies[2]["error"]["code"] == -8
    assert len(call.raw(requests[:1] * 100)[1]) == 100
    for batch in ([], requests[:1] * 101):
        assert call.raw(batch)[1]["error"]["code"] == -32600
