"""Verbs that ask the log: `ops show`, `why`, `graph`, `list`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.encoding import Cid
from lodestamp.errors import RecordError, UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.plain import plain, say
from lodestamp.faces.cli.telling import label_of, reason_of

if TYPE_CHECKING:
    from lodestamp import Node
    from lodestamp.core.operations import Why
    from lodestamp.node.questions import Entry, Lineage, Questions

ops = typer.Typer(name="ops", help="Ask what the log holds, and what of it stands.")

Op = Annotated[str, typer.Argument(metavar="OP", help="The id of an operation.")]
AsOf = Annotated[
    int | None, typer.Option("--as-of", metavar="N", help="As the log was with N operations.")
]


@ops.command()
def show(
    context: typer.Context,
    op_id: Op,
    *,
    wire: Annotated[bool, typer.Option("--wire", help="Only its bytes, as they travel.")] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Tell what an operation says, whether it stands, and under which grants.

    Example: lodestamp ops show OP --wire > operation.json
    """
    with open_to_write(context, create=False) as node:
        asked = _asked(node, as_of)
        op, entry, why = asked.op(op_id), asked.entry(op_id), asked.why(op_id)
    if wire:
        sys.stdout.flush()
        sys.stdout.buffer.write(op.wire)
        return
    told = json.loads(op.wire)
    if as_json:
        shown = {"operation": told, "status": why.status.word}
        shown |= {"log_index": entry.listed.log_index, "cid": str(Cid.from_op_id(op_id))}
        print_json({**shown, "authority": list(why.authority)})
        return
    say(f"{op.type:<10} {op.op_id}")
    say(f"status     {reason_of(why)}")
    say(f"author     {op.author}, {op.node}")
    say(f"log        index {entry.listed.log_index}")
    say(f"CID        {Cid.from_op_id(op_id)}")
    for each in why.authority:
        say(f"under      {each}")
    say(json.dumps(told["body"], indent=2, ensure_ascii=False))


@ops.command()
def why(context: typer.Context, op_id: Op, *, as_of: AsOf = None, as_json: Json = False) -> None:
    """Tell why an operation has its status: what speaks against it, and by which way.

    Example: lodestamp ops why OP
    """
    with open_to_write(context, create=False) as node:
        asked = _asked(node, as_of)
        found = asked.why(op_id)
        reasons = {cause: _label(asked, cause) for cause in found.causes}
    if as_json:
        lacks = [{"op_id": lack.op_id, "code": lack.code} for lack in found.missing_authority]
        path = [list(each) for each in found.path]
        told = {"status": found.status.word, "causes": list(found.causes), "path": path}
        print_json({**told, "missing_authority": lacks})
        return
    _print_why(found, reasons)


@ops.command()
def graph(
    context: typer.Context,
    op_id: Op,
    *,
    up: Annotated[
        bool, typer.Option("--up/--down", help="What it rests on, or what rests on it.")
    ] = True,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=0, help="Steps; default: all.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="F", help="tree, dot or prov-json.")
    ] = "tree",
    as_json: Json = False,
) -> None:
    """Draw what an operation rests on, or with --down what rests on it.

    Example: lodestamp ops graph OP --down --format dot
    """
    if format_ not in {"tree", "dot", "prov-json"}:
        raise UsageError(f"{format_!r} is no format", hint="there are tree, dot, prov-json")
    with open_to_write(context, create=False) as node:
        found = node.graph(op_id, up=up, depth=depth)
        op_ids = [entry.listed.op_id for entry in found.nodes]
        document = node.prov_json(op_ids) if format_ == "prov-json" else b""
        labels = {each: _label(node, each) for each in op_ids}
    if as_json and format_ != "prov-json":
        nodes = [entry.as_json() for entry in found.nodes]
        print_json({"nodes": nodes, "edges": [list(edge) for edge in found.edges]})
    elif format_ == "prov-json":
        sys.stdout.write(document.decode("utf-8") + "\n")
    elif format_ == "dot":
        _print_dot(found, labels)
    else:
        _print_tree(found, labels, up=up)


