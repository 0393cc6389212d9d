"""The HTTP face's ground: a listener, its door, its problems, its limits."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from homes import ALICE, audited_node, reading
from listeners import served
from lodestamp.core.encoding import address_of
from lodestamp.core.keys import SigningKey
from lodestamp.errors import ListenError, StoreError, UsageError
from lodestamp.faces.http import Address, Listener, parse_address, patience
from lodestamp.node.clock import now_ms
from lodestamp.node.keyring import AUTHOR_KEY, load_key
from lodestamp.node.sync import Asked, sign_request


@pytest.fixture
def site(tmp_path):
    """A node with three operations, listening, and its own key."""
    with audited_node(tmp_path / "home") as node:
        for number in range(3):
            node.record(**reading(number))
        with served(node, "ops") as listening:
            yield listening, load_key(node.home / "keys", AUTHOR_KEY)


def problem(response, status: int) -> str:
    """The code of a problem document, which is well formed and kept by nobody."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    document = response.json()
    assert document.keys() == {"type", "title", "status", "detail", "code"}
    assert document["status"] == status
    assert document["type"] == f"urn:lodestamp:problem:{document['code']}"
    return document["code"]


def test_an_owner_reads_one_operation_and_pages_of_the_log(site):
    listening, key = site
    first = listening.ask(key, "GET", "/v1/ops?limit=2").json()
    assert (len(first["operations"]), first["next"]) == (2, 1)
    rest = listening.ask(key, "GET", "/v1/ops?after=1&limit=2").json()
    assert (len(rest["operations"]), rest["next"]) == (1, None)
    op_id = rest["operations"][0]["op_id"]
    one = listening.ask(key, "GET", f"/v1/ops/{op_id}")
    assert one.content == listening.node.op(op_id).wire


@pytest.mark.parametrize(
    "query", ["limit=0501", "limit=501", "after=-1", "limit=x", "limit=1&limit=1"]
)
def test_a_number_of_a_query_is_spelled_in_one_way(site, query):
    listening, key = site
    assert problem(listening.ask(key, "GET", f"/v1/ops?{query}"), 400) == "bad-query"


def test_an_answer_never_waits_for_nagles_delay(site, monkeypatch):
    """What the loop accepts sends small segments at once, or each call would take 40 ms."""
    accepted, accept = [], socket.socket.accept

    def kept(listening):
        connection, peer = accept(listening)
        accepted.append(connection)
        return connection, peer

    monkeypatch.setattr(socket.socket, "accept", kept)
    listening, _ = site
    with httpx.Client() as caller:
        caller.get(f"{listening.url}/v1/ops")
        (connection,) = accepted
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_unknown_operation_and_an_unknown_route_are_not_found(site):
    listening, key = site
    absent = listening.ask(key, "GET", f"/v1/ops/{address_of(b'')}")
    assert problem(absent, 404) == "unknown-operation"
    assert problem(listening.ask(key, "GET", "/v1/nothing"), 404) == "not-found"
    assert problem(listening.ask(key, "POST", "/v1/ops"), 405) == "bad-method"
    assert problem(listening.ask(key, "GET", "/v1/ops/sha256:00"), 400) is not None


def test_nobody_asks_without_a_signature(site):
    listening, _ = site
    refused = listening.send("GET", "/v1/ops", b"", None)
    assert problem(refused, 401) == "unauthenticated"
    assert refused.headers["www-authenticate"] == "Lodestamp"


def test_a_stranger_is_refused(site):
    listening, _ = site
    assert problem(listening.ask(ALICE, "GET", "/v1/ops"), 403) == "forbidden"


def test_a_request_is_taken_once(site):
    listening, key = site
    asked = Asked("GET", str(listening.address), "/v1/ops", address_of(b""))
    header = sign_request(key, asked, ts=now_ms(), nonce=bytes(16))
    assert listening.send("GET", "/v1/ops", b"", header).status_code == 200
    assert problem(listening.send("GET", "/v1/ops", b"", header), 401) == "replayed-request"


@pytest.mark.parametrize("shift", [-61_000, 62_000])
def test_a_request_is_of_this_minute(site, shift):
    listening, key = site
    stale = listening.ask(key, "GET", "/v1/ops", ts=now_ms() + shift)
    assert problem(stale, 401) == "stale-request"


def test_a_request_signed_before_the_listener_started_is_stale(tmp_path):
    """What it remembered is gone with the process; so is what could be replayed."""
    with audited_node(tmp_path / "home") as node:
        key = load_key(node.home / "keys", AUTHOR_KEY)
        before = now_ms() - 1
        with served(node) as listening:
            assert problem(listening.ask(key, "GET", "/v1/ops", ts=before), 401) == "stale-request"


def test_a_signature_is_good_for_one_host_path_method_and_body(site):
    listening, key = site
    host = str(listening.address)

    def send(asked, target="/v1/ops", body=b""):
        header = sign_request(key, asked, ts=now_ms(), nonce=secrets.token_bytes(16))
        return problem(listening.send("GET", target, body, header), 401)

    empty = address_of(b"")
    assert send(Asked("GET", "example.org:80", "/v1/ops", empty)) == "misdirected"
    assert send(Asked("POST", host, "/v1/ops", empty)) == "misdirected"
    assert send(Asked("GET", host, "/v1/ops?limit=1", empty)) == "misdirected"
    assert send(Asked("GET", host, "/v1/ops", empty), "/v1/ops?limit=1") == "misdirected"
    assert send(Asked("GET", host, "/v1/ops", empty), body=b"more") == "misdirected"


