"""Verdicts and proofs in words a person can read: one line a leg, then what it rests on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import typer

from lodestamp.core.proof import STATEMENT_PREDICATE
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.faces.cli.plain import brief, plain

_MARKS: Final = MappingProxyType(
    {
        Status.ESTABLISHED: "yes",
        Status.REFUTED: "NO",
        Status.UNKNOWN: "?",
    }
)
_COLOURS: Final = MappingProxyType(
    {
        Status.ESTABLISHED: typer.colors.GREEN,
        Status.REFUTED: typer.colors.RED,
        Status.UNKNOWN: typer.colors.YELLOW,
    }
)
_NAME_WIDTH: Final = 11
_SELF_ASSERTED: Final = "self-asserted"
_REASONS: Final = MappingProxyType(
    {
        "blocked": "not checked: a leg it rests on does not stand",
        "bytes_absent": "not looked at, as asked",
    }
)

Facts = Mapping[str, Any]
"""A leg's facts; a proof's own words among them are not to be trusted with a terminal."""


def print_verdict(path: Path, verdict: Verdict) -> None:
    """Print a verdict: the answer first, then each leg, then what the answer does not say."""
    print_legs(verdict, path, _established)
    for line in verdict.ignored:
        typer.echo(f"  ignored: a signature line of an unknown signer: {brief(line)}")
    for remark in _remarks(verdict):
        typer.echo(f"\n{remark}")


def print_legs(verdict: Verdict, subject: object, established: Callable[[Leg], str]) -> None:
    """Print what a verdict says of a subject, and each leg; `established` tells what one shows."""
    answer = str(verdict.verdict).upper()
    typer.secho(answer, fg=_COLOURS[verdict.verdict], bold=True, nl=False)
    decisive = [leg.name for leg in verdict.legs if leg.counts and leg.status is verdict.verdict]
    why = "" if verdict.verdict is Status.ESTABLISHED else f": {', '.join(decisive)}"
    typer.echo(f"  {plain(subject)}{why}")
    width = max([_NAME_WIDTH, *(len(leg.name) + 1 for leg in verdict.legs)])
    for leg in verdict.legs:
        _print_leg(leg, width, established)


def _print_leg(leg: Leg, width: int, established: Callable[[Leg], str]) -> None:
    carried = leg.counts or leg.status is not Status.UNKNOWN
    mark = _MARKS[leg.status] if carried else "-"
    typer.secho(f"  {mark:<4}", fg=_COLOURS[leg.status] if carried else None, nl=False)
    typer.echo(f"{leg.name:<{width}}", nl=False)
    if leg.status is Status.ESTABLISHED:
        typer.echo(established(leg))
    elif carried:
        typer.echo(f"{leg.code}: {brief(leg.detail)}")
    else:
        reason = leg.code.partition(".")[2]
        typer.secho(_REASONS.get(reason, reason.replace("_", " ")), dim=True)


def _established(leg: Leg) -> str:
    tell = _SENTENCES.get(leg.name)
    lines = tell(leg.facts, leg.basis) if tell else [leg.basis]
    return f"\n{_INDENT}".join(lines)


def _format(_facts: Facts, _basis: str) -> list[str]:
    return ["well-formed, no member unknown"]


def _operation(facts: Facts, basis: str) -> list[str]:
    label = f" “{brief(facts['label'])}”" if "label" in facts else ""
    lines = [
        f"{facts['type']} {facts['op_id']}",
        f"signed by {facts['author']}{label} ({basis})",
        f"dated {date_of(facts['ts'])} by its author",
    ]
    if "statement" in facts:
        about, words = brief(facts["subject"]), brief(facts["statement"])
        if facts["predicate"] == STATEMENT_PREDICATE:
            lines.append(f"says of {about}: “{words}”")
        else:
            lines.append(f"claims of “{about}”, by {brief(facts['predicate'])}: “{words}”")
    return lines


def _content(facts: Facts, _basis: str) -> list[str]:
    name = f", named “{brief(facts['name'])}”" if "name" in facts else ""
    return [facts["cid"], f"{facts['size']:,} bytes{name}; computed again from the bytes given"]


def _authority(facts: Facts, basis: str) -> list[str]:
    pinned = f" “{brief(facts['pinned'])}”" if "pinned" in facts else ""
    if "cap_id" not in facts:
        lines = [f"acts in the own right: {facts['root']}{pinned}"]
    else:
        links = facts["links"]
        lines = [
            f"acts under {facts['cap_id']}",
            f"{links} {'grant' if links == 1 else 'grants'} from {facts['root']}{pinned}",
        ]
    return [*lines, *basis.split("; ")]


def _log(facts: Facts, basis: str) -> list[str]:
    place = f"index {facts['index']:,} in a log of {facts['size']:,}, {brief(facts['origin'])}"
    return [f"{place} ({basis})"]


def _checkpoint(facts: Facts, basis: str) -> list[str]:
    signers = [f"signed by {brief(key)} ({basis})" for key in facts["keys"]]
    return [f"size {facts['size']:,}, root {facts['root']}", *signers]


def _witnesses(facts: Facts, basis: str) -> list[str]:
    seen = f"seen from {date_of(facts['first_seen'])} to {date_of(facts['last_seen'])}"
    return [f"{basis} that the trust file names", seen, *map(brief, facts["witnesses"])]


def _time(facts: Facts, basis: str) -> list[str]:
    lines = [
        f"existed no later than {date_of(facts['not_after'])}",
        f"Bitcoin {facts['network']} block {facts['height']:,}, {facts['hash']}",
        f"dated {date_of(facts['time'])} by its miner, who may be two hours ahead",
        f"{facts['headers']:,} headers, work of 2^{facts['work_log2']} hashes",
        *basis.split("; "),
    ]
    return [*lines, *(f"anchor: {each}" for each in facts.get("anchors", ()))]


_INDENT: Final = " " * 17
_SENTENCES: Final[Mapping[str, Callable[[Facts, str], list[str]]]] = MappingProxyType(
    {
        "format": _format,
        "operation": _operation,
        "content": _content,
        "authority": _authority,
        "log": _log,
        "checkpoint": _checkpoint,
        "witnesses": _witnesses,
        "time": _time,
    }
)


_ANCHOR_REMARKS: Final = MappingProxyType(
    {
        "time.pending": "The time is on its way: its calendar will know the block later.",
        "time.work_below_floor": (
            "These headers prove nothing alone: --headers FILE knows the chain, or a --trust file "
            "pins the block."
        ),
        "time.network_not_accepted": (
            "A block of a test network is made by anyone: --network accepts it all the same."
        ),
    }
)


def _remarks(verdict: Verdict) -> list[str]:
    remarks = []
    if any(leg.code == "format.not_json" for leg in verdict.legs):
        remarks.append("This is no proof file. The proof comes first, then the file it is about.")
    if any(leg.code == "format.not_canonical" for leg in verdict.legs):
        remarks.append("The file was changed or reformatted after it was written.")
    if any(leg.code == "content.bytes_absent" and leg.counts for leg in verdict.legs):
        remarks.append(
            "The content was not given: name the file after the proof, or say --without-content."
        )
    if verdict.verdict is Status.REFUTED:
        return remarks
    if any(leg.basis.startswith(_SELF_ASSERTED) for leg in verdict.legs):
        remarks.append(
            "Self-asserted keys: the proof names its own keys. Whose they are, only a --trust file "
            "can say."
        )
    if any("revocations not shown" in leg.basis for leg in verdict.legs):
        remarks.append(
            "Whether a grant was revoked is not in this file: `lodestamp prove OP --state` lets "
            "the log say it."
        )
    if any(leg.code == "time.not_carried" for leg in verdict.legs):
        remarks.append("No time anchor: the dates are the signers' word.")
    remarks += [_ANCHOR_REMARKS[leg.code] for leg in verdict.legs if leg.code in _ANCHOR_REMARKS]
    return remarks


def date_of(seconds: int) -> str:
    """Return Unix seconds as a date and time of day."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"
