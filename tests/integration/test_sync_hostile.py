"""Peers that lie, withhold, flood and fall silent (S8, S36-S38, Y3, Y7)."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

import lodestamp
from homes import NOW, foreign_evidence, reading
from listeners import served
from lodestamp.core.encoding import Digest, address_of, address_of_digest
from lodestamp.errors import PeerError
from lodestamp.node.recorder import Leaf, heads_digest
from lodestamp.node.sync import HeadsAnswer, SyncServer
from lodestamp.node.sync.messages import End
from pairs import ids, pair, write


class Liar(SyncServer):
    """A server that is honest but for the calls that a test replaces in `lies`."""

    def __init__(self, node: lodestamp.Node) -> None:
        super().__init__(node.peers.store)
        self.lies = {}
        node.peers.__dict__["server"] = self

    def heads(self, body):
        return self.lies.get("heads", super().heads)(body)

    def pull(self, body):
        return self.lies.get("pull", super().pull)(body)

    def ops(self, body):
        return self.lies.get("ops", super().ops)(body)

    def symbols(self, size, first, count):
        return self.lies.get("symbols", super().symbols)(size, first, count)


@pytest.fixture
def both(tmp_path):
    """Two homes; the second lies as a test tells it to, before it is asked for anything."""
    with pair(tmp_path, listen=False) as made:
        made.honest, made.liar = SyncServer(made.nodes[1].peers.store), Liar(made.nodes[1])
        with served(made.nodes[1]) as made.listening:
            made.url = made.listening.url
            yield made


def test_a_cut_stream_is_taken_up_where_it_was_cut(both):
    """S36: nothing that was recorded is sent again."""
    a, b = both.nodes
    write(b, 400)
    sent: list[bytes] = []

    def pull(body, *, real=both.honest.pull):
        lines = b"".join(real(body)).splitlines(keepends=True)
        whole = len(sent) > 200
        for line in lines if whole else lines[:150]:
            sent.append(line)
            yield line
        if not whole:
            raise ConnectionError

    both.liar.lies["pull"] = pull
    report = a.sync(both.url)
    assert (report.received, report.complete) == (400, True)
    operations = [line for line in sent if not line.startswith(b'{"count"')]
    assert len(operations) == len(set(operations)) == 400
    assert report.rounds == 3


def test_what_came_before_the_peer_fell_silent_is_kept(both):
    """S36: the next session goes on from there."""
    a, b = both.nodes
    write(b, 100)

    def pull(body, *, real=both.honest.pull):
        yield from b"".join(real(body)).splitlines(keepends=True)[:10]
        raise ConnectionError

    both.liar.lies["pull"] = pull
    with pytest.raises(PeerError) as caught:
        a.sync(both.url)
    assert caught.value.code == "cut-short"
    assert len(ids(a)) == 30
    both.liar.lies.clear()
    assert a.sync(both.url).received == 70


def test_a_peer_is_dropped_after_sixteen_bad_operations(both):
    """S38: each is counted with its reason, and none changes anything."""
    a, b = both.nodes
    write(b, 30)

    def pull(body, *, real=both.honest.pull):
        *lines, end = b"".join(real(body)).splitlines(keepends=True)
        yield b"".join(line.replace(b"sensor", b"censor") for line in lines) + end

    both.liar.lies["pull"] = pull
    report = a.sync(both.url)
    assert not report.complete
    assert report.received == 0
    assert len(report.rejected) >= 16
    assert {code for _, code in report.rejected} == {"op-id-mismatch"}
    assert ids(a) == []


def test_three_nodes_and_a_liar(tmp_path):
    """What the liar spoils comes from the honest one; nothing of the lie stays."""
    with pair(tmp_path, "abc", listen=False) as three, ExitStack() as stack:
        a, b, c = three.nodes
        liar, honest = Liar(b), SyncServer(b.peers.store).pull
        urls = [stack.enter_context(served(node)).url for node in three.nodes]
        write(b, 12)
        c.sync(urls[1])

        def pull(body):
            *lines, _end = b"".join(honest(body)).splitlines(keepends=True)
            kept = [line for number, line in enumerate(lines) if number % 3]
            return iter([b"".join(kept), End(len(kept), ()).encode() + b"\n"])

        liar.lies = {"pull": pull, "ops": lambda _: iter([End(0, ()).encode() + b"\n"])}
        report = a.sync(urls[1])
        assert not report.complete
        assert report.withheld
        assert report.pending
        assert a.sync(urls[2]).complete
        assert ids(a) == ids(c)
        assert len(ids(a)) == 12


def test_heads_that_are_not_served_are_withheld(both):
    """Y7, S8: named by id; a gap is never accepted."""
    a, b = both.nodes
    write(b, 3)
    invented = Digest(secrets.token_bytes(32))

    def heads(body, *, real=both.honest.heads):
        answer = HeadsAnswer.parse(real(body))
        claimed = (*answer.heads, invented)
        digest = heads_digest(Leaf(0, 0, each) for each in claimed)
        return replace(answer, heads=claimed, count=len(claimed), digest=digest).encode()

    both.liar.lies["heads"] = heads
    report = a.sync(both.url)
    assert report.withheld == (address_of_digest(invented),)
    assert (report.received, report.complete) == (3, False)


def test_children_without_parents_wait_and_the_parents_are_withheld(both):
    """A flood of operations whose parents never come changes no state."""
    a, _ = both.nodes
    parent = foreign_evidence(0)
    flood = [foreign_evidence(n, (parent.op_id,), node=f"n{n}") for n in range(1, 50)]

    def pull(_body):
        lines = b"".join(op.wire + b"\n" for op in flood)
        return iter([lines, End(len(flood), ()).encode() + b"\n"])

    write(both.nodes[1], 1)
    both.liar.lies["pull"] = pull
    report = a.sync(both.url)
    assert (report.pending, report.complete) == (49, False)
    assert parent.op_id in report.withheld
    a.append([parent.wire])
    assert len(ids(a)) == 51


def test_a_peer_that_repeats_itself_is_left(both):
    a, b = both.nodes
    write(b, 5)
    a.sync(both.url)
    write(b, 1, 100)
    old = b.peers.page(-1, 5)[0]

    def pull(_body):
        for _ in range(3_000):
            yield b"".join(wire + b"\n" for wire in old)

    both.liar.lies["pull"] = pull
    with pytest.raises(PeerError) as caught:
        a.sync(both.url)
    assert caught.value.code == "bad-answer"


def test_symbols_that_never_end_are_given_up_for_the_list_of_ids(both):
    """Y3: symbol 0 never becomes zero; the bytes are bounded, and the list decides."""
    a, b = both.nodes
    a.append([foreign_evidence(n).wire for n in range(40)])
    b.append([foreign_evidence(n).wire for n in range(20, 80)])
    taken = 0

    def symbols(size, first, count, *, real=both.honest.symbols):
        nonlocal taken
        frame = bytearray(real(size, first, count))
        if first == 0:
            frame[36] ^= 1  # a bit of the first sum, which no peeling can clear
        taken += len(frame)
        return bytes(frame)

    both.liar.lies["symbols"] = symbols
    report = a.sync(both.url, mode="symbols")
    assert report.complete
    assert 0 < taken <= 32 * 60 + 5_000
    assert ids(a) == ids(b)


def test_a_key_that_was_renewed_makes_the_comparison_start_again(both):
    """Y3: what was asked for is gone; ask anew."""
    a, b = both.nodes
    a.append([foreign_evidence(n).wire for n in range(10)])
    b.append([foreign_evidence(n).wire for n in range(5, 15)])
    first = iter([True])

    def heads(body, *, real=both.honest.heads):
        answer = HeadsAnswer.parse(real(body))
        return replace(answer, riblt_key=bytes(16)).encode() if next(first, False) else real(body)

    both.liar.lies["heads"] = heads
    assert a.sync(both.url, mode="symbols").complete
    assert ids(a) == ids(b)


def test_a_set_that_is_not_there_is_gone(both):
    listening = both.listening
    for target in ("symbols?size=1&from=0&count=8", "ids?size=1"):
        answer = listening.ask(both.keys[0], "GET", f"/v1/sync/{target}")
        assert (answer.status_code, answer.json()["code"]) == (409, "snapshot-gone")
    beyond = listening.ask(both.keys[0], "GET", "/v1/sync/symbols?size=0&from=0&count=4097")
    assert beyond.status_code == 413


def test_a_push_is_bounded_and_answered_line_by_line(both):
    listening = both.listening
    key = both.keys[0]
    good = foreign_evidence(1)
    orphan = foreign_evidence(2, (address_of(b"x"),), node="other")
    lines = good.wire + b"\n" + orphan.wire + b"\n{}\n" + good.wire + b"\n"
    answer = listening.ask(key, "POST", "/v1/sync/push", lines)
    told = [json.loads(line) for line in answer.content.splitlines()]
    assert [each["status"] for each in told] == ["new", "pending", "rejected", "known"]
    assert told[1]["missing"] == [address_of(b"x")]
    assert (told[2]["op_id"], told[2]["code"]) == (None, "missing-field")
    large = b"x" * ((8 << 20) + 1)
    assert listening.ask(key, "POST", "/v1/sync/push", large).status_code == 413
    many = b"\n" * 10_001
    assert listening.ask(key, "POST", "/v1/sync/push", many).status_code == 413
    flood = b"{}\n" * 1_200
    told = [
        json.loads(line)["code"]
        for line in listening.ask(key, "POST", "/v1/sync/push", flood).content.splitlines()
    ]
    counted = {code: len(list(group)) for code, group in itertools.groupby(told)}
    assert counted == {"missing-field": 500, "dropped": 700}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("heads", b"{}"),
        ("heads", b'{"count":0,"digest":"x","heads":[],"origin":"o"}'),
        ("pull", b'{"have":["sha256:00"]}'),
        ("pull", b'{"after":"sha256:' + b"0" * 64 + b'","have":[]}'),
        ("vector", b'{"vector":[[1,2,3]]}'),
        ("ops", b'{"ids":"x"}'),
        ("ops", b"\xff"),
    ],
)
def test_a_body_that_is_none_is_refused(both, call, body):
    listening = both.listening
    answer = listening.ask(both.keys[0], "POST", f"/v1/sync/{call}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-body")


def test_an_operation_from_the_future_is_held(both):
    """S9, S37: replicated operations pass the same admission as local ones."""
    a, b = both.nodes
    ahead = foreign_evidence(1, ts=int(time.time()) + 10_000)
    assert ahead.ts > NOW

    def pull(_body):
        return iter([ahead.wire + b"\n" + End(1, ()).encode() + b"\n"])

    b.record(**reading(1))
    both.liar.lies["pull"] = pull
    report = a.sync(both.url)
    assert report.pending == 1
    assert ahead.op_id not in ids(a)
