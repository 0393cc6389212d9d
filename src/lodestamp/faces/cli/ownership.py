"""The verbs of ownership that scan: blocks in, the state of every work out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.faces.cli.bitcoin import open_chain
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Chain, Json
from lodestamp.faces.cli.plain import plain, say

if TYPE_CHECKING:
    from lodestamp.core.ownership import Rules
    from lodestamp.errors import LodestampError
    from lodestamp.node.chains import ChainSource
    from lodestamp.node.scanner import Callbacks, EngineStatus, SqlStore

ownership = typer.Typer(
    name="ownership", help="Who registered a work, who holds it, what it earned: from Bitcoin."
)

LINE_S: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="sqlite:///FILE or postgresql+psycopg://…. Default: ownership.db in the home.",
    ),
]


def store_url(context: typer.Context, named: str | None) -> str:
    """Return the URL of ``--store``, by default that of a file in the home."""
    from lodestamp.node.folder import HomeFolder  # noqa: PLC0415

    return named or HomeFolder.locate(context.obj).ownership_url


@contextmanager
def opened_store(
    context: typer.Context, named: str | None, *, create: bool = False
) -> Iterator[SqlStore]:
    """Open the scanner's store; StoreError ``no-store`` where nothing was scanned."""
    from lodestamp.node.folder import HomeFolder  # noqa: PLC0415
    from lodestamp.node.scanner import SqlStore  # noqa: PLC0415

    if named is None and create:
        HomeFolder.locate(context.obj).path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(SqlStore(store_url(context, named), create=create)) as store:
        yield store


@ownership.command()
def scan(
    context: typer.Context,
    *,
    chain: Chain = "sim:",
    store: Store = None,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="NAME", help="strict or peer_compat.")
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", min=0, metavar="H", help="The first height, once.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", min=0, metavar="H", help="The last height, inclusive.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with each new block.")] = False,
    reindex_from: Annotated[
        int | None,
        typer.Option("--reindex-from", min=0, metavar="H", help="Undo from H on, then scan."),
    ] = None,
    verify_merkle: Annotated[
        str, typer.Option("--verify-merkle", metavar="WHICH", help="off, hits or all blocks.")
    ] = "hits",
    max_reorg_depth: Annotated[
        int, typer.Option("--max-reorg-depth", min=0, metavar="N", help="Blocks undone unasked.")
    ] = 100,
    as_json: Json = False,
) -> None:
    """Read blocks and compute who holds what; it goes on where it stopped.

    Example: lodestamp ownership scan --chain sim:
    """
    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.node.scanner import StateEngine, VerifyMerkle  # noqa: PLC0415

    if verify_merkle not in tuple(VerifyMerkle):
        raise UsageError(f"no --verify-merkle {verify_merkle!r}", hint="off, hits or all")
    with (
        closing(open_chain(context, chain)) as source,
        opened_store(context, store, create=True) as opened,
    ):
        engine = StateEngine(
            source,
            opened,
            _rules(opened, source, rules, first),
            verify=VerifyMerkle(verify_merkle),
            depth_max=max_reorg_depth,
        )
        if reindex_from is not None:
            engine.reindex_from(reindex_from)
        with _told(as_json=as_json) as callbacks:
            status = engine.scan_from(first, None, last, callbacks=callbacks, follow=follow)
    show_status(status, as_json=as_json)


def _rules(store: SqlStore, source: ChainSource, name: str | None, first: int | None) -> Rules:
    """Return the rules of the store; of a new one, those that were asked for."""
    from lodestamp.core.ownership import Rules  # noqa: PLC0415
    from lodestamp.errors import UsageError  # noqa: PLC0415

    stored = store.rules()
    start = 1 if first is None else first
    if stored is not None:
        start = stored.start_height
    makers = {"strict": Rules.strict, "peer_compat": Rules.peer_compat}
    make = makers.get(name or (stored.name if stored else "strict"))
    if make is None:
        raise UsageError(f"no rules {name!r}", hint=f"one of {', '.join(makers)}")
    return make(source.network.name, start)


