"""The calendar's listener: every route, status, text and header (transparency spec §7)."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from calendars import anchor_all, audited_calendar
from lodestamp.core.timestamps import BitcoinHeader, Pending, parse_timestamp, walk
from lodestamp.errors import CalendarError, StoreError
from lodestamp.version import __version__


@pytest.fixture
def served(tmp_path):
    with audited_calendar(tmp_path) as calendar:
        yield calendar


def ask(served, method, path, **options):
    return httpx.request(method, served.url + path, timeout=10, trust_env=False, **options)


def promised(served, digest=b"d" * 32):
    """Submit a digest; return the commitment."""
    reply = ask(served, "POST", "/digest", content=digest)
    assert reply.status_code == 200
    ((message, attestation),) = walk(parse_timestamp(reply.content, digest, strict=True))
    assert attestation == Pending(served.url)
    return message


def raw(served, request: bytes) -> bytes:
    """Send bytes as they are, and return the answer."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(request)
        line.settimeout(10)
        said = b""
        while piece := line.recv(65_536):
            said += piece
    return said


@pytest.mark.parametrize("size", [1, 20, 32, 64])
def test_a_digest_of_1_to_64_bytes_is_answered_with_a_bare_timestamp(served, size):
    reply = ask(served, "POST", "/digest", content=b"x" * size)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/octet-stream"
    assert parse_timestamp(reply.content, b"x" * size, strict=True)
    assert len(reply.content) < 1_000


def test_the_content_type_of_a_request_is_ignored(served):
    for kind in ("application/x-www-form-urlencoded", "application/json", "a/b; boundary=x"):
        reply = ask(served, "POST", "/digest", content=b"a=b", headers={"Content-Type": kind})
        assert reply.status_code == 200
        assert parse_timestamp(reply.content, b"a=b", strict=True)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "digest empty"), (b"x" * 65, "digest too long")]
)
def test_a_digest_of_another_length_is_refused(served, content, said):
    reply = ask(served, "POST", "/digest", content=content)
    assert (reply.status_code, reply.text) == (400, said)
    assert reply.headers["content-type"].startswith("text/plain")


def test_a_length_of_gigabytes_is_refused_before_anything_is_read(served):
    head = b"POST /digest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    said = raw(served, head + b"Content-Length: 9999999999\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert b"digest too long" in said


def test_no_content_length_is_refused(served):
    said = raw(served, b"POST /digest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert said.endswith(b"invalid Content-Length")
    reply = ask(served, "POST", "/digest", content=iter([b"chunked"]))
    assert (reply.status_code, reply.text) == (400, "invalid Content-Length")


@pytest.mark.parametrize("length", [b"abc", b"-1", b"1x", b"+5", b""])
def test_an_invalid_content_length_is_refused(served, length):
    said = raw(
        served,
        b"POST /digest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
        + length
        + b"\r\n\r\nx",
    )
    assert said.startswith(b"HTTP/1.1 400")
    assert said.endswith(b"invalid Content-Length")


def test_another_malformed_request_is_told_so(served):
    said = raw(served, b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert b"Content-Length" not in said.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "error", [CalendarError("calendar.busy", "busy"), StoreError("the disk is full")]
)
def test_what_cannot_be_taken_may_come_again(served, monkeypatch, error):
    def refuse(_digest):
        raise error

    monkeypatch.setattr(served.calendar, "submit", refuse)
    reply = ask(served, "POST", "/digest", content=b"d")
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1
    assert "disk" not in reply.text


def test_a_commitment_that_waits_is_404_with_the_reason(served):
    commitment = promised(served)
    for spelled in (commitment.hex(), commitment.hex().upper()):
        reply = ask(served, "GET", f"/timestamp/{spelled}")
        assert (reply.status_code, reply.text) == (
            404,
            "Pending confirmation in Bitcoin blockchain",
        )
        assert reply.headers["content-type"].startswith("text/plain")
        assert reply.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("commitment", ["00", "ab" * 44, "ab" * 45, "ab" * 5_000])
def test_an_unknown_commitment_is_404_not_found(served, commitment):
    reply = ask(served, "GET", f"/timestamp/{commitment}")
    assert (reply.status_code, reply.text) == (404, "Not found")


@pytest.mark.parametrize("commitment", ["zz", "abc", "0x00", "%20ab", "ab cd", "\uff41\uff42"])
def test_what_is_not_hex_is_400(served, commitment):
    reply = ask(served, "GET", f"/timestamp/{commitment}")
    assert (reply.status_code, reply.text) == (400, "commitment must be hex-encoded bytes")


def test_r61_a_final_commitment_is_served_for_ever(served):
    commitment = promised(served)
    merkle_root = anchor_all(served.database, 123)
    reply = ask(served, "GET", f"/timestamp/{commitment.hex()}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["cache-control"] == "public, max-age=31536000"
    timestamp = parse_timestamp(reply.content, commitment, strict=True)
    assert list(walk(timestamp)) == [(merkle_root, BitcoinHeader(123))]
    assert len(reply.content) < 4_000


def test_the_tip_is_204_until_a_transaction_waits(served):
    reply = ask(served, "GET", "/tip")
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["cache-control"] == "public, max-age=10"
    promised(served)
    anchor_all(served.database, 123, "sent")
    reply = ask(served, "GET", "/tip")
    assert (reply.status_code, len(reply.content)) == (200, 32)
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["cache-control"] == "public, max-age=10"


def test_the_first_page_is_html_or_json(served):
    promised(served)
    told = ask(served, "GET", "/", headers={"Accept": "application/json"})
    assert told.headers["content-type"].startswith("application/json")
    assert told.json() == {
        "version": __version__,
        "pending_commitments": 1,
        "txs_waiting_for_confirmation": 0,
        "most_recent_tx": None,
        "tip": None,
        "best_block": None,
        "block_height": None,
    }
    page = ask(served, "GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert served.url in page.text


@pytest.mark.parametrize(("method", "path"), [("GET", "/nope"), ("GET", "/timestamp/")])
def test_other_paths_are_404(served, method, path):
    reply = ask(served, method, path)
    assert (reply.status_code, reply.text) == (404, "Not found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/digest"), ("PUT", "/tip")])
def test_other_methods_are_405(served, method, path):
    assert ask(served, method, path).status_code == 405


def test_r47_many_clients_share_one_commitment(served):
    digests = [n.to_bytes(32, "big") for n in range(120)]
    with ThreadPoolExecutor(40) as threads:
        found = set(threads.map(lambda digest: promised(served, digest), digests))
    assert len(found) <= 60  # and never one for each
