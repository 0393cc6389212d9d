"""Verbs about covenants."""

from __future__ import annotations

import typer

covenant = typer.Typer(name="covenant", help="Coins bound to content, where the chain binds them.")
