"""Verbs that state and take back: `record`, `claim`, `refute`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.core.encoding import JsonObject
from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.telling import change_lines, changes_json, tell_recorded
from lodestamp.faces.cli.values import parse_time, parse_value, read_object

if TYPE_CHECKING:
    from lodestamp import Node

_BY_HAND = "hand"
"""The deriver of a claim that a person drew from sources and named none."""
_OBJECT = "--object"
_CONTENT = "--content"

Confidence = Annotated[
    int,
    typer.Option("--confidence-bp", metavar="N", min=0, max=10_000, help="How sure, of 10000."),
]
Content = Annotated[
    str | None, typer.Option(_CONTENT, metavar="JSON", help="A JSON object, without floats.")
]
ContentFile = Annotated[
    Path | None, typer.Option("--content-file", metavar="F", help="The same from a file.")
]


def record(
    context: typer.Context,
    *,
    source: Annotated[str, typer.Option("--source", metavar="S", help="Where it was found.")],
    kind: Annotated[str, typer.Option("--kind", metavar="K", help="What sort of thing it is.")],
    content: Content = None,
    content_file: ContentFile = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="PATH", help="Keep a file or folder and record its CID."),
    ] = None,
    captured_at: Annotated[
        str | None, typer.Option("--captured-at", metavar="T", help="When; default: now.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option("--external-id", metavar="X", help="Its id where it was found.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record evidence: what was found where.

    Example: lodestamp record --source calendar --kind event --content '{"title": "Tea, 4 pm"}'
    """
    at = None if captured_at is None else parse_time(captured_at)
    if file is not None and (content is not None or content_file is not None):
        raise UsageError("give one of --content, --content-file and --file")
    told = None if file is not None else read_object(content, content_file, _CONTENT)
    with open_to_write(context) as node:
        recorded = node.record(
            source=source,
            kind=kind,
            content=_of_file(node, file) if file is not None else told or {},
            captured_at=at,
            external_id=external_id,
        )
        tell_recorded(node, recorded, as_json=as_json)


def claim(
    context: typer.Context,
    *,
    subject: Annotated[str, typer.Option("--subject", metavar="S", help="What it is about.")],
    predicate: Annotated[str, typer.Option("--predicate", metavar="P", help="As prefers.tea.")],
    object_: Annotated[str, typer.Option(_OBJECT, metavar="JSON", help="JSON, without floats.")],
    rationale: Annotated[str, typer.Option("--rationale", metavar="R", help="Why you say so.")],
    from_: Annotated[
        list[str] | None, typer.Option("--from", metavar="OP", help="What it is drawn from.")
    ] = None,
    deriver: Annotated[
        str | None, typer.Option("--deriver", metavar="D", help="What drew it, such as reader/1.")
    ] = None,
    confidence_bp: Confidence = 10_000,
    user: Annotated[
        bool, typer.Option("--user", help="Your own word, drawn from nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record a claim: drawn from evidence and other claims, or your own word.

    Example: lodestamp claim --subject me --predicate prefers.tea --object true --rationale "I do"
    --user
    """
    sources = from_ or []
    if user == bool(sources):
        raise UsageError("a claim has --from OP, or it is your own word: --user")
    if user and deriver is not None:
        raise UsageError("your own word has no --deriver")
    value = parse_value(object_, _OBJECT)
    with open_to_write(context) as node:
        claimed = node.claim(
            subject=subject,
            predicate=predicate,
            object=value,
            rationale=rationale,
            derived_from=sources,
            deriver="user" if user else deriver or _BY_HAND,
            confidence_bp=confidence_bp,
        )
        lines = [f"instead of {op_id}" for op_id in claimed.superseded]
        behind = list(claimed.superseded)
        tell_recorded(node, claimed, lines, as_json=as_json, superseded=behind)


def refute(
    context: typer.Context,
    op_id: Annotated[str, typer.Argument(metavar="OP", help="What does not hold.")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why not.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would fall; record nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record that evidence, a claim or a refutation does not hold; what rests on it falls too.

    Example: lodestamp refute OP --reason "That was a joke." --dry-run
    """
    with open_to_write(context, create=False) as node:
        if not dry_run:
            refuted = node.refute(op_id, reason=reason)
            affected = changes_json(refuted.affected)
            lines = change_lines(refuted.affected)
            tell_recorded(node, refuted, lines, as_json=as_json, affected=affected)
            return
        would = tuple(node.affected(op_id))
    if as_json:
        nothing = dict.fromkeys(("op_id", "cid", "log_index", "tree_size", "status"))
        print_json({**nothing, "affected": changes_json(would)})
        return
    for line in change_lines(would):
        say(line)


def _of_file(node: Node, path: Path) -> JsonObject:
    """Keep a file or folder, and return what evidence says of it."""
    from lodestamp.node.stamping import address_path, evidence_of  # noqa: PLC0415

    addressed = address_path(path, profile=DEFAULT, store=node.blocks)
    body = evidence_of(addressed, name=path.name, captured_at=0)
    content = body["content"]
    assert isinstance(content, dict)  # noqa: S101  the schema of evidence says so
    return content
