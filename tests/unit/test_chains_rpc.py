"""The RPC client: exact amounts, cookies, retries, and nodes that misbehave (R29)."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from lodestamp.errors import (
    ChainAuthError,
    ChainError,
    ChainNotFound,
    ChainRejected,
    ChainRpcError,
    ChainUnavailable,
    ChainWarmup,
)
from lodestamp.node.chains import rpc
from lodestamp.node.chains.rpc import RpcClient, bitcoins, cookie_credentials, satoshis

SECRET = "hunter2"  # noqa: S105  a test's own


def client(answer, credentials=lambda: ("u", SECRET)):
    """A client whose transport is a function; it notes how long it would have slept."""
    slept = []
    made = RpcClient("http://127.0.0.1:1/", credentials, sleep=slept.append)
    made._http = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=False)
    return made, slept


def replying(document, status=200):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda _: httpx.Response(status, content=body)


def failing(code, message="no"):
    return replying({"result": None, "error": {"code": code, "message": message}}, 500)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.00000001", 1),
        ("50", 5_000_000_000),
        ("20999999.9769", 2_099_999_997_690_000),
        ("-1", -(10**8)),
    ],
)
def test_r29_amounts_are_exact(text, amount):
    made, _ = client(replying(b'{"result":%s}' % text.encode()))
    assert satoshis(made.call("x")) == amount
    assert bitcoins(amount) == Decimal(text)


@pytest.mark.parametrize("text", ["0.000000001", "21000001", '"1"', "true", "null", "1e-9"])
def test_r29_an_amount_that_is_no_number_of_satoshis_is_refused(text):
    made, _ = client(replying(b'{"result":%s}' % text.encode()))
    with pytest.raises(ChainRpcError):
        satoshis(made.call("x"))


def test_r29_connection_errors_and_warming_up_are_tried_three_times_more():
    def lost(_):
        raise httpx.ConnectError("refused")

    for answer, error in ((lost, ChainUnavailable), (failing(-28), ChainWarmup)):
        made, slept = client(answer)
        with pytest.raises(error):
            made.call("x")
        assert slept == [0.2, 0.8, 3.2]
        with pytest.raises(error):
            made.call("x", retry=False)
        assert len(slept) == 3


def test_r29_other_errors_are_not_tried_again():
    for code, error in (
        (-5, ChainNotFound),
        (-8, ChainNotFound),
        (-25, ChainRejected),
        (-26, ChainRejected),
        (-1, ChainRpcError),
    ):
        made, slept = client(failing(code))
        with pytest.raises(error):
            made.call("x")
        assert slept == []


def test_r31_a_rejection_names_the_script_rule():
    text = "mandatory-script-verify-flag-failed (Push value size limit exceeded)"
    with pytest.raises(ChainRejected) as refused:
        client(failing(-26, text))[0].call("x")
    assert (refused.value.reason, refused.value.script_error) == (text, "PUSH_SIZE")


def test_a_cookie_is_read_again_when_the_node_has_started_anew(tmp_path):
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:old")
    answers = iter([httpx.Response(401), httpx.Response(200, json={"result": 1})])
    seen = []

    def answer(request):
        seen.append(request.headers["authorization"])
        cookie.write_text("__cookie__:new")
        return next(answers)

    assert client(answer, cookie_credentials(cookie))[0].call("x") == 1
    assert seen[0] != seen[1]


def test_a_refused_password_is_an_error_that_does_not_quote_it():
    for status in (401, 403):
        made, _ = client(lambda _, status=status: httpx.Response(status))
        with pytest.raises(ChainAuthError) as refused:
            made.call("x")
        assert SECRET not in f"{refused.value!r} {made!r}"


def test_a_cookie_file_that_is_none_is_refused(tmp_path):
    for content in (None, b"nothing", b"\xff:x"):
        path = tmp_path / "cookie"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ChainAuthError):
            cookie_credentials(path)()


def test_a_redirect_is_never_followed():
    seen = []

    def answer(request):
        seen.append(request.url.host)
        return httpx.Response(307, headers={"location": "http://elsewhere.example/"})

    with pytest.raises(ChainRpcError):
        client(answer)[0].call("x")
    assert seen == ["127.0.0.1"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"1", b'{"x":1}', b'{"error":5}', b'{"error":{"code":"x"}}'),
        *(b'{"result":NaN}', b"[" * 100_000, b"\xff"),
    ],
)
def test_a_reply_that_is_none_is_an_rpc_error(body):
    with pytest.raises(ChainRpcError):
        client(replying(body))[0].call("x")


def test_a_reply_that_never_ends_is_cut_off(monkeypatch):
    monkeypatch.setattr(rpc, "REPLY_SIZE_MAX", 1_000)
    with pytest.raises(ChainRpcError):
        client(replying(b" " * 1_001))[0].call("x")


def test_a_node_that_is_too_busy_is_tried_again():
    made, slept = client(replying(b"Work queue depth exceeded", 503))
    with pytest.raises(ChainError):
        made.call("x")
    assert len(slept) == 3
