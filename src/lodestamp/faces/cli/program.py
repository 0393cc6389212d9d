"""The tree of verbs and the program around it."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lodestamp.errors import LodestampError, UsageError
from lodestamp.faces.cli import (
    anchor,
    bitcoin,
    calendar,
    content,
    covenant,
    deciding,
    flow,
    judge,
    keeping,
    key,
    lending,
    log,
    ops,
    ots,
    ownership,
    ownership_proving,
    ownership_reading,
    ownership_writing,
    reading,
    record,
    serve,
    sharing,
    stating,
    sync,
    upgrade,
)
from lodestamp.faces.cli.exits import DONE, INTERRUPTED, UNAVAILABLE, USAGE, report_error
from lodestamp.faces.cli.options import AUTHORING
from lodestamp.version import __version__

app = typer.Typer(
    name="lodestamp",
    help="Provenance that anyone can check offline.",
    epilog="A first look: `lodestamp stamp report.pdf`, then `lodestamp verify "
    "report.pdf.proof.json report.pdf`.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(record.init)
app.command()(record.stamp)
app.command()(record.prove)
app.command()(judge.verify)
app.command()(judge.show)
app.command()(upgrade.upgrade)
for _verb in (
    stating.record,
    stating.claim,
    stating.refute,
    deciding.decide,
    deciding.conclude,
    deciding.review,
    lending.grant,
    lending.revoke,
    lending.attest,
    lending.receipt,
    lending.receipts,
):
    app.command()(_verb)
app.add_typer(ops.ops, name="ops")
app.add_typer(content.cid, name="cid")
app.add_typer(keeping.content, name="content")
reading.add_verbs(keeping.content)
sharing.add_verbs(keeping.content)
app.add_typer(log.log, name="log")
app.add_typer(calendar.calendar, name="calendar")
app.add_typer(key.key, name="key")
app.add_typer(ots.ots, name="ots")
app.add_typer(flow.flow, name="flow")
app.add_typer(anchor.anchor, name="anchor")
app.add_typer(bitcoin.bitcoin, name="bitcoin")
app.add_typer(covenant.covenant, name="covenant")
ownership_reading.add_verbs(ownership.ownership)
ownership_writing.add_verbs(ownership.ownership)
ownership_proving.add_verbs(ownership.ownership)
app.add_typer(ownership.ownership, name="ownership")
app.command()(log.fsck)
app.command()(serve.serve)
app.command()(sync.sync)


@app.callback()
def choose_home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="DIR",
            help="The folder of keys and log. Default: LODESTAMP_HOME, else your data folder.",
        ),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="KEY", help="Who signs: a key id, a DID or a name. Default: the home."
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="LABEL", help="The label on own operations."),
    ] = None,
    cap: Annotated[
        str | None,
        typer.Option("--cap", metavar="CAP_ID", help="The grant that own operations act under."),
    ] = None,
) -> None:
    """Provenance that anyone can check offline."""
    context.obj = home
    context.meta[AUTHORING] = {"author": author, "node": node, "cap": cap}


@app.command()
def version() -> None:
    """Print the version of this software."""
    typer.echo(__version__)


def main(arguments: list[str] | None = None) -> None:
    """Run the program and leave the process with the exit code of DESIGN D8."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every failure has been reported."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a narrow encoding must not end a verdict
            stream.reconfigure(errors="backslashreplace")
    if not arguments:
        run(["--help"])
        return USAGE
    as_json = "--json" in arguments
    try:
        code: Any = app(arguments, standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        hint = "see `lodestamp VERB --help`; --home goes before the verb, --json after it"
        return report_error(UsageError(error.format_message(), hint=hint), as_json=as_json)
    except LodestampError as error:
        return report_error(error, as_json=as_json)
    except BrokenPipeError:
        # whoever read our output has gone; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNAVAILABLE
    except OSError as error:
        sys.stderr.write(f"lodestamp: cannot write the output: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNAVAILABLE
    if code == INTERRUPTED:
        sys.stderr.write("interrupted\n")
    return code if isinstance(code, int) else DONE
