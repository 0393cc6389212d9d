"""Options that several verbs share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.core.content import PROFILES

if TYPE_CHECKING:
    from lodestamp import Node

AUTHORING: Final = "lodestamp.authoring"
"""Where the program keeps who signs, under which label and grant, for the verbs that write."""
SEALED_BY: Final = "LODESTAMP_PASSPHRASE"
"""The environment's passphrase for keys: a flag would show it to whoever lists processes."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per result.")]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="P",
        help="How the file becomes a CID: " + ", ".join(PROFILES) + ".",
    ),
]
Chain = Annotated[
    str,
    typer.Option(
        "--chain",
        metavar="URL",
        help="sim:, sim:///FILE, bitcoind://HOST:PORT?cookie=PATH, "
        "btcd://USER:PASS@HOST:PORT?cert=F, blk:///DIR?network=N",
    ),
]
Network = Annotated[
    str,
    typer.Option("--network", metavar="N", help="main, test, testnet4, signet or regtest."),
]


def open_to_write(context: typer.Context, *, create: bool = True) -> Node:
    """Open the chosen home with the chosen author, label and grant; errors as `lodestamp.open`."""
    import lodestamp  # noqa: PLC0415  each verb imports what it uses, so that --help starts fast

    passphrase = os.environ.get(SEALED_BY) or None
    return lodestamp.open(
        context.obj, create=create, passphrase=passphrase, **context.meta[AUTHORING]
    )
