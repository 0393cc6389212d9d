"""Asking calendars, among them hostile ones (transparency spec R52-R54; tampers 56, 57)."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from calendars import audited_calendar
from lodestamp.core.timestamps import (
    SHA256,
    BitcoinHeader,
    Op,
    Pending,
    attested,
    encode_path,
    encode_timestamp,
    lead_to,
    walk,
)
from lodestamp.errors import CalendarError, LimitExceeded, UsageError
from lodestamp.node.anchors import CalendarClient, Completer, NotYet, Whitelist
from lodestamp.version import __version__

DIGEST = b"d" * 32
PROMISE = encode_path((), Pending("https://a.example"))


class Peer:
    """A calendar that says what it is told to, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[bytes] = []


@contextmanager
def answering(body: bytes, status: str = "200 OK", *lines: str, drip_s: float = 0):
    """A peer on loopback that gives one answer to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = Peer(f"http://127.0.0.1:{server.getsockname()[1]}")
        head = "".join(
            f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, "Connection: close")
        )
        thread = threading.Thread(
            target=_answer, args=(server, peer, head.encode() + b"\r\n", body, drip_s), daemon=True
        )
        thread.start()
        yield peer
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _answer(server, peer, head, body, drip_s):
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            line.settimeout(0.3)
            asked = b""
            try:
                while piece := line.recv(65_536):
                    asked += piece
            except TimeoutError:
                pass
            peer.asked.append(asked)
            try:
                if not drip_s:
                    line.sendall(head + body)
                    continue
                for byte in head + body:
                    line.sendall(bytes([byte]))
                    time.sleep(drip_s)
            except OSError:
                continue


@pytest.fixture
def calendar(tmp_path) -> Iterator[str]:
    with audited_calendar(tmp_path) as served:
        yield served.url


def test_r52_a_digest_goes_to_all_with_the_headers_of_a_client():
    with answering(PROMISE) as one, answering(encode_path((), Pending("https://b.example"))) as two:
        promised = CalendarClient().submit(DIGEST, [one.url, two.url])
    assert sorted(str(each) for _, each in walk(promised.merged())) == [
        "pending at https://a.example",
        "pending at https://b.example",
    ]
    (asked,) = one.asked
    head, _, body = asked.partition(b"\r\n\r\n")
    assert body == DIGEST
    assert head.startswith(b"POST /digest HTTP/1.1\r\n")
    lines = {line.lower() for line in head.split(b"\r\n")}
    assert b"accept: application/vnd.opentimestamps.v1" in lines
    assert f"user-agent: lodestamp/{__version__}".encode() in lines


def test_r52_an_answer_is_read_leniently_and_written_canonically():
    doubled = b"\xff" + PROMISE + PROMISE
    with answering(doubled) as peer:
        promised = CalendarClient().submit(DIGEST, [peer.url])
    assert encode_timestamp(promised.timestamps[peer.url]) == PROMISE


def test_r52_two_must_promise_where_two_are_asked(calendar):
    client = CalendarClient(timeout_s=2)
    dead = "http://127.0.0.1:1"
    with pytest.raises(CalendarError) as refused:
        client.submit(DIGEST, [calendar, dead])
    assert refused.value.code == "calendar.too-few"
    assert dead in refused.value.message
    promised = client.submit(DIGEST, [calendar, dead], needed=1)
    assert list(promised.timestamps) == [calendar]
    assert list(promised.refusals) == [dead]


@pytest.mark.parametrize(
    ("body", "status", "lines", "said"),
    [
        (PROMISE, "302 Found", ("Location: http://127.0.0.1:1/",), "answered 302"),
        (b"", "301 Moved Permanently", ("Location: /elsewhere",), "answered 301"),
        (b"no", "500 Internal Server Error", (), "answered 500 no"),
        (b"<b>busy</b>\n", "503 Service Unavailable", (), "answered 503 _b_busy__b__"),
        (b"", "200 OK", (), "no timestamp"),
        (b"\x00" * 11, "200 OK", (), "no timestamp"),
        (PROMISE + b"\x00", "200 OK", (), "no timestamp"),
        (PROMISE[:-1], "200 OK", (), "no timestamp"),
        (b"<html>welcome</html>", "200 OK", (), "no timestamp"),
        (b"\xf0\x01a" * 256 + PROMISE, "200 OK", (), "no timestamp"),  # tamper 55: too deep
        (gzip.compress(PROMISE), "200 OK", ("Content-Encoding: gzip",), "no timestamp"),
        (b"\xff" * 10_001, "200 OK", (), "more than 10,000 bytes"),
        (b"\xff" * 5_000_000, "200 OK", (), "more than 10,000 bytes"),
    ],
)
def test_tamper_57_a_hostile_answer_is_one_refusal(calendar, body, status, lines, said):
    with answering(body, status, *lines) as peer:
        promised = CalendarClient().submit(DIGEST, [peer.url, calendar], needed=1)
    assert list(promised.timestamps) == [calendar]
    assert said in promised.refusals[peer.url]


def test_r46_an_answer_of_10_000_bytes_is_read():
    end = encode_path((), Pending("https://a.example"))
    filler = b"".join(b"\xff\x00" + bytes([n]) * 8 + b"\x02ab" for n in range(1, 128))
    filler += b"\xff\x00" + b"\xee" * 8 + bytes([0xC4, 0x3F]) + b"x" * 8_132
    body = filler + end
    assert 9_000 < len(body) <= 10_000
    with answering(body) as peer:
        assert CalendarClient().submit(DIGEST, [peer.url]).timestamps


def test_r52_a_calendar_that_drips_is_given_up_in_time(calendar):
    client = CalendarClient(timeout_s=1)
    with answering(PROMISE * 100, drip_s=0.05) as peer:
        started = time.monotonic()
        promised = client.submit(DIGEST, [peer.url, calendar], needed=1)
        assert time.monotonic() - started < 4
    assert "no answer within 1 seconds" in promised.refusals[peer.url]


def test_tamper_57_an_answer_for_another_digest_leads_nowhere():
    """What it attests is a commitment to something else, and no header has its root."""
    other = lead_to(b"e" * 32, [SHA256], attested(SHA256(b"e" * 32), BitcoinHeader(7)))
    with answering(encode_timestamp(other)) as peer:
        found = CalendarClient().timestamp(peer.url, DIGEST)

        class OneHeader:
            def run(self, _start, _count):
                return bytes(36) + SHA256(b"e" * 32) + bytes(12)

        whitelist = Whitelist([peer.url])
        completer = Completer(CalendarClient().timestamp, whitelist, OneHeader())
        completed = completer.complete(attested(DIGEST, Pending(peer.url)))
    assert found.msg == DIGEST
    assert completed.timestamp is None
    assert "does not lead to Bitcoin block 7" in completed.reasons[peer.url]


def test_r45_a_404_is_a_reason_of_plain_signs(calendar):
    assert CalendarClient().timestamp(calendar, DIGEST) == NotYet("Not found")
    with answering(b"Wait\n<script>" + b"a" * 500, "404 Not Found") as peer:
        reason = CalendarClient().timestamp(peer.url, DIGEST).reason
    assert reason.startswith("Wait__script_aaa")
    assert len(reason) == 160


def test_tamper_56_an_internal_uri_in_a_file_is_never_contacted():
    class NoHeaders:
        def run(self, _start, _count):
            return b""

    with answering(PROMISE) as peer:
        timestamp = lead_to(DIGEST, [Op.append(b"x")], attested(DIGEST + b"x", Pending(peer.url)))
        completer = Completer(CalendarClient().timestamp, Whitelist(), NoHeaders())
        completed = completer.complete(timestamp)
        assert completed.timestamp is None
        assert "--calendar names one" in completed.reasons[peer.url]
        time.sleep(0.1)
        assert peer.asked == []
        named = Completer(CalendarClient().timestamp, Whitelist([peer.url]), NoHeaders())
        named.complete(timestamp)
    assert len(peer.asked) == 1


@pytest.mark.parametrize("uris", [["ftp://x.example"], ["https://a.example", "nonsense"]])
def test_what_names_no_calendar_is_refused_before_any_is_asked(uris):
    with pytest.raises(UsageError) as refused:
        CalendarClient().submit(DIGEST, uris)
    assert refused.value.code == "bad-calendar"


def test_more_than_sixteen_calendars_are_refused():
    with pytest.raises(LimitExceeded):
        CalendarClient().submit(DIGEST, [f"https://c{n}.example" for n in range(17)])


@pytest.mark.parametrize("needed", [0, 2])
def test_more_promises_than_calendars_cannot_be_asked_for(needed):
    with pytest.raises(UsageError) as refused:
        CalendarClient().submit(DIGEST, ["https://a.example"], needed=needed)
    assert refused.value.code == "calendar-count"
