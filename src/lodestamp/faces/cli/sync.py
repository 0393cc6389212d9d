"""The verb that brings two nodes together."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.errors import PeerError, UsageError
from lodestamp.faces.cli.exits import DONE, REFUSED, UNAVAILABLE, print_json, report_error
from lodestamp.faces.cli.options import AUTHORING, Json, open_to_write
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from lodestamp.node.sync import SyncReport

WATCH_S: Final = 5
"""Seconds between two sessions under --watch."""


def sync(
    context: typer.Context,
    peer: Annotated[str, typer.Argument(metavar="PEER", help="Such as http://127.0.0.1:8470.")],
    *,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="auto, pull, push or symbols.")
    ] = "auto",
    merge: Annotated[
        bool, typer.Option("--merge", help="Take in a log of another origin, for good.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on every five seconds until interrupted.")
    ] = False,
    cap: Annotated[
        str | None, typer.Option("--cap", metavar="CAP_ID", help="The grant to ask under.")
    ] = None,
    delegated: Annotated[
        str | None,
        typer.Option("--delegated", metavar="CAP_ID", help="Fetch what this grant lets you read."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Bring your log and another node's together.

    Example: lodestamp sync http://127.0.0.1:8471
    """
    from lodestamp.node.sync import MODES  # noqa: PLC0415

    chosen = next((each for each in MODES if each == mode), None)
    if chosen is None:
        raise UsageError(f"{mode!r} is no mode", hint=f"there are {', '.join(MODES)}")
    under = cap or context.meta[AUTHORING]["cap"]
    with open_to_write(context) as node:
        ask = partial(node.sync, peer, mode=chosen, merge=merge, cap=under, delegated=delegated)
        while True:
            code = _once(ask, watch=watch, as_json=as_json)
            if not watch:
                return code
            time.sleep(WATCH_S)


def _once(ask: Callable[[], SyncReport], *, watch: bool, as_json: bool) -> int:
    try:
        report = ask()
    except PeerError as error:
        if not watch:
            raise
        return report_error(error, as_json=as_json)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    return _exit_code(report)


def _exit_code(report: SyncReport) -> int:
    """Return 1 when something was refused, 2 when something is still missing, else 0."""
    if report.rejected:
        return REFUSED
    return DONE if report.complete and not report.pending else UNAVAILABLE


def _show(report: SyncReport) -> None:
    say(f"peer       {report.peer} ({report.relation})")
    say(f"received   {report.received:,} operations, {report.bytes_received:,} bytes")
    say(f"sent       {report.sent:,} operations, {report.bytes_sent:,} bytes")
    if report.pending:
        say(f"waiting    {report.pending:,} operations, for others or for the clock")
    for op_id, code in report.rejected:
        say(f"refused    {op_id or 'bytes without an id'}: {code}")
    if report.equivocations:
        say(f"FORKED     {report.equivocations:,} operations contradict their author's chain")
    for op_id in report.withheld:
        say(f"WITHHELD   {op_id}")
    say("complete" if report.complete else "not complete")
