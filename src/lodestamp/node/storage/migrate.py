"""Bringing a database to the newest schema with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from lodestamp.errors import LogCorrupt


def configuration() -> Config:
    """Return Alembic's configuration for the migrations shipped in this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def newest_revision() -> str | None:
    """Return the revision at the head of the migrations folder."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(connection: Connection) -> None:
    """Apply what is missing, inside the caller's transaction.

    LogCorrupt when the database names a revision this version does not know.
    """
    config = configuration()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        hint = "it was made by a newer version of Lodestamp; upgrade to open it"
        raise LogCorrupt(f"unknown schema: {error}", code="schema-unknown", hint=hint) from error
