"""The verb that completes proofs: from a calendar's promise to a Bitcoin block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.errors import LodestampError, StoreError
from lodestamp.faces.cli.calendar_wait import (
    Calendar,
    Headers,
    followed_chain,
    require_calendars,
    wait_for_block,
)
from lodestamp.faces.cli.exits import DONE, UNAVAILABLE, print_json, report_error
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import plain, say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp import Node, Proof
    from lodestamp.node.calendars import Upgraded


def upgrade(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Proofs to complete.")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Until each has a Bitcoin block.")] = False,
    calendar: Calendar = None,
    chain: Headers = None,
    as_json: Json = False,
) -> int:
    """Complete the time of proofs: ask their calendars, check the block, keep FILE.bak.

    Example: lodestamp upgrade report.pdf.proof.json --wait
    """
    import lodestamp  # noqa: PLC0415  each verb imports what it uses, so that --help starts fast

    named = calendar or ()
    require_calendars(named)
    worst = DONE
    with (
        lodestamp.open(context.obj, create=False) as node,
        followed_chain(context, node, chain) as source,
        progress_bar("upgrading", in_bytes=False) as bar,
    ):
        for done, path in enumerate(files):
            if bar is not None:
                bar(done, len(files))
            try:
                waiting = partial(wait_for_block, node, named=named, source=source)
                code = _upgrade_one(node, path, named, waiting if wait else None, as_json=as_json)
            except LodestampError as error:
                code = report_error(error, as_json=as_json)
            worst = max(worst, code)
    return worst


def _upgrade_one(
    node: Node,
    path: Path,
    named: Sequence[str],
    wait: Callable[[Proof], Proof] | None,
    *,
    as_json: bool,
) -> int:
    from lodestamp.node.calendars import Upgraded  # noqa: PLC0415
    from lodestamp.node.verifying import read_proof  # noqa: PLC0415

    before = read_proof(path)
    upgraded = node.calendars.upgrade(before, named)
    if wait is not None and not upgraded.is_complete:
        upgraded = Upgraded(wait(upgraded.proof), {})
    changed = upgraded.proof != before
    if changed:
        _replace(path, before, upgraded.proof)
    _show(path, upgraded, changed=changed, as_json=as_json)
    return DONE if upgraded.is_complete else UNAVAILABLE


def _replace(path: Path, before: Proof, after: Proof) -> None:
    """Keep what was there beside it, then put the new proof in its place."""
    from lodestamp.node.whole import write_whole  # noqa: PLC0415

    try:
        write_whole(path.with_name(f"{path.name}.bak"), before.encode())
        write_whole(path, after.encode())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", code="io") from error


def _show(path: Path, upgraded: Upgraded, *, changed: bool, as_json: bool) -> None:
    proof = upgraded.proof
    anchored = [each for each in proof.anchors if each.height is not None]
    if as_json:
        print_json(
            {
                "path": str(path),
                "op_id": proof.op_id,
                "complete": upgraded.is_complete,
                "changed": changed,
                "tree_size": None if proof.log is None else proof.log.size,
                "anchors": [{"network": each.network, "height": each.height} for each in anchored],
                "pending": upgraded.pending,
            }
        )
        return
    say(f"proof      {path}")
    for each in anchored:
        say(f"anchored   Bitcoin block {each.height:,} ({each.network})")
    for uri, reason in upgraded.pending.items():
        say(f"pending    {uri}: {plain(reason)}")
    if any("no header of" in reason for reason in upgraded.pending.values()):
        say("hint       --chain URL reads headers, or `anchor headers import FILE`")
    if not upgraded.is_complete and not upgraded.pending:
        say("pending    no calendar was handed this checkpoint: --calendar URL names one")
