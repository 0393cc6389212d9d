"""Verbs about the log: its checkpoints, its proofs, and its auditor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.encoding import base64_encode
from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar
from lodestamp.faces.cli.witness import witness

if TYPE_CHECKING:
    from lodestamp.node.findings import AuditReport

log = typer.Typer(name="log", help="Read, prove, publish and audit your log.")
log.add_typer(witness, name="witness")

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
    tlog_proof: Annotated[
        Path | None,
        typer.Option("--tlog-proof", metavar="FILE", help="Write a C2SP tlog-proof here, too."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the path from an operation's leaf to the root of the tree.

    Example: lodestamp log prove sha256:6a7b... --tlog-proof 6a7b.tlog-proof
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.faces.cli.files import write_result  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        path, root = node.inclusion(operation, size)
        if tlog_proof is not None:
            # of the same tree, though the log may have grown since
            file = node.public.tlog_proof(operation, path.size).encode()
            write_result(tlog_proof, file, force=False)
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
    if tlog_proof is not None:
        say(f"proof  {tlog_proof}")


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
def mirror(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Empty, or a mirror already.")],
    *,
    as_json: Json = False,
) -> None:
    """Write your log as static files that any web server can hand out.

    Example: lodestamp log mirror /srv/www/log
    """
    import lodestamp  # noqa: PLC0415

    with (
        lodestamp.open(context.obj, create=False) as node,
        progress_bar("mirroring", in_bytes=False) as bar,
    ):
        mirrored = node.public.mirror(folder, progress=bar)
    if as_json:
        print_json(
            {"mirror": str(mirrored.folder), "size": mirrored.size, "written": mirrored.written}
        )
        return
    say(f"mirror   {mirrored.folder}")
    say(f"size     {mirrored.size}")
    say(f"written  {mirrored.written} files")


@log.command()
def audit(
    context: typer.Context,
    *,
    start: Annotated[
        int | None,
        typer.Option("--from", metavar="SIZE", min=0, help="Read its entries from here."),
    ] = None,
    remote: Annotated[
        str | None, typer.Option("--remote", metavar="URL", help="Audit the log at this prefix.")
    ] = None,
    vkey: Annotated[
        str | None,
        typer.Option("--vkey", metavar="VKEY", help="Its key; needed the first time only."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Derive a log again from its bytes and report every contradiction: yours, or a remote one.

    Of a remote log: that it extends what was seen of it last, and hashes to the root it signed.

    Example: lodestamp log audit --remote https://log.example/log --vkey log.example/a+5025...
    """
    if remote is None and (start is not None or vkey is not None):
        raise UsageError("--from and --vkey go with --remote; your own log is audited whole")
    with progress_bar("auditing", in_bytes=False) as bar:
        if remote is None:
            from lodestamp.node.fsck import audit_log  # noqa: PLC0415

            report = audit_log(context.obj, progress=bar)
        else:
            from lodestamp.node.following import audit_remote  # noqa: PLC0415

            report = audit_remote(context.obj, remote, vkey=vkey, start=start, progress=bar)
    return show_report(report, as_json=as_json, own=remote is None)


def fsck(context: typer.Context, *, as_json: Json = False) -> int:
    """Audit the whole home: the log and whatever else it stores.

    Example: lodestamp fsck
    """
    from lodestamp.node import fsck as auditor  # noqa: PLC0415

    with progress_bar("checking", in_bytes=False) as bar:
        report = auditor.fsck(context.obj, progress=bar)
    return show_report(report, as_json=as_json)


def show_report(report: AuditReport, *, as_json: bool, own: bool = True) -> int:
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
    if not report.clean and own:
        say("Change nothing; keep a copy of the home, and restore a backup that is clean.")
    return report.exit_code
