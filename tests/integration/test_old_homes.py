"""Homes of the first schema: they are upgraded when opened, and the auditor finds nothing."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

import lodestamp
from homes import ALICE, NOW, assert_clean, foreign_evidence, reading
from lodestamp.core.operations import build_op, evidence
from lodestamp.node.recorder import Authorship
from lodestamp.node.storage.migrate import configuration

OLD_TABLES = [
    "author",
    "node",
    "operation",
    "parent",
    "source",
    "head",
    "meta",
    "log_tile",
    "log_head",
    "log_checkpoint",
]


def _back_to_the_first_schema(home: Path) -> None:
    """Put the rows into a database that only the first migration has made."""
    old = home / "old.db"
    engine = create_engine(f"sqlite:///{old}")
    settings = configuration()
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
    engine.dispose()
    with sqlite3.connect(old) as database:
        database.execute("ATTACH ? AS new", (str(home / "lodestamp.db"),))
        for table in OLD_TABLES:
            columns = [row[1] for row in database.execute(f"PRAGMA main.table_info({table})")]
            names = ", ".join(columns)
            rows = f"SELECT {names} FROM new.{table}"  # noqa: S608  names of ours
            database.execute(f"INSERT INTO {table} ({names}) {rows}")
        database.execute("DELETE FROM meta WHERE key = 'roots'")
    database.close()
    old.replace(home / "lodestamp.db")


def test_a_home_of_the_first_schema_opens_and_is_clean(tmp_path):
    """Version 1 operations with forks and merges, as the first schema could hold them."""
    home = tmp_path / "home"
    chance = random.Random(3)
    with lodestamp.open(home) as node:
        signer = node._recorder.authorship.signer
        node._recorder.authorship = Authorship(signer, "local", version=1)
        ops = [foreign_evidence(0)]
        for number in range(1, 150):
            recent = ops[-12:]
            parents = {chance.choice(recent).op_id for _ in range(chance.randint(0, 3))}
            body = evidence(source="s", kind="k", content={"n": number}, captured_at=NOW)
            label = chance.choice(["a", "b", "c"])
            ops.append(build_op(ALICE, label, "evidence", body, sorted(parents), NOW))
        node.append([op.wire for op in ops])
        first = node.record(**reading(1))
        words = {"subject": "s", "predicate": "p", "object": 1, "rationale": "r", "deriver": "d"}
        node.claim(derived_from=[first.op_id, ops[3].op_id], **words)
        own = node.op(first.op_id)
        assert (own.v, own.seq) == (1, None)
    assert_clean(home)
    with sqlite3.connect(home / "lodestamp.db") as database:
        query = "SELECT * FROM equivocation ORDER BY seq_b"
        forks = database.execute(query).fetchall()
        covers = database.execute("SELECT covers FROM operation ORDER BY seq").fetchall()
    assert len(forks) > 20
    _back_to_the_first_schema(home)
    with lodestamp.open(home) as node:
        assert node.roots == (node.key_id,)
        assert node.op(node.record(**reading(2)).op_id).seq == 0
    with sqlite3.connect(home / "lodestamp.db") as database:
        assert database.execute(query).fetchall() == forks
        filled = database.execute("SELECT covers FROM operation ORDER BY seq").fetchall()
    assert filled[:-1] == covers
    assert_clean(home)
