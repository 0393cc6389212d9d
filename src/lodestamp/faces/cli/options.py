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
Chain = Annotated[
    str,
    typer.Option(
        "--chain",
        metavar="URL",
        help="sim:, sim:///FILE, bitcoind://HOST:PORT?cookie=PATH, btcd://USER:PASS@HOST:PORT?cert=F",
    ),
]
Network = Annotated[
    str,
    typer.Option("--network", metavar="N", help="main, test, testnet4, signet or regtest."),
]
