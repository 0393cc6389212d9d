"""Verbs about content alone: `cid of`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json, Profile
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

cid = typer.Typer(name="cid", help="Compute content addresses.")


@cid.callback()
def _verbs() -> None:
    """Keep `of` a verb of its own while it is the only one."""


@cid.command("of")
def of(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file.")],
    *,
    profile: Profile = DEFAULT,
    as_json: Json = False,
) -> None:
    """Print the CID a file has, without recording anything.

    Example: lodestamp cid of report.pdf --profile unixfs-v0-2015
    """
    from lodestamp.node.stamping import address_path  # noqa: PLC0415

    with progress_bar(f"reading {path.name}") as bar:
        root = address_path(path, profile=profile, progress=bar).root
    if not as_json:
        say(str(root.cid))
        return
    print_json(
        {
            "cid": str(root.cid),
            "path": str(path),
            "profile": root.profile,
            "size": root.size,
            "dag_size": root.dag_size,
            "blocks": root.blocks,
        }
    )
