"""The migrations lead to exactly the schema that the rooms declare."""

from __future__ import annotations

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import lodestamp
from lodestamp.errors import LogCorrupt
from lodestamp.node.anchors import tables as anchors_tables
from lodestamp.node.blocks import tables as content_tables
from lodestamp.node.flows import tables as flow_tables
from lodestamp.node.recorder import tables
from lodestamp.node.storage import METADATA, Database
from lodestamp.node.storage.database import SCHEMA_REVISION
from lodestamp.node.storage.migrate import newest_revision
from lodestamp.node.sync import tables as sync_tables


def test_the_constant_names_the_newest_migration():
    assert newest_revision() == SCHEMA_REVISION


def test_migrated_and_declared_schema_are_equal(tmp_path):
    database = Database.open(tmp_path / "a.db")
    with database.reading("comparing") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert {table.name for table in METADATA.sorted_tables} >= {
            tables.operation.name,
            content_tables.pins.name,
            sync_tables.delegated.name,
            anchors_tables.headers.name,
            flow_tables.packets.name,
        }
    database.close()
    database = Database.open(tmp_path / "a.db")  # a second time there is nothing to do
    database.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    with lodestamp.open(tmp_path / "home"):
        pass
    with sqlite3.connect(tmp_path / "home/lodestamp.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LogCorrupt) as refused:
        lodestamp.open(tmp_path / "home")
    assert refused.value.code == "schema-unknown"
