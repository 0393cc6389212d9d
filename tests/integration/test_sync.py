"""Two and three real nodes over real HTTP: diverge, converge, lie, are cut off (S34-S38, Y1-Y7)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

import lodestamp
from homes import assert_clean, foreign_evidence, reading
from listeners import served
from lodestamp.errors import PeerError, SyncError, UsageError
from lodestamp.node.keyring import AUTHOR_KEY, load_key
from pairs import ids, pair, write


def test_nodes_that_diverged_come_together(tmp_path):
    """S35: equal heads on both sides; what one has, the other has."""
    with pair(tmp_path) as both:
        a, b = both.nodes
        write(a, 30)
        a.sync(both.served[1].url)
        write(a, 20, 100)
        write(b, 25, 200)
        report = a.sync(both.served[1].url)
        assert (report.relation, report.complete, report.rejected) == ("diverged", True, ())
        assert (report.received, report.sent) == (25, 20)
        assert ids(a) == ids(b)
        assert len(ids(a)) == 75
        assert a.sync(both.served[1].url).relation == "equal"
        assert b.sync(both.served[0].url).rounds == 0


def test_who_is_behind_pulls_in_one_round_and_gets_only_what_is_missing(tmp_path):
    """S34, T6: at most the operations, 64 bytes a head, and 1 kB; in one round."""
    with pair(tmp_path) as both:
        a, b = both.nodes
        write(a, 50)
        assert b.sync(both.served[0].url).relation == "behind"
        write(a, 10, 100)
        report = b.sync(both.served[0].url)
        assert (report.relation, report.rounds, report.received) == ("behind", 1, 10)
        new = a.peers.page(49, 500)[0]
        assert len(new) == 10
        assert report.bytes_received <= sum(map(len, new)) + 64 + 1024
        assert ids(a) == ids(b)


def test_who_is_ahead_pushes(tmp_path):
    with pair(tmp_path) as both:
        a, b = both.nodes
        write(a, 5)
        report = a.sync(both.served[1].url)
        assert (report.relation, report.sent, report.rounds) == ("ahead", 5, 1)
        assert ids(a) == ids(b)


def test_modes_name_a_direction(tmp_path):
    with pair(tmp_path) as both:
        a, b = both.nodes
        write(a, 3)
        write(b, 4, 100)
        pulled = a.sync(both.served[1].url, mode="pull")
        assert (pulled.received, pulled.sent, pulled.complete) == (4, 0, True)
        assert (len(ids(a)), len(ids(b))) == (7, 4)
        pushed = a.sync(both.served[1].url, mode="push")
        assert (pushed.received, pushed.sent, pushed.complete) == (0, 3, True)
        assert ids(a) == ids(b)
        with pytest.raises(UsageError):
            a.sync(both.served[1].url, mode="sideways")


def test_symbols_find_scattered_differences(tmp_path):
    """Y3: concurrent operations that no sample of a chain would find."""
    with pair(tmp_path) as both:
        a, b = both.nodes
        every = [foreign_evidence(n).wire for n in range(300)]
        a.append([wire for n, wire in enumerate(every) if n % 10])
        b.append([wire for n, wire in enumerate(every) if n % 7])
        report = a.sync(both.served[1].url, mode="symbols")
        assert report.complete
        missing = len([n for n in range(300) if n % 10 == 0 and n % 7])
        assert (report.received, report.sent) == (missing, 43 - 5)
        assert ids(a) == ids(b)


def test_auto_falls_back_to_symbols_when_two_questions_do_not_settle_it(tmp_path):
    with pair(tmp_path) as both:
        a, b = both.nodes
        every = [foreign_evidence(n).wire for n in range(900)]
        a.append([wire for n, wire in enumerate(every) if n % 10])
        b.append([wire for n, wire in enumerate(every) if n % 7])
        assert a.sync(both.served[1].url).complete
        assert ids(a) == ids(b)
        assert len(ids(a)) == len([n for n in range(900) if n % 70])


def test_another_origin_is_refused_unless_merged(tmp_path):
    with pair(tmp_path / "x") as both, lodestamp.open(tmp_path / "c") as other:
        both.nodes[0].record(**reading(1))
        with served(other) as listening:
            (tmp_path / "c" / "config.toml").write_text("")
        with pytest.raises(PeerError) as caught:
            other.sync(both.served[0].url)
        assert caught.value.code == "forbidden"
    with ExitStack() as stack:
        home = tmp_path / "d"
        with lodestamp.open(home) as first:
            first.record(**reading(1))
        key = load_key(home / "keys", AUTHOR_KEY)
        second = tmp_path / "e"
        with lodestamp.open(second):
            (second / "config.toml").write_text(f'peers = ["{key.key_id}"]\n')
        node = stack.enter_context(lodestamp.open(home))
        peer = stack.enter_context(lodestamp.open(second))
        listening = stack.enter_context(served(peer))
        with pytest.raises(SyncError) as unrelated:
            node.sync(listening.url)
        assert unrelated.value.code == "unrelated"
        assert ids(peer) == []
        assert node.sync(listening.url, merge=True).sent == 1
        assert ids(peer) == ids(node)
    assert_clean(home)
    assert_clean(second)
