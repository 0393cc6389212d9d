"""The three calls of the header RPC, and that there are no others (R67)."""

from __future__ import annotations

import json

import pytest

from headers import grown, run_of
from lodestamp.core.bitcoin import REGTEST
from lodestamp.node.anchors.bitcoin import HEADER_RPC_BODY_MAX, HeaderRpc, HeaderStore
from lodestamp.node.storage import Database


@pytest.fixture
def chain():
    return grown(REGTEST, 12)


@pytest.fixture
def rpc(tmp_path, chain):
    database = Database.open(tmp_path / "a.db")
    store = HeaderStore(database, REGTEST, clock=lambda: 1 << 33)
    store.extend(b"".join(each.encode() for each in run_of(chain, 1)))
    yield HeaderRpc(store)
    database.close()


def call(rpc, method, *params):
    reply = rpc.handle(json.dumps({"method": method, "params": params, "id": 7}).encode())
    answer = json.loads(reply.body)
    assert list(answer) == ["result", "error", "id"]
    assert answer["id"] == 7
    return reply.status, answer["result"], answer["error"] and answer["error"]["code"]


def test_r67_the_three_calls_answer(rpc, chain):
    top = chain.tip.hash[::-1].hex()
    assert call(rpc, "getblockcount") == (200, 12, None)
    assert call(rpc, "getblockhash", 12) == (200, top, None)
    status, found, error = call(rpc, "getblockheader", top, False)
    assert (status, found, error) == (200, chain.tip.encoded.hex(), None)
    assert len(found) == 160


@pytest.mark.parametrize("height", [-1, 13, 1 << 31, 1 << 70])
def test_r67_a_height_out_of_range_is_error_8(rpc, height):
    assert call(rpc, "getblockhash", height) == (500, None, -8)


def test_r67_an_unknown_hash_is_error_5(rpc):
    assert call(rpc, "getblockheader", "00" * 32, False) == (500, None, -5)
    assert call(rpc, "getblockheader", "00" * 31, False) == (500, None, -5)
    assert call(rpc, "getblockheader", "zz" * 32, False) == (500, None, -8)


@pytest.mark.parametrize("method", ["getblock", "stop", "sendrawtransaction", "__class__", ""])
def test_r67_there_is_no_other_method(rpc, method):
    assert call(rpc, method) == (404, None, -32601)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getblockcount", [1]),
        ("getblockhash", []),
        ("getblockhash", [True]),
        ("getblockhash", ["3"]),
        ("getblockheader", []),
        ("getblockheader", ["00" * 32]),
        ("getblockheader", ["00" * 32, True]),
        ("getblockheader", ["00" * 32, False, 1]),
    ],
)
def test_r67_other_parameters_are_refused(rpc, method, params):
    assert call(rpc, method, *params) == (500, None, -1)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 500, -32700),
        (b"\xff", 500, -32700),
        (b"[" * 4_000, 500, -32700),
        (b"[]", 400, -32600),
        (b'{"method":1}', 400, -32600),
        (b'{"method":"getblockhash","params":{}}', 400, -32600),
        (b" " * (HEADER_RPC_BODY_MAX + 1), 400, -32600),
    ],
)
def test_r67_what_is_no_request_is_refused(rpc, body, status, code):
    reply = rpc.handle(body)
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (status, code)


def test_an_id_that_no_json_number_holds_is_left_out(rpc):
    reply = rpc.handle(b'{"method":"getblockcount","id":' + b"9" * 30 + b"}")
    assert json.loads(reply.body) == {"result": 12, "error": None, "id": None}
