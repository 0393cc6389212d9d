"""Verbs that write: `init`, `stamp` and `prove`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.errors import LodestampError, UsageError
from lodestamp.faces.cli.calendar_wait import (
    Calendar,
    Headers,
    Stamped,
    Wait,
    followed_chain,
    pending_uris,
    require_calendars,
    require_one,
    timed_proofs,
)
from lodestamp.faces.cli.exits import print_json, report_error
from lodestamp.faces.cli.files import is_stream, refuse_target, write_result
from lodestamp.faces.cli.options import Json, Profile, open_to_write
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp import Proof


def init(
    context: typer.Context,
    origin: Annotated[
        str | None,
        typer.Option("--origin", metavar="NAME", help="The log's name, such as example.org/log."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option("--suite", metavar="S", help="Of your key: ed25519, mldsa65 or hybrid."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a home: an author key, a log key and an empty log. `stamp` does it by itself.

    Example: lodestamp --home ./notes init --origin example.org/notes
    """
    import lodestamp  # noqa: PLC0415  each verb imports what it uses, so that --help starts fast

    with lodestamp.open(context.obj, origin=origin, suite=suite) as node:
        made = {
            "home": str(node.home),
            "origin": node.origin,
            "key_id": node.key_id,
            "log_vkey": node.log_key.text(),
        }
    if as_json:
        print_json(made)
        return
    say(f"home      {made['home']}")
    say(f"log       {made['origin']}")
    say(f"log key   {made['log_vkey']}")
    say(f"author    {made['key_id']}")


def stamp(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="What to stamp.")],
    *,
    claim: Annotated[
        str | None, typer.Option("--claim", metavar="TEXT", help="What you say about the content.")
    ] = None,
    name: Annotated[
        bool,
        typer.Option("--name", help="Sign its name into the record too."),
    ] = False,
    profile: Profile = DEFAULT,
    sha256: Annotated[
        bool, typer.Option("--sha256", help="Record the file's plain SHA-256 as well.")
    ] = False,
    only_hash: Annotated[
        bool, typer.Option("--only-hash", help="Keep no blocks, only the record.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Default: PATH.proof.json."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Record anew and overwrite the proof file.")
    ] = False,
    calendar: Calendar = None,
    wait: Annotated[
        Wait,
        typer.Option(
            "--wait",
            help="For nothing, for the log and the promises of calendars, or for a Bitcoin block.",
        ),
    ] = Wait.LOG,
    chain: Headers = None,
    as_json: Json = False,
) -> int:
    """Keep files and folders, record their address in your log, and write a proof beside each.

    Example: lodestamp stamp report.pdf --claim "final version, as sent"
    """
    if out is not None and len(paths) > 1:
        raise UsageError("--out goes with one PATH only")
    named = tuple(calendar or ())
    require_calendars(named, wait)
    with open_to_write(context) as node:
        require_one(node, named, wait)
        keep = partial(
            node.stamp,
            claim=claim,
            name=name,
            profile=profile,
            sha256=sha256,
            only_hash=only_hash,
        )
        targets = [(path, out or _beside(path)) for path in paths]
        show = partial(_write_one, force=force, as_json=as_json)
        if not node.calendars.uris(named):  # then nothing is waited for
            return _stamp_each(targets, keep, show, force=force, as_json=as_json)
        stamped: list[Stamped] = []
        worst = _stamp_each(targets, keep, stamped.append, force=force, as_json=as_json)
        try:
            with followed_chain(context, node, chain) as source:
                stamped = timed_proofs(node, stamped, named, wait, source)
        except LodestampError as error:  # what was recorded stands, and so does its proof
            worst = max(worst, report_error(error, as_json=as_json))
    return max(worst, _show_each(stamped, show, as_json=as_json))


def _show_each(
    stamped: Sequence[Stamped], show: Callable[[Stamped], None], *, as_json: bool
) -> int:
    """Write and show proofs; return the worst exit code."""
    worst = 0
    for each in stamped:
        try:
            show(each)
        except LodestampError as error:
            worst = max(worst, report_error(error, as_json=as_json))
    return worst


