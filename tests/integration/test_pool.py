"""Operations that wait: for parents, for the clock, over a restart, under a flood (N6, S2, S9)."""

from __future__ import annotations

import random
import time

import pytest

import homes
import lodestamp
from homes import NOW, assert_clean, audited_node, foreign_evidence
from lodestamp.errors import LimitExceeded
from lodestamp.node import home as home_module
from lodestamp.node.recorder import RecordStatus, Released, pool


def statuses(node, ops, peer="p"):
    return [str(each.status) for each in node.append([op.wire for op in ops], peer=peer)]


def chain(length: int) -> list:
    made = [foreign_evidence(0)]
    for number in range(1, length):
        made.append(foreign_evidence(number, (made[-1].op_id,)))
    return made


def test_waiting_operations_survive_a_restart(tmp_path):
    """N6."""
    ops = chain(5)
    with audited_node(tmp_path / "home") as node:
        assert statuses(node, ops[1:]) == ["pending"] * 4
        assert node.missing() == [ops[0].op_id]
    events = []
    with audited_node(tmp_path / "home") as node:
        node.listen(events.append)
        assert node.missing() == [ops[0].op_id]
        assert statuses(node, ops[:1]) == ["new"]
        assert statuses(node, ops) == ["known"] * 5
        assert node.missing() == []
    assert [each.log_index for each in events] == [1, 2, 3, 4]


def test_any_order_of_delivery_gives_the_same_operations(tmp_path):
    """S2: the result equals delivery in order, for a DAG with forks and merges."""
    chance = random.Random(11)
    ops = [foreign_evidence(0)]
    for number in range(1, 40):
        parents = {chance.choice(ops).op_id for _ in range(chance.randint(1, 4))}
        ops.append(foreign_evidence(number, tuple(sorted(parents))))
    for turn in range(3):
        order = ops[:]
        chance.shuffle(order)
        with audited_node(tmp_path / str(turn)) as node:
            for at in range(0, 40, 3):
                node.append([op.wire for op in order[at : at + 3]])
            assert statuses(node, ops) == ["known"] * 40
            assert node.missing() == []


def test_an_operation_from_the_future_is_held_until_the_clock_reads_its_time(tmp_path, monkeypatch):
    """S9: 120 seconds ahead is admitted, one more is held, over a restart too."""
    clock = [NOW * 1000]
    monkeypatch.setattr(home_module, "now_ms", lambda: clock[0])
    edge = foreign_evidence(1, ts=NOW + 120)
    ahead = foreign_evidence(2, (edge.op_id,), ts=NOW + 121)
    child = foreign_evidence(3, (ahead.op_id,), ts=NOW)
    with audited_node(tmp_path / "home") as node:
        assert statuses(node, [edge, ahead, child]) == ["new", "held", "pending"]
        clock[0] += 999
        assert statuses(node, [ahead]) == ["held"]
    events = []
    clock[0] += 1
    with audited_node(tmp_path / "home") as node:
        node.listen(events.append)
        for _ in range(200):  # the writer wakes by itself
            if len(events) == 2:
                break
            time.sleep(0.02)
    assert events == [
        Released(ahead.op_id, RecordStatus.NEW, 1),
        Released(child.op_id, RecordStatus.NEW, 2),
    ]


def test_a_flood_puts_out_only_its_own_operations(tmp_path, monkeypatch):
    """N6: the share of each peer is bounded, the least recently received go first."""
    monkeypatch.setattr(pool, "PENDING_OPERATIONS_MAX", 10)
    lost = foreign_evidence(10_000)
    honest = foreign_evidence(1, (lost.op_id,))
    flood = [foreign_evidence(n, (lost.op_id,)) for n in range(100, 125)]
    with audited_node(tmp_path / "home") as node:
        assert statuses(node, [honest], peer="honest") == ["pending"]
        assert statuses(node, [honest], peer="hostile") == ["pending"]
        for each in flood:
            statuses(node, [each], peer="hostile")
        missing = node.missing()
        assert lost.op_id in missing
        assert {each.op_id for each in flood[:15]} <= set(missing)
        assert not {each.op_id for each in flood[15:]} & set(missing)
        assert honest.op_id not in missing
        assert statuses(node, [lost], peer="honest") == ["new"]
        assert statuses(node, [honest]) == ["known"]
        assert statuses(node, flood[15:]) == ["known"] * 10
        assert statuses(node, flood[:15]) == ["new"] * 15
        assert node.missing() == []


def test_bytes_that_wait_are_bounded_too(tmp_path, monkeypatch):
    """N6."""
    waiting = [foreign_evidence(n, ("sha256:" + "0" * 64,)) for n in range(20)]
    monkeypatch.setattr(pool, "PENDING_BYTES_MAX", 5 * len(waiting[10].wire))
    with audited_node(tmp_path / "home") as node:
        statuses(node, waiting)
        assert len(node.missing()) == 16


def test_evicted_ids_are_remembered_up_to_a_number(tmp_path, monkeypatch):
    """N6."""
    monkeypatch.setattr(pool, "PENDING_OPERATIONS_MAX", 1)
    monkeypatch.setattr(pool, "REFUSED_MAX", 4)
    waiting = [foreign_evidence(n, ("sha256:" + "0" * 64,)) for n in range(20)]
    with audited_node(tmp_path / "home") as node:
        for each in waiting:
            statuses(node, [each])
        assert len(node.missing()) == 1 + 4


def test_a_peer_has_a_short_name(tmp_path):
    with lodestamp.open(tmp_path / "home") as node, pytest.raises(LimitExceeded):
        node.append([], peer="p" * 257)
    assert_clean(tmp_path / "home")


def test_one_submission_may_bring_what_releases_its_own_and_what_condemns_it(tmp_path):
    """The answer says where an operation stands when the transaction is over."""
    from lodestamp.core.operations import build_op

    first, second = chain(2)
    third = foreign_evidence(2, (second.op_id,))
    gap = build_op(
        homes.ALICE, "g", "evidence", dict(first.body), (second.op_id,), NOW, version=2, seq=4
    )
    doomed = foreign_evidence(4, (gap.op_id,))
    with audited_node(tmp_path / "home") as node:
        assert statuses(node, [second]) == ["pending"]
        assert statuses(node, [gap]) == ["pending"]
        answers = node.append([each.wire for each in (third, doomed, first)])
        assert [getattr(each, "code", each) for each in answers[1:2]] == ["rejected-parent"]
        assert [each.status for each in (answers[0], answers[2])] == ["new", "new"]