def test_a_name_that_is_not_ours_is_refused_even_when_it_was_signed(site):
    """A browser that was told that a foreign name is 127.0.0.1 still says that name."""
    listening, key = site
    asked = Asked("GET", "evil.example", "/v1/ops", address_of(b""))
    header = sign_request(key, asked, ts=now_ms(), nonce=bytes(16))
    headers = {"Authorization": header, "Host": "evil.example"}
    assert problem(httpx.get(f"{listening.url}/v1/ops", headers=headers), 401) == "misdirected"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header[:-6] + "AAAA==",
        lambda header: header.replace("Lodestamp ", "Bearer "),
        lambda header: header.partition(".")[0],
        lambda header: header + "A" * 20_000,
        lambda _: "Lodestamp e30=.AAAA",
        lambda _: "Lodestamp .",
    ],
)
def test_a_header_that_is_none_is_refused(site, spoil):
    listening, key = site
    asked = Asked("GET", str(listening.address), "/v1/ops", address_of(b""))
    header = sign_request(key, asked, ts=now_ms(), nonce=bytes(16))
    refused = listening.send("GET", "/v1/ops", b"", spoil(header))
    if len(header) < 12_000 < len(spoil(header)):
        assert refused.status_code in {400, 401}  # the server may refuse the line itself
    else:
        assert problem(refused, 401) == "bad-request-signature"


def test_a_request_by_a_key_of_every_suite_is_understood(site):
    listening, _ = site
    for suite, size in (("ed25519", 32), ("mldsa65", 32), ("hybrid", 64)):
        stranger = SigningKey.from_seed(suite, bytes(size))
        assert problem(listening.ask(stranger, "GET", "/v1/ops"), 403) == "forbidden"


def test_a_body_is_bounded(site):
    listening, key = site
    assert problem(listening.ask(key, "GET", "/v1/ops", bytes((1 << 20) + 1)), 413) == "limit"


def test_of_our_own_failures_a_caller_learns_nothing(site, monkeypatch):
    listening, key = site

    def fail(*_):
        raise ZeroDivisionError("at /secret/place")

    monkeypatch.setattr(listening.node.peers, "page", fail)
    answer = listening.ask(key, "GET", "/v1/ops")
    assert problem(answer, 500) == "failed"
    assert "secret" not in answer.text

    def run_dry(*_):
        raise StoreError("at /secret/place")

    monkeypatch.setattr(listening.node.peers, "page", run_dry)
    answer = listening.ask(key, "GET", "/v1/ops")
    assert problem(answer, 500) == "failed"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "text", ["", "8470", "host", "host:", "host:65536", "::1:80", "[::1]", "a b:1"]
)
def test_an_address_is_a_host_and_a_port(text):
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert caught.value.code == "bad-address"


def test_an_address_that_is_taken_is_said_to_be():
    first = Listener.bind(Address("127.0.0.1", 0))
    with pytest.raises(ListenError):
        Listener.bind(first.address)
    first.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_tells_its_true_address_and_stops_when_told(tmp_path, number):
    command = [sys.executable, "-m", "lodestamp", "--home", str(tmp_path / "home"), "serve"]
    command += ["--listen", "127.0.0.1:0", "--mount", "ops", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as serving:
        told = json.loads(serving.stdout.readline())
        assert told["mounts"] == ["ops"]
        assert problem(httpx.get(f"http://{told['listen']}/v1/ops"), 401) == "unauthenticated"
        serving.send_signal(number)
        assert serving.wait(timeout=20) == 0


def test_serve_refuses_a_mount_that_is_none(tmp_path):
    command = [sys.executable, "-m", "lodestamp", "--home", str(tmp_path / "home"), "serve"]
    refused = subprocess.run([*command, "--mount", "x"], check=False, capture_output=True)
    assert refused.returncode == 64
    assert b"no mount is called 'x'" in refused.stderr
    assert not (tmp_path / "home").exists()


HEAD = b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "then"),
    [(b"", b""), (b"GET /log/che", b"c"), (HEAD, b"o"), (HEAD + b"old 0\n", b"")],
    ids=["silent", "dribbling head", "dribbling body", "broken off"],
)
def test_whoever_sends_too_slowly_is_let_go(tmp_path, monkeypatch, first, then):
    """256 that send nothing would else keep everybody else out."""
    monkeypatch.setattr(patience, "WINDOW_S_MAX", 0.4)
    with audited_node(tmp_path / "home") as node, served(node, "log", "witness") as listening:
        with socket.create_connection((listening.address.host, listening.address.port)) as slow:
            slow.settimeout(0.05)
            slow.sendall(first)
            deadline = time.monotonic() + 10
            gone = False
            while not gone:
                assert time.monotonic() < deadline
                try:
                    gone = slow.recv(65_536) == b""
                except TimeoutError:
                    with contextlib.suppress(OSError):
                        slow.sendall(then)
                except ConnectionResetError:
                    gone = True
        assert httpx.get(f"{listening.url}/log/checkpoint").status_code == 200


def test_whoever_sends_enough_in_each_window_may_take_long(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "WINDOW_S_MAX", 0.4)
    with audited_node(tmp_path / "home") as node, served(node, "witness") as listening:
        steady = socket.create_connection((listening.address.host, listening.address.port))
        with contextlib.closing(steady):
            steady.sendall(HEAD)
            for _ in range(5):
                time.sleep(0.3)
                steady.sendall(bytes(20_000))
            assert steady.recv(65_536).startswith(b"HTTP/1.1 400")


def test_a_request_that_we_work_on_for_long_is_not_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "WINDOW_S_MAX", 0.2)
    with audited_node(tmp_path / "home") as node:
        really = node.public.published.checkpoint
        late = lambda: (time.sleep(1), really())[1]  # noqa: E731
        monkeypatch.setattr(node.public.published, "checkpoint", late)
        with served(node, "log") as listening:
            assert httpx.get(f"{listening.url}/log/checkpoint").status_code == 200
