"""Verbs of your own calendar: serve it, and carry its journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodestamp.errors import SourceError, StoreError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say

calendar = typer.Typer(name="calendar", help="Run an OpenTimestamps calendar of your own.")
journal = typer.Typer(name="journal", help="Carry the journal of a calendar.")
calendar.add_typer(journal)


@calendar.command()
def serve(
    context: typer.Context,
    *,
    uri: Annotated[
        str,
        typer.Option("--uri", metavar="URI", help="What proofs will name for ever: https://host."),
    ],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes any free one.")
    ] = "127.0.0.1:14788",
    period: Annotated[
        float, typer.Option("--period", metavar="S", help="Seconds between two trees, 0.2 to 5.")
    ] = 1.0,
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="URL", help="Anchor meanwhile in this Bitcoin chain."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve your calendar to stock OpenTimestamps clients until interrupted.

    Without --chain its promises wait until something anchors them, such as `anchor now`.

    Example: lodestamp calendar serve --uri https://calendar.example.org
    """
    from contextlib import ExitStack  # noqa: PLC0415

    import lodestamp  # noqa: PLC0415
    from lodestamp.faces.cli.anchor import tell_event, tell_trouble  # noqa: PLC0415
    from lodestamp.faces.http import (  # noqa: PLC0415
        Listener,
        calendar_application,
        parse_address,
        serve_calendar,
    )
    from lodestamp.node.anchors import parse_own_uri  # noqa: PLC0415
    from lodestamp.node.calendar_rounds import CalendarRounds  # noqa: PLC0415

    address, uri = parse_address(listen), parse_own_uri(uri)
    with lodestamp.open(context.obj) as node, node.open_calendar(uri, period_s=period) as served:
        listener = Listener.bind(address)
        if as_json:
            print_json({"listen": str(listener.address), "uri": uri})
        else:
            say(f"listening  http://{listener.address}")
            say(f"calendar   {uri}")
        with ExitStack() as meanwhile:
            if chain is not None:
                anchors = meanwhile.enter_context(node.anchors(chain=chain, emit=tell_event))
                meanwhile.enter_context(anchors.running(tell_trouble))
            meanwhile.enter_context(CalendarRounds(node.calendars))
            serve_calendar(listener, calendar_application(served))


@journal.command("export")
def export_journal(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Made anew; never overwritten.")],
    *,
    as_json: Json = False,
) -> None:
    """Write every commitment as a 44-byte record, in order.

    Example: lodestamp calendar journal export calendar.journal
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        try:
            with file.open("xb") as target:
                records = node.calendars.journal.export(target)
        except OSError as error:
            raise StoreError(f"cannot write {file}: {error.strerror}", code="io") from error
    if as_json:
        print_json({"path": str(file), "records": records})
    else:
        say(f"exported   {records:,} commitments to {file}")


@journal.command("import")
def import_journal(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A row of 44-byte records.")],
    *,
    as_json: Json = False,
) -> None:
    """Take over the commitments of a journal; a last record that was cut off is padded.

    Example: lodestamp calendar journal import calendar.journal
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj) as node:
        try:
            with file.open("rb") as source:
                imported = node.calendars.journal.import_from(source)
        except OSError as error:
            raise SourceError(f"{file}: {error.strerror}") from error
    if as_json:
        print_json(
            {
                "path": str(file),
                "records": imported.records,
                "added": imported.added,
                "padded": imported.padded,
            }
        )
        return
    say(f"imported   {imported.added:,} of {imported.records:,} commitments from {file}")
    if imported.padded:
        say(f"padded     {imported.padded} bytes of the last record, which was cut off")
