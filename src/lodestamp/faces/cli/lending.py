"""Verbs of authority: `grant`, `revoke`, `attest`, `receipt`, `receipts`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.encoding import canonical_json
from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.files import refuse_target, write_result
from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.telling import tell_recorded
from lodestamp.faces.cli.values import parse_rate, parse_span, parse_time

if TYPE_CHECKING:
    from lodestamp.core.operations import RevocationReport

_READ = "/claim/read"
CapId = Annotated[str, typer.Argument(metavar="CAP", help="The id of a grant's capability.")]


def grant(
    context: typer.Context,
    audience: Annotated[str, typer.Argument(metavar="AUDIENCE", help="A key id, DID or name.")],
    *,
    predicate: Annotated[
        list[str], typer.Option("--predicate", metavar="P", help="prefers.tea, or prefers.*")
    ],
    command: Annotated[
        list[str] | None, typer.Option("--command", metavar="C", help=f"Default: {_READ}.")
    ] = None,
    min_confidence_bp: Annotated[
        int, typer.Option("--min-confidence-bp", metavar="N", min=0, max=10_000)
    ] = 0,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", metavar="T", help="When it ends.")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="How long: 90s, 24h, 30d.")
    ] = None,
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="T", help="Default: now.")
    ] = None,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", metavar="R", help="Only about these.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="N/s", help="How often: 5/s, 100/60s.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="CAP", help="Cut it from what you hold.")
    ] = None,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", help="Links that may follow, 0 to 4.")
    ] = 0,
    fp1: Annotated[bool, typer.Option("--fp1", help="A grant of version 1, to read.")] = False,
    as_json: Json = False,
) -> None:
    """Lend authority: to read what you claim, or to act for you. It never widens on the way.

    Example: lodestamp grant travel-agent --predicate 'prefers.*' --for 30d
    """
    begins = int(time.time()) if not_before is None else parse_time(not_before)
    if (expires_at is None) == (for_ is None):
        raise UsageError("say when it ends: either --expires-at or --for")
    ends = parse_time(expires_at) if expires_at is not None else begins + parse_span(for_ or "")
    with open_to_write(context) as node:
        granted = node.grant(
            audience,
            predicates=predicate,
            commands=command or [_READ],
            min_confidence_bp=min_confidence_bp,
            not_before=begins,
            expires_at=ends,
            resources=resource or [],
            rate=None if rate is None else parse_rate(rate),
            parent=parent,
            depth=depth,
            fp1=fp1,
        )
        chain = list(granted.chain)
        lines = [f"grant      {granted.cap_id}", f"ends       {_date(ends)}"]
        tell_recorded(node, granted, lines, as_json=as_json, cap_id=granted.cap_id, chain=chain)


def revoke(
    context: typer.Context,
    cap_id: CapId,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why.")],
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="SPAN", help="How long a receipt may take.")
    ] = "24h",
    as_json: Json = False,
) -> None:
    """End a grant for good, and all that was cut from it.

    Example: lodestamp revoke CAP --reason "The trip is over." --deadline 24h
    """
    due = int(time.time()) + parse_span(deadline)
    with open_to_write(context, create=False) as node:
        revoked = node.revoke(cap_id, reason=reason, deadline=due)
        lines = [f"receipt    due {_date(due)}"]
        lines += [f"falls too  {child}" for child in revoked.children]
        tell_recorded(node, revoked, lines, as_json=as_json, children=list(revoked.children))


def attest(
    context: typer.Context,
    cap_id: CapId,
    op_id: Annotated[str, typer.Argument(metavar="OP", help="The claim to show.")],
    *,
    confidence_bp: Annotated[
        int | None,
        typer.Option("--confidence-bp", metavar="N", min=0, max=10_000, help="Lower it to this."),
    ] = None,
    opening_out: Annotated[
        Path | None,
        typer.Option("--opening-out", metavar="F", help="Write what opens the commitment."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a claim to the holder of a grant, and nothing of what it rests on.

    Example: lodestamp attest CAP OP
    """
    if opening_out is not None:
        refuse_target(opening_out, force=False)
    with open_to_write(context, create=False) as node:
        attested = node.attest(cap_id, op_id, confidence_bp=confidence_bp)
        if opening_out is not None:
            write_result(opening_out, canonical_json(attested.opening), force=False)
        lines = [f"commitment {attested.commitment}"]
        tell_recorded(node, attested, lines, as_json=as_json, commitment=attested.commitment)


def receipt(
    context: typer.Context,
    cap_id: CapId,
    *,
    revocation: Annotated[
        str, typer.Option("--revocation", metavar="OP", help="What ended the grant.")
    ],
    statement: Annotated[
        str, typer.Option("--statement", metavar="S", help="What you say you did.")
    ] = "purged",
    as_json: Json = False,
) -> None:
    """Erase what you were shown under a grant that ended, and sign that it is gone.

    The next `sync --delegated` takes the receipt to the owner.

    Example: lodestamp receipt CAP --revocation OP
    """
    with open_to_write(context, create=False) as node:
        made = node.receipt(cap_id, revocation_op=revocation, statement=statement)
        lines = [f"purged     {made.purged:,} attestations"]
        tell_recorded(node, made, lines, as_json=as_json, purged=made.purged)


def receipts(
    context: typer.Context,
    cap_id: Annotated[str | None, typer.Argument(metavar="CAP", help="Default: all.")] = None,
    *,
    at: Annotated[str | None, typer.Option("--at", metavar="T", help="Default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Tell of each grant whether it was revoked, and whether its holder says all is purged.

    Example: lodestamp receipts --at 2026-12-31T00:00:00Z
    """
    when = None if at is None else parse_time(at)
    with open_to_write(context, create=False) as node:
        one = None if cap_id is None else [node.revocation_report(cap_id, when)]
        found = node.receipts(when) if one is None else one
    if as_json:
        print_json({"caps": [_report_json(report) for report in found]})
        return
    for report in found:
        said = _purged(report)
        count = "" if said is None else f", {said:,} said to be purged"
        due = "" if report.due is None else f", due {_date(report.due)}"
        say(f"{report.status.value:<20} {report.cap_id}")
        say(f"{'':<20} {len(report.attestations):,} shown{count}{due}")
    if found:
        say(found[0].caveat)


def _report_json(report: RevocationReport) -> dict[str, object]:
    return {
        "cap_id": report.cap_id,
        "status": report.status.value,
        "issued": len(report.attestations),
        "purged": _purged(report),
        "deadline": report.due,
    }


def _purged(report: RevocationReport) -> int | None:
    """Return the count of the receipt that decides, None without one."""
    deciding = [each.purged for each in report.receipts if each.status is report.status]
    return deciding[0] if deciding else None


def _date(seconds: int) -> str:
    """Spell Unix seconds in UTC; as they are when they are out of a calendar's reach."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return f"Unix second {seconds}"
