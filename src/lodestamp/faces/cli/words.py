"""Verdicts and proofs in words a person can read: one line a leg, then what it rests on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import typer

from lodestamp.core.proof import STATEMENT_PREDICATE, Proof
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.faces.cli.plain import brief, plain, say

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
    print_legs(verdict, path)
    for line in verdict.ignored:
        typer.echo(f"  ignored: a signature line of an unknown signer: {brief(line)}")
    for remark in _remarks(verdict):
        typer.echo(f"\n{remark}")


def print_legs(verdict: Verdict, subject: object) -> None:
    """Print what a verdict says of a subject, and each leg."""
    answer = str(verdict.verdict).upper()
    typer.secho(answer, fg=_COLOURS[verdict.verdict], bold=True, nl=False)
    decisive = [leg.name for leg in verdict.legs if leg.counts and leg.status is verdict.verdict]
    why = "" if verdict.verdict is Status.ESTABLISHED else f": {', '.join(decisive)}"
    typer.echo(f"  {plain(subject)}{why}")
    width = max([_NAME_WIDTH, *(len(leg.name) + 1 for leg in verdict.legs)])
    for leg in verdict.legs:
        _print_leg(leg, width)


def _print_leg(leg: Leg, width: int) -> None:
    carried = leg.counts or leg.status is not Status.UNKNOWN
    mark = _MARKS[leg.status] if carried else "-"
    typer.secho(f"  {mark:<4}", fg=_COLOURS[leg.status] if carried else None, nl=False)
    typer.echo(f"{leg.name:<{width}}", nl=False)
    if leg.status is Status.ESTABLISHED:
        typer.echo(_established(leg))
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
        f"dated {_date(facts['ts'])} by its author",
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


_INDENT: Final = " " * 17
_SENTENCES: Final[Mapping[str, Callable[[Facts, str], list[str]]]] = MappingProxyType(
    {
        "format": _format,
        "operation": _operation,
        "content": _content,
        "authority": _authority,
        "log": _log,
        "checkpoint": _checkpoint,
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
    return remarks


def describe(proof: Proof) -> dict[str, object]:
    """Return what a proof says, as one JSON object: its sections, and the operation's CID."""
    sections = proof.as_json()
    return {"op_id": proof.op_id, **sections}


def print_description(proof: Proof) -> None:
    """Print every section of a proof in words, without judging it."""
    lines = list(islice(_sections(proof), LINES_MAX + 1))
    if len(lines) > LINES_MAX:
        lines[LINES_MAX:] = ["… more than can be read; see --json"]
    say("\n".join(lines))


LINES_MAX: Final = 10_000
"""Lines that `show` prints: more than an honest proof has, and less than a hostile one could."""


def _sections(proof: Proof) -> Iterator[str]:
    for name, section in proof.as_json().items():
        title = _TITLES.get(name)
        if title is None:
            yield f"{name}: {json.dumps(section)}"
        else:
            yield from ("", f"{name} — {title}")
            yield from _lines(section, "  ")


_TITLES: Final = MappingProxyType(
    {
        "subject": "what was signed, and what it derives from as far as disclosed",
        "content": "the bytes it speaks of",
        "authority": "by what right: grants from the root on, keys, the log's word for the state",
        "log": "where it stands in the log, and the path to the root",
        "checkpoint": "the log's signed word for that root, and the keys that signed",
        "ledger": "the block that ordered the checkpoint (this version does not check it)",
        "anchors": "its traces in Bitcoin (this version does not check them)",
    }
)
_TIMES: Final = frozenset({"ts:", "captured_at:"})


def _lines(value: object, indent: str) -> Iterator[str]:
    pairs: Iterable[tuple[str, object]]
    if isinstance(value, dict):
        pairs = ((f"{plain(key)}:", item) for key, item in value.items())
    else:
        pairs = (("-", item) for item in value) if isinstance(value, list) else ()
    for lead, item in pairs:
        if isinstance(item, dict | list) and item:
            yield f"{indent}{lead}"
            yield from _lines(item, indent + "  ")
        elif isinstance(item, str) and "\n" in item:
            yield f"{indent}{lead}"
            yield from (f"{indent}  {line}" for line in item.removesuffix("\n").split("\n"))
        else:
            yield f"{indent}{lead} {_scalar(lead, item)}"


def _scalar(lead: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if lead in _TIMES and type(value) is int:
        return f"{value} ({_date(value)})"
    return json.dumps(value) if value not in ([], {}) else "none"


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"