def _stamp_each(
    targets: Sequence[tuple[Path, Path]],
    keep: Callable[..., Proof],
    done: Callable[[Stamped], None],
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Stamp paths, each with where its proof goes; return the worst exit code."""
    worst = 0
    for path, target in targets:
        try:
            if path.exists():  # else `stamp` says what is wrong with it
                refuse_target(target, force=force)
            with progress_bar(f"stamping {path.name}") as bar:
                stamped = Stamped(path, target, keep(path, progress=bar))
            done(stamped)
        except LodestampError as error:
            worst = max(worst, report_error(error, as_json=as_json))
    return worst


def _write_one(stamped: Stamped, *, force: bool, as_json: bool) -> None:
    """Write a proof where it goes, and show it."""
    write_result(stamped.target, stamped.proof.encode(), force=force)
    _show_stamped(stamped, as_json=as_json)


def prove(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(metavar="OP", help="An operation id, sha256:...")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Default: 16 digits of OP.proof.json."),
    ] = None,
    state: Annotated[
        bool, typer.Option("--state", help="Let the log sign that it is valid as of now.")
    ] = False,
    disclose: Annotated[
        list[str] | None,
        typer.Option("--disclose", metavar="OP", help="An operation it derives from, to show."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the proof file.")] = False,
    as_json: Json = False,
) -> None:
    """Write the proof of an operation, with the grants and keys by which its author acted.

    Example: lodestamp prove sha256:6a7b... --state -o approval.proof.json
    """
    import lodestamp  # noqa: PLC0415  each verb imports what it uses, so that --help starts fast

    with lodestamp.open(context.obj, create=False) as node:
        proof = node.prove(operation, disclose=disclose or (), state=state)
    target = out or Path(f"{proof.op_id.removeprefix('sha256:')[:16]}.proof.json")
    write_result(target, proof.encode(), force=force)
    if is_stream(target):
        return
    log, authority = proof.log, proof.authority
    assert log is not None  # noqa: S101  `prove` always carries it
    made = {
        "op_id": proof.op_id,
        "log_index": log.index,
        "tree_size": log.size,
        "disclosed": len(proof.subject.disclosed),
        "grants": len(authority.grants) if authority else 0,
        "keys": len(authority.keys) if authority else 0,
        "state": authority is not None and authority.state is not None,
        "proof": str(target),
    }
    if as_json:
        print_json(made)
        return
    say(f"operation  {made['op_id']}")
    say(f"log        index {log.index} of {log.size}, {log.origin}")
    signed = ", the log's word for its status" if made["state"] else ""
    carried = ", ".join(f"{made[name]} {name}" for name in ("disclosed", "grants", "keys"))
    say(f"carries    {carried}{signed}")
    say(f"proof      {target}")


def _beside(path: Path) -> Path:
    """Return where the proof of a path goes; that of ``.`` not into the folder it is about."""
    if path.name in {"", ".."}:
        path = path.resolve()
    return path.parent / f"{path.name}.proof.json"


def _show_stamped(each: Stamped, *, as_json: bool) -> None:
    path, target, proof = each.path, each.target, each.proof
    content, log = proof.content, proof.log
    pending = pending_uris(proof)
    assert content is not None  # noqa: S101  `stamp` always carries both
    assert log is not None  # noqa: S101
    stamped = {
        "path": str(path),
        "cid": str(content.cid),
        "profile": content.profile,
        "size": content.size,
        "op_id": proof.op_id,
        "log_index": log.index,
        "tree_size": log.size,
        "proof": str(target),
        "pending": pending,
    }
    if is_stream(target):
        return  # the proof itself went there, and may be all that is read
    if as_json:
        print_json(stamped)
        return
    say(f"stamped    {path} ({content.size:,} bytes)")
    say(f"CID        {stamped['cid']}")
    say(f"operation  {stamped['op_id']}")
    say(f"log        index {log.index} of {log.size}, {log.origin}")
    for uri in pending:
        say(f"pending    {uri}")
    for anchor in proof.anchors:
        if anchor.height is not None:
            say(f"anchored   Bitcoin block {anchor.height:,} ({anchor.network})")
    say(f"proof      {target}")
