"""Verbs about the log: its checkpoints, its proofs, and its auditor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.encoding import base64_encode
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp.node.findings import AuditReport

log = typer.Typer(name="log", help="Read, prove and audit your log.")

Size = Annotated[
    int | None, typer.Option("--size", metavar="N", min=0, help="A tree size; default: the newest.")
]


@log.command()
def checkpoint(context: typer.Context, *, size: Size = None, as_json: Json = False) -> None:
    """Print the signed note of a tree size.

    Example: lodestamp log checkpoint
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        note = node.checkpoint(size).decode("utf-8")
    if as_json:
        print_json({"note": note})
    else:
        say(note.removesuffix("\n"))


@log.command()
def prove(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(metavar="OP", help="An operation id, sha256:...")],
    *,
    size: Size = None,
    as_json: Json = False,
) -> None:
    """Print the path from an operation's leaf to the root of the tree.

    Example: lodestamp log prove sha256:6a7b...
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        path, root = node.inclusion(operation, size)
    hashes = [base64_encode(each) for each in path.hashes]
    if as_json:
        print_json(
            {"index": path.index, "size": path.size, "path": hashes, "root": base64_encode(root)}
        )
        return
    say(f"index  {path.index}")
    say(f"size   {path.size}")
    say(f"root   {base64_encode(root)}")
    for each in hashes:
        say(f"path   {each}")


@log.command()
def consistency(
    context: typer.Context,
    size1: Annotated[int, typer.Argument(metavar="A", min=0, help="The older tree size.")],
    size2: Annotated[int, typer.Argument(metavar="B", min=0, help="The newer tree size.")],
    *,
    as_json: Json = False,
) -> None:
    """Print the proof that the log at size A is a prefix of the log at size B.

    Example: lodestamp log consistency 3 7
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        proof = node.consistency(size1, size2)
    hashes = [base64_encode(each) for each in proof.hashes]
    if as_json:
        print_json({"size1": proof.size1, "size2": proof.size2, "proof": hashes})
        return
    say(f"size1  {proof.size1}")
    say(f"size2  {proof.size2}")
    for each in hashes:
        say(f"proof  {each}")


@log.command()
def audit(context: typer.Context, *, as_json: Json = False) -> int:
    """Derive the log again from its stored bytes and report every contradiction.

    Example: lodestamp log audit --json
    """
    from lodestamp.node.fsck import audit_log  # noqa: PLC0415

    with progress_bar("auditing", in_bytes=False) as bar:
        report = audit_log(context.obj, progress=bar)
    return show_report(report, as_json=as_json)


def fsck(context: typer.Context, *, as_json: Json = False) -> int:
    """Audit the whole home: the log and whatever else it stores.

    Example: lodestamp fsck
    """
    from lodestamp.node import fsck as auditor  # noqa: PLC0415

    with progress_bar("checking", in_bytes=False) as bar:
        report = auditor.fsck(context.obj, progress=bar)
    return show_report(report, as_json=as_json)


def show_report(report: AuditReport, *, as_json: bool) -> int:
    """Print what an auditor found and return its exit code."""
    if as_json:
        print_json(report.as_json())
        return report.exit_code
    for what, number in report.checked.items():
        say(f"checked  {number:>9,}  {what.replace('_', ' ')}")
    for finding in report.findings:
        say(f"FINDING  {finding.code}  {finding.where}: {finding.detail}")
    found = len(report.findings)
    say("clean" if report.clean else f"{found} finding{'s' if found > 1 else ''}")
    if not report.clean:
        say("Change nothing; keep a copy of the home, and restore a backup that is clean.")
    return report.exit_code