@ops.command("list")
def list_(
    context: typer.Context,
    *,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Such as claim.")
    ] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="KEY", help="A key id, or a name of one.")
    ] = None,
    predicate: Annotated[
        str | None, typer.Option("--predicate", metavar="P", help="Of claims and attestations.")
    ] = None,
    after: Annotated[
        int, typer.Option("--after", metavar="N", min=-1, help="Begin behind this index.")
    ] = -1,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="1 to 500.")] = 100,
    as_json: Json = False,
) -> None:
    """List operations in log order, each with its status.

    Example: lodestamp ops list --type claim --predicate prefers.tea
    """
    with open_to_write(context, create=False) as node:
        by = None if author is None else node.identities.meant(author)
        page = node.ops(type=type_, author=by, predicate=predicate, after=after, limit=limit)
    if as_json:
        print_json({"operations": [each.as_json() for each in page.operations], "next": page.next})
        return
    for each in page.operations:
        say(_line(each))
    if page.next is not None:
        say(f"more: --after {page.next}")


def _asked(node: Node, as_of: int | None) -> Questions:
    return node if as_of is None else node.as_of(as_of)


def _label(asked: Questions, op_id: str) -> str:
    try:
        return label_of(asked.op(op_id))
    except RecordError:
        return "(erased)"


def _line(entry: Entry, label: str = "") -> str:
    listed = entry.listed
    words = f"{listed.log_index:>6} {entry.status.word:<14} {listed.type:<11} {listed.op_id}"
    return f"{words}  {label}".rstrip()


def _print_why(found: Why, reasons: dict[str, str]) -> None:
    say(f"status     {found.status.word}")
    for cause, path in zip(found.causes, found.path, strict=False):
        say(f"because    {cause}: {reasons[cause]}")
        _print_path(path)
    lacking = found.path[len(found.causes) :]
    for lack, path in zip(found.missing_authority, lacking, strict=True):
        say(f"lacks      {lack.op_id}: {lack.code}")
        _print_path(path)
    for each in found.authority:
        say(f"under      {each}")
    for each in found.sources:
        say(f"rests on   {each}")


def _print_path(path: tuple[str, ...]) -> None:
    for step in path[1:]:
        say(f"  through  {step}")


def _print_tree(found: Lineage, labels: dict[str, str], *, up: bool) -> None:
    """Draw each operation once, under the first that leads to it."""
    below: dict[str, list[str]] = {}
    for child, source in found.edges:
        here, there = (child, source) if up else (source, child)
        below.setdefault(here, []).append(there)
    entries = {entry.listed.op_id: entry for entry in found.nodes}
    waiting = [(found.nodes[0].listed.op_id, 0)]
    drawn: set[str] = set()
    while waiting:
        op_id, level = waiting.pop()
        listed, status = entries[op_id].listed, entries[op_id].status.word
        again = " (again)" if op_id in drawn else ""
        indent = "   " * (level - 1) + "└─ " if level else ""
        say(f"{indent}{listed.type} {status}: {labels[op_id]}{again}")
        say(f"{'   ' * level}{op_id}")
        if not again:
            waiting += [(each, level + 1) for each in reversed(below.get(op_id, []))]
        drawn.add(op_id)


def _print_dot(found: Lineage, labels: dict[str, str]) -> None:
    say("digraph provenance {")
    for entry in found.nodes:
        op_id = entry.listed.op_id
        words = f"{entry.listed.type}: {labels[op_id]} ({entry.status.word})"
        say(f"  {_quoted(op_id)} [label={_quoted(words)}];")
    for child, source in found.edges:
        say(f"  {_quoted(child)} -> {_quoted(source)};")
    say("}")


def _quoted(text: str) -> str:
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