@ownership.command()
def status(
    context: typer.Context,
    *,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="URL", help="Compare with this chain's tip.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Say where the scan stands; exit 1 when it was halted.

    Example: lodestamp ownership status --json
    """
    from lodestamp.node.scanner import StateEngine  # noqa: PLC0415

    with opened_store(context, store) as opened:
        rules = require_rules(opened)
        if chain is None:
            found = StateEngine(None, opened, rules).status()
        else:
            with closing(open_chain(context, chain)) as source:
                found = StateEngine(source, opened, rules).status()
    show_status(found, as_json=as_json)
    return 1 if found.halted else 0


def require_rules(store: SqlStore) -> Rules:
    """Return the rules of a store; HeightUnknown where nothing was scanned yet."""
    from lodestamp.errors import HeightUnknown  # noqa: PLC0415

    rules = store.rules()
    if rules is None:
        raise HeightUnknown(1, 1, 0)
    return rules


def show_status(status: EngineStatus, *, as_json: bool) -> None:
    """Print where a scan stands."""
    if as_json:
        print_json(status.as_json())
        return
    found = status.as_json()
    for name in ("network", "height", "block_hash", "state_hash", "rules_id", "lag"):
        if found[name] is not None:
            say(f"{name.replace('_', ' '):<11} {found[name]}")
    counts = {
        "work": status.assets,
        "operation": status.ops,
        "tip": status.tips,
        "payment": status.payments,
    }
    say(f"holds       {', '.join(counted(number, what) for what, number in counts.items())}")
    if status.reorgs:
        deepest = counted(status.deepest_reorg, "block")
        say(f"reorgs      {status.reorgs:,}, the deepest of {deepest}")
    if status.halted is not None:
        say(f"HALTED      {status.halted}")


def counted(number: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "tip"), counted(1_200, "tip")
    ('1 tip', '1,200 tips')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


@contextmanager
def _told(*, as_json: bool) -> Iterator[Callbacks]:
    """Tell how a scan gets on: a bar on a terminal, else a line now and then (R39)."""
    from lodestamp.node.scanner import Callbacks  # noqa: PLC0415

    if sys.stderr.isatty() and not as_json:
        with _bar() as report:
            yield Callbacks(on_progress=report, on_retry=_tell_retry)
        return
    yield Callbacks(on_progress=_Lines(as_json=as_json), on_retry=_tell_retry)


def _tell_retry(error: LodestampError, wait_s: float) -> None:
    sys.stderr.write(f"lodestamp: {plain(error.message)}; asked again in {wait_s:.0f} s\n")


class _Lines:
    """One line, or with ``--json`` one object, per `LINE_S`."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._said = time.monotonic()

    def __call__(self, status: EngineStatus) -> None:
        now = time.monotonic()
        if now - self._said < LINE_S:
            return
        self._said = now
        if self._as_json:
            print_json(status.as_json())
        else:
            sys.stderr.write(f"{plain(progress_line(status))}\n")


def progress_line(status: EngineStatus) -> str:
    """Return where a scan stands in one line."""
    eta = "" if status.eta_s is None else f", {duration(status.eta_s)} left"
    return (
        f"height {status.height or 0:,} of {status.source_height or 0:,}, "
        f"{status.blocks_per_s:,.0f} blocks/s, {status.mb_per_s:,.1f} MB/s, "
        f"{status.ops + status.tips + status.payments:,} hits{eta}"
    )


def duration(seconds: float) -> str:
    """Return seconds as people say them.

    >>> duration(59.6), duration(3_725)
    ('1 m', '1 h 2 m')
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} m" if hours else f"{minutes} m"


@contextmanager
def _bar() -> Iterator[Callable[[EngineStatus], None]]:
    from rich import progress  # noqa: PLC0415  only a terminal pays for it
    from rich.console import Console  # noqa: PLC0415

    columns = (
        progress.BarColumn(),
        progress.TextColumn("{task.description}", markup=False),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("scanning", total=None)

        def report(status: EngineStatus) -> None:
            shown.update(
                task,
                total=status.source_height,
                completed=status.height or 0,
                description=progress_line(status),
            )

        yield report
