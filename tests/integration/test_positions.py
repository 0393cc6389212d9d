"""Positions through the database: added once, never changed; what they decide (N7, S22, S31)."""

from __future__ import annotations

from pathlib import Path

import pytest

import lodestamp
from homes import ALICE, NOW, assert_clean, audited_node, foreign_evidence
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    Placed,
    Position,
    ProvenanceGraph,
    Status,
    View,
    build_cap,
    build_op,
    evidence,
    grant,
    revocation,
)
from lodestamp.errors import RecordError, UsageError
from lodestamp.node.recorder import DatabaseGraphSource, place
from worlds import World

AGENT = SigningKey.from_seed("ed25519", b"g" * 32)
EXPIRES = NOW + 1_000
GRACE = 86_400
"""Seconds that an operation may reach the ledger after its capability expired (S22)."""


def loaded(node) -> ProvenanceGraph:
    return ProvenanceGraph.load(DatabaseGraphSource(node._database), roots=node.roots)


class Delegated:
    """A grant, evidence of the agent under it, and a revocation that has not seen the evidence."""

    def __init__(self, home: Path) -> None:
        with lodestamp.open(home, roots=[ALICE.key_id]):
            pass
        self.cap = build_cap(
            ALICE, audience=AGENT.key_id, commands=["/evidence/create"], predicates=(),
            not_before=NOW - 10, expires_at=EXPIRES, nonce=bytes(16),
        )  # fmt: skip
        first = build_op(ALICE, "a", "grant", grant(self.cap), (), NOW, version=2, seq=0)
        body = evidence(source="s", kind="k", content={}, captured_at=NOW)
        prev = (first.op_id,)
        self.acted = build_op(
            AGENT, "g", "evidence", body, prev, NOW, version=2, seq=0, cap=self.cap.cap_id
        )
        body = revocation(cap_id=self.cap.cap_id, reason="r")
        self.revoked = build_op(ALICE, "a", "revocation", body, prev, NOW, version=2, seq=1)
        self.first = first

    def record(self, node, *ops) -> None:
        for op in ops:
            assert str(node.append([op.wire])[0].status) == "new"


def at(leaf: int, height: int, *, seconds: int = NOW) -> Placed:
    return Placed(leaf, 1, Position(height, 0, leaf, seconds * 1000))


def test_N7_a_position_is_added_once_and_never_changed(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(n).wire for n in range(10)])
        run = Placed(2, 5, Position(7, 1, 2, NOW * 1000))
        assert place(node._database, [run]) == 5
        assert place(node._database, [run, run._replace(length=8, first=2)]) == 3
        for changed in (
            run._replace(position=run.position._replace(height=6)),
            run._replace(position=run.position._replace(leaf_index=3)),
            run._replace(
                first=6, length=1, position=run.position._replace(block_time=0, leaf_index=6)
            ),
        ):
            with pytest.raises(RecordError) as refused:
                place(node._database, [at(0, 1), changed])
            assert refused.value.code == "position-changed"
        assert list(DatabaseGraphSource(node._database).placed()) == [run._replace(length=8)]


def test_N7_only_operations_of_the_log_have_a_position(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(1).wire])
        good = Position(1, 0, 0, 0)
        for run in (
            Placed(0, 2, good),
            Placed(-1, 1, good),
            Placed(1, 1, good),
            Placed(0, -1, good),
        ):
            with pytest.raises(UsageError):
                place(node._database, [run])
        with pytest.raises(UsageError):
            place(node._database, [Placed(0, 1, good._replace(block_time=-1))])
        assert list(DatabaseGraphSource(node._database).placed()) == []


def test_S31_what_the_ledger_had_before_the_revocation_stays_authorised(tmp_path):
    """Concurrent and unordered, the revocation wins; ordered, the earlier one stands."""
    story = Delegated(tmp_path / "home")
    with audited_node(tmp_path / "home") as node:
        story.record(node, story.first, story.acted, story.revoked)
        acted = story.acted.op_id
        assert loaded(node).status(acted) is Status.UNAUTHORISED
        place(node._database, [at(1, 5)])
        assert loaded(node).status(acted) is Status.UNAUTHORISED
        place(node._database, [at(2, 6)])
        assert loaded(node).status(acted) is Status.VALID


def test_S31_a_back_dated_operation_after_the_revocation_is_unauthorised(tmp_path):
    story = Delegated(tmp_path / "home")
    with audited_node(tmp_path / "home") as node:
        story.record(node, story.first, story.revoked, story.acted)
        place(node._database, [at(1, 5), at(2, 6)])
        assert loaded(node).status(story.acted.op_id) is Status.UNAUTHORISED


@pytest.mark.parametrize(
    ("late", "status"), [(GRACE, Status.VALID), (GRACE + 1, Status.UNAUTHORISED)]
)
def test_S22_the_block_that_holds_it_may_be_a_day_late_and_no_more(tmp_path, late, status):
    story = Delegated(tmp_path / "home")
    with audited_node(tmp_path / "home") as node:
        story.record(node, story.first, story.acted)
        assert loaded(node).status(story.acted.op_id) is Status.VALID
        place(node._database, [at(1, 5, seconds=EXPIRES + late)])
        assert loaded(node).status(story.acted.op_id) is status


@pytest.mark.parametrize("seed", range(6))
def test_S1_a_history_with_positions_has_one_state_in_memory_and_in_the_database(tmp_path, seed):
    world = World(seed, nodes=["phone", "phone", "desk"] if seed % 2 else None)
    world.grow(60).place(0.6)
    home = tmp_path / "home"
    with lodestamp.open(home, roots=world.roots) as node:
        node.append([op.wire for op in world.ops])
        answers = node.append([op.wire for op in world.ops])
        leaves = {answer.op_id: answer.log_index for answer in answers}
        runs = [Placed(leaves[op_id], 1, where) for op_id, where in world.positions.items()]
        assert place(node._database, runs) == len(runs) > 10
        view = View(world.ops, world.positions, world.roots)
        assert loaded(node).digest() == view.digest()
    assert_clean(home)
