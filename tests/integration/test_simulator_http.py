"""The simulator's RPC over HTTP: cookie, statuses, loopback (R37)."""

from __future__ import annotations

import contextlib
import socket

import httpx
import pytest

from chains import Clock, simulator
from lodestamp.errors import StoreError, UsageError
from lodestamp.faces.http import SimulatorServer
from lodestamp.node.chains import SimulatorRpc


@pytest.fixture
def server(tmp_path):
    made = simulator()
    rpc = SimulatorRpc(made, Clock())
    with (
        contextlib.closing(made),
        SimulatorServer(rpc, "127.0.0.1", 0, tmp_path / ".cookie") as running,
    ):
        yield running


def post(server, body=b'{"id":1,"method":"getblockcount"}', **options):
    options.setdefault("auth", tuple(server.cookie.read_text().split(":")))
    url = f"http://127.0.0.1:{server.port}{options.pop('path', '/')}"
    return httpx.post(url, content=body, timeout=10, trust_env=False, **options)


def test_r37_the_cookie_is_for_its_owner_only(server):
    assert server.cookie.stat().st_mode & 0o777 == 0o600
    assert post(server).json() == {"result": 0, "error": None, "id": 1}


def test_r37_without_the_cookie_it_is_401(server):
    for auth in (None, ("__cookie__", "wrong"), ("root", "wrong")):
        reply = post(server, auth=auth)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Basic")


def test_r37_statuses_are_those_of_bitcoind(server):
    assert post(server, b'{"method":"nosuch"}').status_code == 404
    assert post(server, b'{"method":5}').status_code == 400
    assert post(server, b'{"method":"getblockhash","params":[9]}').status_code == 500
    assert post(server, b"[]").status_code == 400
    assert post(server, path="/elsewhere").status_code == 404
    assert httpx.get(f"http://127.0.0.1:{server.port}/", trust_env=False).status_code == 405


def test_a_body_above_8_mib_is_refused(server):
    assert post(server, b" " * (8 << 20) + b"  ").status_code == 413


def test_stop_answers_and_then_ends(server):
    assert post(server, b'{"id":1,"method":"stop"}').json()["result"] == "Bitcoin Core stopping"
    server.wait()
    with pytest.raises(httpx.ConnectError):
        post(server)


def test_off_loopback_it_listens_only_for_those_who_know(tmp_path):
    rpc = SimulatorRpc(simulator(), Clock())
    for host in ("0.0.0.0", "192.0.2.1", "example.org", ""):  # noqa: S104  it must be refused
        with pytest.raises(UsageError):
            SimulatorServer(rpc, host, 0, tmp_path / ".cookie")
    assert not (tmp_path / ".cookie").exists()
    with SimulatorServer(rpc, "0.0.0.0", 0, tmp_path / ".cookie", anywhere=True) as server:  # noqa: S104
        assert post(server).status_code == 200
    assert not (tmp_path / ".cookie").exists()


def test_a_taken_port_is_told(tmp_path):
    rpc = SimulatorRpc(simulator(), Clock())
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(StoreError),
    ):
        SimulatorServer(rpc, "127.0.0.1", taken.getsockname()[1], tmp_path / ".cookie")
