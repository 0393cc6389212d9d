"""A peer that makes the log search far for ancestors, or floods the pool, pays for it (N6)."""

from __future__ import annotations

import random
import sqlite3
import time

import pytest

from homes import ALICE, NOW, audited_node, foreign_claim, foreign_evidence
from lodestamp.core.operations import build_op, evidence
from lodestamp.node.recorder import admission, ancestry, batch, pasts, pool
from lodestamp.node.recorder.ancestry import Ancestry
from lodestamp.node.recorder.known import KnownOperations
from lodestamp.node.recorder.pasts import Pasts


@pytest.fixture
def searches(monkeypatch) -> list[Ancestry]:
    """The searches of every transaction, in order; `walked` says what each of them cost."""
    seen: list[Ancestry] = []

    class Watched(Ancestry):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            seen.append(self)

    monkeypatch.setattr(batch, "Ancestry", Watched)
    return seen


def lonely_chain(length: int) -> list:
    """A chain of version 2 that merges nothing."""
    made, prev = [], ()
    for number in range(length):
        body = evidence(source="s", kind="k", content={"n": number}, captured_at=NOW)
        made.append(build_op(ALICE, "lonely", "evidence", body, prev, NOW, version=2, seq=number))
        prev = (made[-1].op_id,)
    return made


def test_a_long_search_is_done_once_and_not_for_every_operation(tmp_path, searches):
    """Strangers who never merge: each claim is drawn from the far end of their history."""
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(1).wire])
        chain = lonely_chain(6_000)
        node.append([op.wire for op in chain])
        tip, first = chain[-1].op_id, chain[0].op_id
        costs = []
        for number in range(20):
            claim = foreign_claim((first,), (tip,), ts=NOW + number)
            assert str(node.append([claim.wire])[0].status) == "new"
            costs.append(searches[-1].walked)
            tip = claim.op_id
        assert costs[0] > 6_000
        assert max(costs[1:]) < 100


def test_searches_beyond_a_share_are_held_for_a_second_and_nobody_else_waits(
    tmp_path, monkeypatch, searches
):
    monkeypatch.setattr(admission, "WALKED_MAX", 3_000)
    monkeypatch.setattr(ancestry, "PAST_AFTER", 1 << 30)
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(1).wire])
        chain = lonely_chain(2_500)
        node.append([op.wire for op in chain])
        hostile = [foreign_claim((chain[0].op_id,), (op.op_id,)).wire for op in chain[-1:-7:-1]]
        given = node._recorder.submit(hostile, peer="hostile")
        honest = node._recorder.submit([foreign_evidence(2).wire], peer="honest")
        statuses = [str(each.status) for each in given.result()]
        assert set(statuses) == {"new", "held"}
        assert str(honest.result()[0].status) == "new"
        for _ in range(200):
            if all(str(each.status) == "known" for each in node.append(hostile, peer="hostile")):
                break
            time.sleep(0.1)
        assert {str(each.status) for each in node.append(hostile, peer="hostile")} == {"known"}
        assert (
            max(each.walked for each in searches) < 3_000 + 3 * 2 * 2_500
        )  # one operation, which is searched for thrice


def test_what_is_kept_of_pasts_gives_the_same_ancestors(tmp_path, monkeypatch):
    """Exact: over random histories, with pasts kept all the time, few of them, or none."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    ops, above = [foreign_evidence(0)], [set()]
    for number in range(1, 250):
        parents = sorted({chance.randrange(max(0, number - 40), number) for _ in range(3)})
        if number % 20 == 7:
            parents = []
        above.append(set(parents).union(*(above[each] for each in parents)))
        prev = tuple(sorted(ops[each].op_id for each in parents))
        ops.append(foreign_evidence(number, prev, node=f"n{number}"))
    with audited_node(tmp_path / "home") as node:
        for op in ops:
            node.append([op.wire])
        for after, room in ((0, 1 << 20), (5, 200), (1 << 30, 0)):
            monkeypatch.setattr(ancestry, "PAST_AFTER", after)
            monkeypatch.setattr(pasts, "PASTS_BYTES_MAX", room)
            kept = Pasts()
            with node._database.reading("searching") as connection:
                known = KnownOperations(connection)
                for _ in range(300):
                    tips = sorted(chance.sample(range(250), chance.randint(1, 3)))
                    targets = set(chance.sample(range(250), 5))
                    search = Ancestry(connection, 250, kept)
                    wanted = set(tips).union(*(above[tip] for tip in tips)) & targets
                    found = search.reached(targets, [known.at(tip) for tip in tips])
                    assert found == wanted, f"seed {seed}"


def test_a_full_pool_is_not_counted_again_for_each_submission(tmp_path, monkeypatch):
    """N6: what waits for a peer is counted as it comes and goes, and the count stays true."""
    monkeypatch.setattr(pool, "PENDING_OPERATIONS_MAX", 50)
    lost = foreign_evidence(10_000)
    flood = [foreign_evidence(n, (lost.op_id,)) for n in range(80)]
    home = tmp_path / "home"
    shares = "SELECT peer, operations, size FROM pending_share"
    with audited_node(home) as node:
        for op in flood:
            node.append([op.wire], peer="hostile")
        node.append([op.wire for op in flood[-3:]], peer="honest")
        waiting = {"hostile": flood[-50:], "honest": flood[-3:]}
        with sqlite3.connect(home / "lodestamp.db") as database:
            assert sorted(database.execute(shares)) == sorted(
                (peer, len(ops), sum(len(op.wire) for op in ops)) for peer, ops in waiting.items()
            )
        node.append([lost.wire])
        with sqlite3.connect(home / "lodestamp.db") as database:
            assert list(database.execute(shares)) == []
