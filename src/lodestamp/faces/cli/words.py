"""Verdicts and proofs in words a person can read: one line a leg, then what it rests on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import typer

from lodestamp.core.proof import Proof
from lodestamp.core.verdict import Leg, Status, Verdict

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
_SELF_ASSERTED: Final = "self-asserted"


def print_verdict(path: Path, verdict: Verdict) -> None:
    """Print a verdict: the answer first, then each leg, then what the answer does not say."""
    answer = str(verdict.verdict).upper()
    typer.secho(answer, fg=_COLOURS[verdict.verdict], bold=True, nl=False)
    typer.echo(f"  {path}")
    for leg in verdict.legs:
        _print_leg(leg)
    for line in verdict.ignored:
        typer.echo(f"  ignored: a signature line of an unknown signer: {_one_line(line)}")
    for remark in _remarks(verdict):
        typer.echo(f"\n{remark}")


def _print_leg(leg: Leg) -> None:
    carried = leg.counts or leg.status is not Status.UNKNOWN
    mark = _MARKS[leg.status] if carried else "-"
    typer.secho(f"  {mark:<4}", fg=_COLOURS[leg.status] if carried else None, nl=False)
    typer.echo(f"{leg.name:<11}", nl=False)
    if leg.status is Status.ESTABLISHED:
        typer.echo(_established(leg))
    elif carried:
        typer.echo(f"{leg.code}: {_one_line(leg.detail)}")
    else:
        typer.echo(leg.code.partition(".")[2].replace("_", " "))


def _established(leg: Leg) -> str:
    facts = leg.facts
    tell = _SENTENCES.get(leg.name)
    sentence = tell(facts) if tell else "established"
    return f"{sentence} ({leg.basis})" if leg.basis else sentence


def _operation(facts: Mapping[str, Any]) -> str:
    words = f"{facts['type']} {facts['op_id']}\n{_INDENT}signed by {facts['author']}"
    words += f"\n{_INDENT}dated {_date(facts['ts'])} by its author"
    if "statement" in facts:
        words += f"\n{_INDENT}says “{_one_line(facts['statement'])}”"
    return words


def _content(facts: Mapping[str, Any]) -> str:
    name = f" {_one_line(facts['name'])}" if "name" in facts else ""
    return f"{facts['cid']}\n{_INDENT}{facts['size']:,} bytes{name}, computed again"


def _log(facts: Mapping[str, Any]) -> str:
    return f"index {facts['index']:,} of {facts['size']:,} in {_one_line(facts['origin'])}"


def _checkpoint(facts: Mapping[str, Any]) -> str:
    return f"size {facts['size']:,}, root {facts['root']}\n{_INDENT}signed by the log"


_INDENT: Final = " " * 17
_SENTENCES: Final = MappingProxyType(
    {
        "format": lambda _facts: "one canonical file, nothing unbound",
        "operation": _operation,
        "content": _content,
        "log": _log,
        "checkpoint": _checkpoint,
    }
)


def _remarks(verdict: Verdict) -> list[str]:
    remarks = []
    if any(leg.code == "content.bytes_absent" for leg in verdict.legs):
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
    if any(leg.code == "time.not_carried" for leg in verdict.legs):
        remarks.append("No time anchor: the dates are the signers' word.")
    return remarks


def describe(proof: Proof) -> dict[str, object]:
    """Return what a proof says, as one JSON object: its sections, and the operation's CID."""
    sections = proof.as_json()
    return {"op_id": proof.op_id, **sections}


def print_description(proof: Proof) -> None:
    """Print every section of a proof in words, without judging it."""
    for name, section in proof.as_json().items():
        typer.echo(name)
        _print_section(section, 1)


def _print_section(section: object, depth: int) -> None:
    indent = "  " * depth
    if isinstance(section, dict):
        for key, value in section.items():
            if isinstance(value, dict | list) and value:
                typer.echo(f"{indent}{_one_line(key)}")
                _print_section(value, depth + 1)
            else:
                typer.echo(f"{indent}{_one_line(key)}: {_scalar(value, indent)}")
    elif isinstance(section, list):
        for item in section:
            typer.echo(f"{indent}-")
            _print_section(item, depth + 1)
    else:
        typer.echo(f"{indent}{_scalar(section, indent)}")


def _scalar(value: object, indent: str) -> str:
    text = (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) else repr(value)
    )
    return f"\n{indent}  ".join(_one_line(line) for line in text.splitlines()) or "(none)"


def _one_line(text: str) -> str:
    """Return text without control characters: a proof must not steer the reader's terminal."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"
