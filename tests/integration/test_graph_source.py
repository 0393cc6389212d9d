"""The graph over a real database: the same state as in memory, with and without its cache."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from homes import audited_node
from lodestamp.core.operations import (
    MemorySource,
    Placed,
    ProvenanceGraph,
    View,
    parse_op,
)
from lodestamp.errors import LogCorrupt
from lodestamp.node.recorder import (
    DatabaseGraphSource,
    accelerated_sweep,
    save_snapshot,
    tables,
)
from stories import Story
from worlds import World


def load(node, world, **how):
    source = DatabaseGraphSource(node._database)
    return ProvenanceGraph.load(source, roots=world.roots, **how)


def recorded(node, world):
    """Record a whole history; every operation of it is admissible."""
    answers = node.append([op.wire for op in world.ops])
    assert {str(answer.status) for answer in answers} <= {"new", "known"}
    return answers


def save(node, graph):
    with node._database.writing("caching the graph") as connection:
        save_snapshot(connection, graph)


def change(node, statement):
    with node._database.writing("changing a row") as connection:
        connection.execute(statement)


@pytest.mark.parametrize("seed", range(12))
def test_s35_the_state_of_a_store_is_that_of_its_operations(tmp_path, seed):
    world = World(seed, nodes=["phone", "phone", "desk"]).grow(40).place(0.5 * (seed % 2))
    with audited_node(tmp_path / "home") as node:
        recorded(node, world)
        places = {answer.op_id: answer.log_index for answer in recorded(node, world)}
        rows = [
            {"seq": places[op_id], **position._asdict()}
            for op_id, position in world.positions.items()
        ]
        if rows:
            change(node, insert(tables.position).values(rows))
        view = View(world.ops, world.positions, world.roots)
        plain, quick = load(node, world), load(node, world, bulk=accelerated_sweep)
        assert plain.digest() == quick.digest() == view.digest()
        save(node, plain)
        cached = load(node, world)
        assert cached.digest() == view.digest()
        assert sorted(cached.heads()) == sorted(view.graph.heads())
        for op in world.ops:
            assert cached.why(op.op_id).status == view.graph.why(op.op_id).status
            assert cached.operation(cached.index_of(op.op_id)) == op


def test_what_came_after_the_cache_is_read_from_the_tables(tmp_path):
    world = World(2).grow(40)
    with audited_node(tmp_path / "home") as node:
        node.append([op.wire for op in world.ops[:25]])
        save(node, load(node, world))
        node.append([op.wire for op in world.ops])
        assert load(node, world).digest() == View(world.ops, {}, world.roots).digest()


def test_a_graph_that_grows_beside_its_store_lets_go_of_what_the_store_has(tmp_path):
    world = World(4).grow(30)
    with audited_node(tmp_path / "home") as node:
        graph = load(node, world)
        for op in world.ops:
            node.append([op.wire])
            graph.add(op)
        graph.settled()
        assert graph._fresh == {}
        assert graph.digest() == load(node, world).digest()
        assert all(graph.operation(graph.index_of(op.op_id)) == op for op in world.ops)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: {"blob": row.blob[:-1] + b"\xff"},
        lambda _row: {"digest": bytes(32)},
        lambda row: {"size": row.size + 1},
        lambda row: {"size": row.size - 1},
        lambda _row: {"blob": b""},
    ],
)
def test_a_cache_that_does_not_match_is_passed_over(tmp_path, spoil):
    world = World(6).grow(30)
    with audited_node(tmp_path / "home") as node:
        recorded(node, world)
        save(node, load(node, world))
        with node._database.reading("the cache") as connection:
            row = connection.execute(tables.graph_snapshot.select()).one()
        change(node, update(tables.graph_snapshot).values(**spoil(row)))
        assert load(node, world).digest() == View(world.ops, {}, world.roots).digest()


def test_the_cache_of_another_log_is_passed_over(tmp_path):
    world, other = World(8).grow(20), World(9).grow(20)
    graph = ProvenanceGraph.load(MemorySource(), roots=other.roots)
    for op in other.ops:
        graph.add(op)
    with audited_node(tmp_path / "home") as node:
        recorded(node, world)
        save(node, graph)
        assert load(node, world).digest() == View(world.ops, {}, world.roots).digest()


def test_s33_a_purged_body_leaves_the_state_of_the_rest(tmp_path):
    story = Story()
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    claim = story.said(story.seen())
    shown = story.shown(claim, cap)
    story.revoked(cap)
    node = audited_node(tmp_path / "home")
    with node as home:
        recorded(home, story)
        whole = load(home, story)
        at = whole.index_of(shown.op_id)
        wire = whole.operation(at).wire
        change(home, update(tables.operation).where(tables.operation.c.seq == at).values(raw=None))
        purged = load(home, story)
        assert purged.operation(at) is None
        rest = [op for op in story.ops if op.op_id != shown.op_id]
        assert [purged.status(op.op_id) for op in rest] == [whole.status(op.op_id) for op in rest]
        assert purged.status(shown.op_id).name == "UNAUTHORISED"
        restored = update(tables.operation).where(tables.operation.c.seq == at).values(raw=wire)
        change(home, restored)
        assert parse_op(wire) == shown


def test_damaged_rows_are_the_logs_damage(tmp_path):
    world = World(1).grow(20)
    with audited_node(tmp_path / "home") as node:
        recorded(node, world)
        seq = next(n for n, op in enumerate(load(node, world).columns.kinds) if op == 1)
        operation = tables.operation
        with node._database.reading("a row") as connection:
            raw = connection.execute(operation.select().where(operation.c.seq == seq)).one().raw
        change(node, update(operation).where(operation.c.seq == seq).values(raw=b"{"))
        with pytest.raises(LogCorrupt):
            load(node, world)
        with pytest.raises(LogCorrupt):
            DatabaseGraphSource(node._database).operation(seq)
        change(node, update(operation).where(operation.c.seq == seq).values(raw=raw))


def test_positions_are_joined_where_they_run_on(tmp_path):
    world = World(1).grow(10)
    with audited_node(tmp_path / "home") as node:
        recorded(node, world)
        rows = [
            {"seq": n, "height": 1 + n // 4, "tx_index": 0, "leaf_index": n, "block_time": 5}
            for n in (0, 1, 2, 3, 4, 5, 8)
        ]
        change(node, insert(tables.position).values(rows))
        placed = list(DatabaseGraphSource(node._database).placed())
        assert [(each.first, each.length) for each in placed] == [(0, 4), (4, 2), (8, 1)]
        assert placed[1] == Placed(4, 2, placed[1].position)
        assert placed[1].position.leaf_index == 4


def test_s33_erased_bodies_leave_one_state_whatever_cache_there_was(tmp_path):
    """What the cache found in bodies goes with them, and one saved later does no harm."""
    story = Story()
    told = story.said(story.seen())
    cap = story.cap()
    story.granted(cap)
    gone = [story.shown(told, cap), story.seen("agent", version=2, cap=cap.cap_id)]
    with audited_node(tmp_path / "home") as node:
        recorded(node, story)
        graph = load(node, story)
        save(node, graph)
        node.purge([op.op_id for op in gone])
        with node._database.reading("looking for the cache") as connection:
            assert connection.execute(select(tables.graph_snapshot.c.size)).all() == []
        fresh = load(node, story)
        assert fresh.digest() == load(node, story).digest()
        save(node, graph)
        late = load(node, story)
        assert late.status(gone[0].op_id) == fresh.status(gone[0].op_id)
