"""Witnesses over real HTTP: what they cosign, what they refuse, and what they keep (R23-R27)."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import lodestamp
from homes import assert_clean, reading
from listeners import served
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import Frontier, leaf_hashes, prove_consistency, root
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    AddCheckpoint,
    Checkpoint,
    NoteSigner,
    VerifierKey,
    encode_add_checkpoint,
    open_note,
    parse_checkpoint,
    parse_note,
    sign_note,
    verify_cosignatures,
)
from lodestamp.node.anchors import LogForked, WitnessAhead, WitnessClient
from lodestamp.node.fsck import fsck

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
LEAVES = leaf_hashes([bytes([i]) for i in range(40)])
OTHER_LEAVES = leaf_hashes([bytes([i + 100]) for i in range(40)])


class Tiles:
    """The tiles of a log in memory."""

    def __init__(self, leaves):
        self.levels = Frontier.EMPTY.grow(leaves)[1]

    def hashes(self, level, start, count):
        return self.levels[level][32 * start : 32 * (start + count)]


def asked(old, size, leaves=LEAVES, **changed):
    text = Checkpoint("log.example/a", size, changed.get("root", root(leaves[:size]))).text()
    proof = prove_consistency(Tiles(leaves), old, size).hashes if 0 < old <= size else ()
    note = parse_note(sign_note(text, [changed.get("signer", LOG)]))
    return encode_add_checkpoint(AddCheckpoint(old, changed.get("proof", proof), note))


@contextmanager
def a_witness(home: Path, *, config: str = "", logs=(LOG.verifier_key,)):
    """A node that witnesses logs, served on loopback; audited at the end."""
    home.mkdir()
    (home / "config.toml").write_text(config)
    with lodestamp.open(home) as node:
        for vkey in logs:
            node.public.witness.add_log(vkey.name, vkey)
        with served(node, "witness") as listening:
            yield listening
    assert_clean(home)


def post(listening, body):
    return httpx.post(f"{listening.url}/witness/add-checkpoint", content=body)


def seen(listening, origin="log.example/a"):
    digest = hashlib.sha256(origin.encode()).hexdigest()
    return httpx.get(f"{listening.url}/witness/{digest}/checkpoint")


@pytest.fixture
def witness(tmp_path):
    with a_witness(tmp_path / "witness") as listening:
        yield listening


def test_r23_a_witness_cosigns_a_log_that_grows_and_shows_what_it_cosigned(witness):
    assert seen(witness).status_code == 404
    (vkey,) = witness.node.public.witness.vkeys
    assert vkey.key_type == ED25519_COSIGNATURE
    for old, size in ((0, 0), (0, 3), (3, 3), (3, 20), (20, 21)):
        answer = post(witness, asked(old, size))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith(f"\u2014 {vkey.name} ")
        assert answer.text.endswith("\n")
        note = parse_note(asked(old, size).split(b"\n\n", 1)[1])
        together = parse_note(f"{note.text}\n".encode() + answer.content)
        assert len(verify_cosignatures(together, [vkey])) == 1
        shown = seen(witness)
        assert shown.headers["content-type"] == "text/plain; charset=utf-8"
        opened = open_note(shown.content, [LOG.verifier_key, vkey])
        assert opened.verified == (LOG.verifier_key, vkey)
        assert parse_checkpoint(opened.text).size == size


def test_r23_each_refusal_has_its_status_in_the_order_of_the_rules(witness):
    assert post(witness, asked(0, 5)).status_code == 200
    stranger = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x09" * 32))
    nobody = NoteSigner("log.example/b", SigningKey.from_seed("ed25519", b"\x01" * 32))
    unknown = sign_note(Checkpoint("log.example/b", 1, bytes(32)).text(), [nobody])
    for status, body in (
        (400, b"old x\n\n"),
        (413, b"x" * 131_073),
        (404, b"old 9\n\n" + unknown),
        (403, asked(5, 7, signer=stranger)),
        (400, asked(9, 7)),
        (422, asked(5, 5, root=bytes(32))),
        (422, asked(5, 9, OTHER_LEAVES)),
        (422, asked(5, 9, proof=())),
    ):
        answer = post(witness, body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    for old in (0, 4, 6):
        answer = post(witness, asked(old, 7))
        assert (answer.status_code, answer.content) == (409, b"5\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
    assert parse_checkpoint(parse_note(seen(witness).content).text).size == 5


def test_r25_a_fork_is_kept_once_with_both_notes_and_told(witness):
    told = []
    witness.node.listen(told.append)
    assert post(witness, asked(0, 5)).status_code == 200
    for _ in range(3):
        assert post(witness, asked(5, 5, OTHER_LEAVES)).status_code == 422
    for _ in range(3):
        assert post(witness, asked(5, 9, OTHER_LEAVES)).status_code == 422
    assert told == [
        LogForked("log.example/a", 5, "two-roots", convicts=True),
        LogForked("log.example/a", 9, "not-shown", convicts=False),
    ]
    report = fsck(witness.node.home)
    assert report.clean
    assert report.checked["log_forks"] == report.checked["unproven_checkpoints"] == 1


def test_r24_of_two_racing_requests_one_is_cosigned_and_one_is_409(witness):
    assert post(witness, asked(0, 5)).status_code == 200
    barrier = threading.Barrier(2)
    size = 5
    for _round in range(8):
        bodies = [asked(size, size + 2), asked(size, size + 3)]

        def race(body):
            barrier.wait()
            return post(witness, body)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(race, bodies))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won = 0 if answers[0].status_code == 200 else 1
        size += 2 + won
        assert answers[1 - won].content == f"{size}\n".encode()


def test_r27_a_witness_with_pq_signs_a_line_of_each_type(tmp_path):
    config = 'pq = true\nwitness = "witness.example/w7"\n'
    with a_witness(tmp_path / "witness", config=config) as listening:
        vkeys = listening.node.public.witness.vkeys
        assert [vkey.key_type for vkey in vkeys] == [ED25519_COSIGNATURE, MLDSA44_COSIGNATURE]
        assert {vkey.name for vkey in vkeys} == {"witness.example/w7"}
        answer = post(listening, asked(0, 5))
        note = parse_note(asked(0, 5).split(b"\n\n", 1)[1])
        together = parse_note(f"{note.text}\n".encode() + answer.content)
        assert len(verify_cosignatures(together, vkeys)) == 2


# --- a log and its witnesses ---------------------------------------------------------------------


@contextmanager
def answering(status, body, *, slowly=False):
    """A listener that gives every request the same answer."""
    import http.server
    import time

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for at in range(len(body)):
                if slowly:
                    time.sleep(0.3)
                try:
                    self.wfile.write(body[at : at + 1] if slowly else body)
                    self.wfile.flush()
                except OSError:
                    return
                if not slowly:
                    return

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client_of(node, witnesses, told, timeout_s=1.0):
    return WitnessClient(node._database, witnesses, timeout_s=timeout_s, emit=told.append)


def test_r26_a_log_and_three_witnesses_one_lying_and_one_down(tmp_path):
    """The honest one cosigns every checkpoint; the others are reported and nothing of them kept."""
    home, told = tmp_path / "log", []
    with lodestamp.open(home) as node:
        other = NoteSigner(node.origin, SigningKey.from_seed("ed25519", b"\x05" * 32))
        lie = other.sign("another text\n").line()
        with (
            a_witness(tmp_path / "w1", logs=[node.log_key]) as honest,
            answering(200, f"{lie}\n".encode()) as liar,
        ):
            (vkey,) = honest.node.public.witness.vkeys
            liar_key = SigningKey.from_seed("ed25519", b"\x06" * 32).public_key.raw
            lying = VerifierKey("witness.example/liar", ED25519_COSIGNATURE, liar_key)
            down = VerifierKey("witness.example/down", ED25519_COSIGNATURE, bytes(32))
            witnesses = {
                f"{honest.url}/witness": [vkey],
                liar: [lying],
                "http://127.0.0.1:1": [down],
            }
            with client_of(node, witnesses, told) as client:
                for number in range(3):
                    node.record(**reading(number))
                    states = [(each.state, each.size) for each in client.submit()]
                    size = number + 1
                    assert states == [("cosigned", size), ("lied", size), ("away", size)]
            opened = open_note(node.checkpoint(), [node.log_key, vkey, lying, down])
            assert opened.verified == (node.log_key, vkey)
            assert open_note(node.checkpoint(2), [vkey]).verified == (vkey,)
            # another client of the same log begins where the witness stands
            node.record(**reading(3))
            with client_of(node, {f"{honest.url}/witness": [vkey]}, told) as client:
                assert [each.state for each in client.submit()] == ["cosigned"]
            with served(node, "log") as listening:
                published = httpx.get(f"{listening.url}/log/checkpoint").content
            assert open_note(published, [node.log_key, vkey]).verified == (node.log_key, vkey)
    assert told == []
    report = fsck(home)
    assert report.clean, report.findings
    assert report.checked["cosignatures"] == 4


def test_r26_a_409_is_retried_once_from_the_size_it_names(tmp_path):
    with lodestamp.open(tmp_path / "log") as node:
        with a_witness(tmp_path / "w1", logs=[node.log_key]) as honest:
            (vkey,) = honest.node.public.witness.vkeys
            witnesses = {f"{honest.url}/witness": [vkey]}
            for number in range(5):
                node.record(**reading(number))
            with client_of(node, witnesses, []) as client:
                assert client.submit()[0].state == "cosigned"
            with client_of(node, witnesses, []) as forgetful:
                node.record(**reading(9))
                forgetful._sizes[f"{honest.url}/witness"] = (
                    3  # the answer to an earlier round was lost
                )
                assert forgetful.submit()[0].state == "cosigned"
        with answering(409, b"1\n") as stubborn, client_of(node, {stubborn: [vkey]}, []) as client:
            assert client.submit()[0].state == "behind"
        for nonsense in (b"1", b"x\n", b"01\n", b"99999999999999999999\n"):
            with answering(409, nonsense) as url, client_of(node, {url: [vkey]}, []) as client:
                assert client.submit()[0].state == "refused"
    assert_clean(tmp_path / "log")


def test_r26_witnesses_are_shown_what_is_handed_to_calendars_and_anchored(tmp_path):
    """The anchored checkpoint bears their word, whatever was sealed since their last round."""
    home = tmp_path / "log"
    with lodestamp.open(home) as node:
        log_key = node.log_key
        node.open_calendar("https://calendar.example").close()
    with a_witness(tmp_path / "w1", logs=[log_key]) as honest:
        (vkey,) = honest.node.public.witness.vkeys
        with (home / "config.toml").open("a") as file:
            file.write(f'[witnesses]\n"{honest.url}/witness" = ["{vkey.text()}"]\n')
        with lodestamp.open(home) as node, node.anchors() as anchors:
            node.record(**reading(0))
            node.calendars.submit()
            node.record(**reading(1))
            node.anchor_newest(anchors)
            for size in (1, 2):
                assert open_note(node.checkpoint(size), [vkey]).verified == (vkey,)
            # a witness is never asked to go back
            told = []
            with client_of(node, {f"{honest.url}/witness": [vkey]}, told) as client:
                assert [(each.state, each.size) for each in client.submit(1)] == [("passed", 1)]
                assert [each.state for each in client.submit()] == ["cosigned"]
            assert told == []
    assert_clean(home)


def test_r26_a_witness_that_has_seen_more_than_we_hold_is_told(tmp_path):
    told = []
    with lodestamp.open(tmp_path / "log") as node:
        node.record(**reading(0))
        vkey = node.public.witness.vkeys[0]
        with answering(409, b"7\n") as url, client_of(node, {url: [vkey]}, told) as client:
            assert client.submit()[0].state == "ahead"
        assert told == [WitnessAhead(url, 7, 1)]


def test_r26_a_witness_that_sends_a_byte_now_and_then_holds_up_nobody(tmp_path):
    with lodestamp.open(tmp_path / "log") as node:
        node.record(**reading(0))
        vkey = node.public.witness.vkeys[0]
        with (
            answering(200, b"x" * 1_000, slowly=True) as url,
            client_of(node, {url: [vkey]}, [], timeout_s=0.5) as client,
        ):
            (said,) = client.submit()
            assert (said.state, said.detail) == ("away", "no answer in time")
            node.record(**reading(1))  # sealing goes on
    assert_clean(tmp_path / "log")


def test_a_split_view_shown_to_two_witnesses_is_caught(tmp_path):
    """Each sees a log that only grows; shown to one another, the two checkpoints convict it."""
    told = []
    with a_witness(tmp_path / "w1") as one, a_witness(tmp_path / "w2") as two:
        for witness, leaves in ((one, LEAVES), (two, OTHER_LEAVES)):
            assert post(witness, asked(0, 3, leaves)).status_code == 200
            assert post(witness, asked(3, 9, leaves)).status_code == 200
        two.node.listen(told.append)
        shown = parse_note(seen(one).content)
        body = encode_add_checkpoint(AddCheckpoint(9, (), shown))
        assert post(two, body).status_code == 422
        assert told == [LogForked("log.example/a", 9, "two-roots", convicts=True)]
        assert fsck(two.node.home).checked["log_forks"] == 1
