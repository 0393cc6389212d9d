"""The recorder against a real SQLite file: order, causality, groups, refusals."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import wait

import pytest

import lodestamp
from homes import (
    as_nobody,
    assert_clean,
    audited_node,
    foreign_claim,
    foreign_evidence,
    reading,
)
from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import leaf_hashes, root
from lodestamp.core.operations import parse_op
from lodestamp.core.transparency import open_note, parse_checkpoint
from lodestamp.errors import (
    CausalError,
    EncodingError,
    LimitExceeded,
    OpError,
    RecordError,
    SignatureError,
    UnknownOperation,
)
from lodestamp.node.recorder import RecordStatus


def test_an_acknowledged_operation_is_a_leaf_under_a_signed_checkpoint(tmp_path):
    with audited_node(tmp_path / "home") as node:
        first = node.record(**reading(1))
        second = node.record(**reading(2))
        assert (first.log_index, second.log_index) == (0, 1)
        note = open_note(node.checkpoint(second.tree_size), [node.log_key])
        checkpoint = parse_checkpoint(note.text)
        leaves = leaf_hashes([OP_CID_PREFIX + each.cid.digest for each in (first, second)])
        assert (checkpoint.origin, checkpoint.size) == (node.origin, 2)
        assert checkpoint.root == root(leaves)


def test_own_operations_form_one_chain(tmp_path):
    with audited_node(tmp_path / "home") as node:
        wait([node.record_future(**reading(n)) for n in range(50)])
        last = node.record(**reading(50))
        ops = {}
        op_id = last.op_id
        while op_id:
            operation = node.op(op_id)
            ops[op_id] = operation
            assert len(operation.prev) <= 1
            op_id = operation.prev[0] if operation.prev else ""
        assert len(ops) == 51


def test_what_waits_together_is_sealed_together(tmp_path):
    with audited_node(tmp_path / "home") as node:
        futures = [node.record_future(**reading(n)) for n in range(700)]
        recorded = [future.result() for future in futures]
        assert [each.log_index for each in recorded] == list(range(700))
        assert len({each.tree_size for each in recorded}) < 20


def test_a_known_operation_answers_its_old_leaf(tmp_path):
    with audited_node(tmp_path / "home") as node:
        op = foreign_evidence(1)
        [first] = node.append([op.wire])
        [second] = node.append([op.wire])
        assert (first.status, second.status) == (RecordStatus.NEW, RecordStatus.KNOWN)
        assert first.log_index == second.log_index == 0
        [third, fourth] = node.append([op.wire, op.wire])
        assert third == fourth == second


def test_a_bad_operation_does_not_spoil_its_neighbours(tmp_path):
    good = foreign_evidence(1)
    broken = good.wire.replace(b'"kind":"k"', b'"kind":"x"')
    forged = foreign_evidence(2)
    sig = forged.wire.index(b'"sig":"') + 8
    swapped = b"A" if forged.wire[sig : sig + 1] != b"A" else b"B"
    reparsed = _with_right_id(forged.wire[:sig] + swapped + forged.wire[sig + 1 :])
    with audited_node(tmp_path / "home") as node:
        answers = node.append([broken, good.wire, reparsed, b"{"])
        assert isinstance(answers[0], OpError)
        assert answers[0].code == "op-id-mismatch"
        assert answers[1].log_index == 0
        assert isinstance(answers[2], SignatureError)
        assert answers[3].code == "not-json"


def _with_right_id(wire: bytes) -> bytes:
    import json

    from lodestamp.core.encoding import address_of, canonical_json

    envelope = json.loads(wire)
    del envelope["op_id"]
    envelope["op_id"] = address_of(canonical_json(envelope))
    parse_op(canonical_json(envelope))
    return canonical_json(envelope)


def test_a_batch_is_ordered_by_causes_then_by_id(tmp_path):
    root_op = foreign_evidence(0)
    children = [foreign_evidence(n, (root_op.op_id,)) for n in range(1, 6)]
    merged = foreign_evidence(9, tuple(sorted(child.op_id for child in children)))
    wires = [merged.wire, *(child.wire for child in reversed(children)), root_op.wire]
    with audited_node(tmp_path / "home") as node:
        answers = node.append(wires)
        by_id = {answer.op_id: answer.log_index for answer in answers}
        ordered = [root_op.op_id, *sorted(child.op_id for child in children), merged.op_id]
        assert [by_id[op_id] for op_id in ordered] == list(range(7))


def test_an_operation_waits_for_its_parent_and_is_released_by_it(tmp_path):
    """S2."""
    parent = foreign_evidence(1)
    child = foreign_evidence(2, (parent.op_id,))
    with audited_node(tmp_path / "home") as node:
        [answer] = node.append([child.wire])
        assert (answer.status, answer.log_index) == (RecordStatus.PENDING, None)
        assert answer.missing == (parent.op_id,)
        [came] = node.append([parent.wire])
        assert came.log_index == 0
        [again] = node.append([child.wire])
        assert (again.status, again.log_index) == (RecordStatus.KNOWN, 1)


def test_a_claim_must_have_its_sources_in_its_past(tmp_path):
    source = foreign_evidence(1)
    other = foreign_evidence(2)
    with audited_node(tmp_path / "home") as node:
        node.append([source.wire, other.wire])
        [beside] = node.append([foreign_claim((source.op_id,), (other.op_id,)).wire])
        assert isinstance(beside, RecordError)
        assert beside.code == "missing-causal-reference"
        [above] = node.append([foreign_claim((source.op_id,), (source.op_id,)).wire])
        assert above.log_index == 2
        [absent] = node.append([foreign_claim(("sha256:" + "0" * 64,), ()).wire])
        assert isinstance(absent, CausalError)


def test_a_deep_source_is_found_through_forks(tmp_path):
    """Two branches of different length join; sources on both are ancestors, a third is not."""
    base = foreign_evidence(0)
    left, right = [base], [base]
    for n in range(20):
        left.append(foreign_evidence(100 + n, (left[-1].op_id,)))
    for n in range(7):
        right.append(foreign_evidence(200 + n, (right[-1].op_id,)))
    aside = foreign_evidence(300, (base.op_id,))
    join = foreign_evidence(400, tuple(sorted((left[-1].op_id, right[-1].op_id))))
    wires = [op.wire for op in (base, *left[1:], *right[1:], aside, join)]
    with audited_node(tmp_path / "home") as node:
        assert not [a for a in node.append(wires) if isinstance(a, Exception)]
        for source in (base, left[3], right[2]):
            [answer] = node.append([foreign_claim((source.op_id,), (join.op_id,)).wire])
            assert not isinstance(answer, Exception)
        [answer] = node.append([foreign_claim((aside.op_id,), (join.op_id,)).wire])
        assert answer.code == "missing-causal-reference"


def test_what_is_no_bytes_is_refused_in_its_place(tmp_path):
    with audited_node(tmp_path / "home") as node:
        answers = node.append([5, foreign_evidence(1).wire])
        assert answers[0].code == "usage"
        assert answers[1].log_index == 0


def test_many_heads_are_merged_thirty_two_at_a_time(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(n).wire for n in range(40)])
        first = node.op(node.record(**reading(1)).op_id)
        second = node.op(node.record(**reading(2)).op_id)
        assert len(first.prev) == 32
        assert len(second.prev) == 9  # the eight left over, and the first
        assert first.op_id in second.prev


def test_a_claim_on_an_unknown_source_is_refused(tmp_path):
    with audited_node(tmp_path / "home") as node, pytest.raises(CausalError):
        node.claim(
            subject="s",
            predicate="p",
            object=1,
            rationale="r",
            deriver="m",
            derived_from=["sha256:" + "0" * 64],
        )


def test_threads_share_one_node(tmp_path):
    with audited_node(tmp_path / "home") as node:
        indexes: list[int] = []

        def work(first: int) -> None:
            indexes.extend(node.record(**reading(first + n)).log_index for n in range(5))

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(indexes) == list(range(40))


def test_a_second_node_takes_the_whole_log(tmp_path):
    with audited_node(tmp_path / "one") as one, audited_node(tmp_path / "two") as two:
        recorded = [one.record(**reading(n)) for n in range(5)]
        wires = [one.op(each.op_id).wire for each in recorded]
        assert [each.log_index for each in two.append(list(reversed(wires)))] == [4, 3, 2, 1, 0]


def test_too_many_operations_at_once_are_refused_whole(tmp_path):
    with audited_node(tmp_path / "home") as node:
        with pytest.raises(LimitExceeded):
            node.append([foreign_evidence(1).wire] * 10_001)
        assert len(node.append([foreign_evidence(1).wire] * 10_000)) == 10_000


def test_a_closed_node_refuses(tmp_path):
    node = lodestamp.open(tmp_path / "home")
    node.close()
    node.close()
    for call in (lambda: node.record(**reading(1)), lambda: node.append([b"{}"])):
        with pytest.raises(RecordError) as refused:
            call()
        assert refused.value.code == "closed"


def test_closing_commits_what_waits(tmp_path):
    with audited_node(tmp_path / "home") as node:
        futures = [node.record_future(**reading(n)) for n in range(300)]
    assert sorted(future.result(0).log_index for future in futures) == list(range(300))


def test_an_unknown_operation_has_no_proof(tmp_path):
    with audited_node(tmp_path / "home") as node, pytest.raises(UnknownOperation):
        node.prove("sha256:" + "0" * 64)


def test_what_is_signed_is_what_was_handed_in(tmp_path):
    with audited_node(tmp_path / "home") as node:
        values = [1]
        future = node.record_future(source="s", kind="k", content={"values": values})
        values[0] = 2
        assert node.op(future.result().op_id).body["content"] == {"values": [1]}
        with pytest.raises(EncodingError):
            node.record_future(source="s", kind="k", content={"values": [1.5]})


def test_an_old_head_can_be_claimed_from_among_many(tmp_path):
    with audited_node(tmp_path / "home") as node:
        old = foreign_evidence(0)
        node.append([old.wire])
        node.append([foreign_evidence(n).wire for n in range(1, 41)])
        words = {"subject": "s", "predicate": "p", "object": 1, "rationale": "r", "deriver": "d"}
        recorded = node.claim(derived_from=[old.op_id], **words)
        assert old.op_id in node.op(recorded.op_id).prev


def test_many_sources_deep_in_a_forked_log_are_found_in_one_walk(tmp_path):
    """Two roots, so that no operation stands above all others."""
    with audited_node(tmp_path / "home") as node:
        chain = [foreign_evidence(0)]
        for number in range(1, 3_000):
            chain.append(foreign_evidence(number, (chain[-1].op_id,)))
        other = foreign_evidence(9_999)
        node.append([op.wire for op in (other, *chain)])
        sources = tuple(sorted(op.op_id for op in chain[:1_000]))
        [answer] = node.append([foreign_claim(sources, (chain[-1].op_id,)).wire])
        assert answer.log_index == 3_001
        beside = tuple(sorted((*sources[:5], other.op_id)))
        [answer] = node.append([foreign_claim(beside, (chain[-1].op_id,)).wire])
        assert answer.code == "missing-causal-reference"


def test_a_callback_can_neither_kill_nor_block_the_writer(tmp_path, capfd):
    home = tmp_path / "home"
    with audited_node(home) as node:
        refused: list[str] = []

        def leave(_future):
            raise SystemExit

        def wait_for_itself(_future):
            for call in (lambda: node.record(**reading(9)), node.close):
                with pytest.raises(RecordError) as error:
                    call()
                refused.append(error.value.code)

        other = sqlite3.connect(home / "lodestamp.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # the writer waits until both callbacks are in place
        first, second = node.record_future(**reading(1)), node.record_future(**reading(2))
        first.add_done_callback(leave)
        second.add_done_callback(wait_for_itself)
        other.execute("ROLLBACK")
        other.close()
        assert [each.result().log_index for each in (first, second)] == [0, 1]
        assert node.record(**reading(3)).log_index == 2
        assert refused == ["reentrant", "reentrant"]
    assert "SystemExit" in capfd.readouterr().err


def test_a_forked_child_is_told_to_open_the_home_itself(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.record(**reading(1))
        assert as_nobody(lambda: node.record(**reading(2))) == "RecordError forked"


def test_a_signal_handler_may_close_the_node(tmp_path):
    script = (
        "import signal, sys, os, threading, lodestamp\n"
        "node = lodestamp.open(sys.argv[1])\n"
        "signal.signal(signal.SIGTERM, lambda *_: node.close())\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "try:\n"
        "    while True: node.record_future(source='s', kind='k', content={})\n"
        "except lodestamp.LodestampError as error: print(error.code)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stdout == "closed\n"
    assert_clean(tmp_path / "home")
