"""The verbs of ownership about proofs and the store itself: export-proof, verify, fsck."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.ownership import Store, opened_store, require_rules, store_url
from lodestamp.faces.cli.ownership_reading import At, Sha1
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp.core.ownership import OwnershipVerdict


def export_proof(
    context: typer.Context,
    sha1: Sha1,
    *,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="F", help="Where the proof goes.")
    ] = None,
    headers: Annotated[
        str | None,
        typer.Option(
            "--headers", metavar="MODE", help="full or sparse; by default full, if it fits."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="URL", help="Ask this chain for paths not kept."),
    ] = None,
    store: Store = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Write the proof of a work: its operations, and the block headers they stand under.

    Example: lodestamp ownership export-proof SHA1 -o song.ownership.json
    """
    from lodestamp.core.ownership import decode_ownership_proof  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.files import refuse_target, write_result  # noqa: PLC0415
    from lodestamp.node.scanner import StateEngine, View  # noqa: PLC0415

    if headers not in {None, "full", "sparse"}:
        raise UsageError(f"no --headers {headers!r}", hint="full or sparse")
    if out is not None:
        refuse_target(out, force=force)
    opening = nullcontext() if chain is None else closing(open_chain(context, chain))
    with opening as source, opened_store(context, store) as opened:
        View.of(opened, at=at)  # which refuses a scan that was halted
        engine = StateEngine(source, opened, require_rules(opened))
        data = engine.export_proof(sha1, at=at, mode=headers)  # type: ignore[arg-type]  # checked
    if out is None:
        sys.stdout.write(f"{data.decode()}\n")
        return
    write_result(out, data, force=force)
    proof = decode_ownership_proof(data)
    if as_json:
        print_json(
            {
                "sha1": sha1,
                "height": proof.height,
                "ops": len(proof.ops),
                "headers": {"mode": proof.headers.mode, "count": len(proof.headers.headers)},
                "bytes": len(data),
                "file": str(out),
            }
        )
        return
    say(f"proof      {out}, {len(data):,} bytes")
    say(f"of         {len(proof.ops):,} operations up to block {proof.height:,}")
    say(f"headers    {proof.headers.mode}, {len(proof.headers.headers):,}")


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What export-proof wrote.")],
    *,
    with_store: Annotated[
        bool, typer.Option("--with-store", help="Hold it against your own scan, too.")
    ] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="HASH:HEIGHT", help="A block you trust.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Check a proof of ownership, leg by leg. Exit: 0 established, 1 refuted, 2 unknown.

    Without --with-store it needs no home and no network, and never says that nothing is missing.

    Example: lodestamp ownership verify song.ownership.json
    """
    from lodestamp.core.ownership import verify_ownership_proof  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin_values import pin_in  # noqa: PLC0415
    from lodestamp.faces.cli.files import read_file  # noqa: PLC0415
    from lodestamp.node.scanner import verify_with_scan  # noqa: PLC0415

    data, pins = read_file(file), dict(pin_in(each) for each in pin or ())
    if with_store:
        with opened_store(context, store) as opened:
            verdict = verify_with_scan(data, opened, pins)
    else:
        verdict = verify_ownership_proof(data, pins=pins)
    _show_verdict(verdict, as_json=as_json)
    return verdict.exit_code


def _show_verdict(verdict: OwnershipVerdict, *, as_json: bool) -> None:
    from lodestamp.core.bitcoin import network_named  # noqa: PLC0415
    from lodestamp.core.ownership import ASSET_UNITS  # noqa: PLC0415
    from lodestamp.faces.cli.ownership_reading import print_table  # noqa: PLC0415
    from lodestamp.faces.cli.words import print_legs  # noqa: PLC0415
    from lodestamp.node.scanner import address_of, percent  # noqa: PLC0415

    if as_json:
        print_json(verdict.as_json())
        return
    print_legs(verdict.verdict, verdict.sha1, lambda leg: leg.basis)
    net = network_named(verdict.rules.network)
    largest = sorted(verdict.claim.cap_table.items(), key=lambda row: (-row[1], row[0]))
    rows = [
        (address_of(owner, net) or "nobody", f"{units:,}", percent(units))
        for owner, units in largest
    ]
    say(f"rules       {verdict.rules.name} on {verdict.rules.network}")
    title = f"its word for block {verdict.height:,}, of {ASSET_UNITS:,} units"
    print_table(title, ("address", "units", "percent"), rows)


def fsck(context: typer.Context, *, store: Store = None, as_json: Json = False) -> int:
    """Audit what was scanned: every operation, balance and hash, derived from kept evidence.

    Example: lodestamp ownership fsck --json
    """
    from lodestamp.faces.cli.log import show_report  # noqa: PLC0415
    from lodestamp.node.fsck import audit_scan  # noqa: PLC0415

    with progress_bar("auditing", in_bytes=False) as bar:
        report = audit_scan(store_url(context, store), progress=bar)
    return show_report(report, as_json=as_json)


def add_verbs(ownership: typer.Typer) -> None:
    """Put these verbs under ``ownership``."""
    for verb in (export_proof, verify, fsck):
        ownership.command(name=verb.__name__.replace("_", "-"))(verb)
