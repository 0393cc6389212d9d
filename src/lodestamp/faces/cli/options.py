"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

from lodestamp.core.content import PROFILES

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per result.")]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="P",
        help="How the file becomes a CID: " + ", ".join(PROFILES) + ".",
    ),
]
