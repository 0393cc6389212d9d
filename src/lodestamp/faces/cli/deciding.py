"""Verbs of deciding: `decide` before acting, `conclude` after it, `review` by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.stating import Content, ContentFile
from lodestamp.faces.cli.telling import tell_recorded
from lodestamp.faces.cli.values import read_object

if TYPE_CHECKING:
    from lodestamp import Node
    from lodestamp.node.decisions import Decided

_CONTENT = "--content"


def decide(
    context: typer.Context,
    *,
    content: Content = None,
    content_file: ContentFile = None,
    as_json: Json = False,
) -> None:
    """Record what is about to be done and why, before it is done.

    Members: action, reasoning, alternatives, risk, model, inputs, period, requires_review.

    Example: lodestamp --as robot decide --content-file intent.json
    """
    told = read_object(content, content_file, _CONTENT)
    with open_to_write(context) as node:
        _tell(node, node.decide(told), as_json=as_json)


def conclude(
    context: typer.Context,
    intent: Annotated[str, typer.Argument(metavar="INTENT", help="What `decide` recorded.")],
    *,
    content: Content = None,
    content_file: ContentFile = None,
    as_json: Json = False,
) -> None:
    """Record what came of an intent. Members: result, summary, outputs, period, error.

    Example: lodestamp --as robot conclude OP --content-file outcome.json
    """
    told = read_object(content, content_file, _CONTENT)
    with open_to_write(context, create=False) as node:
        _tell(node, node.conclude(intent, told), as_json=as_json)


def review(
    context: typer.Context,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="What `conclude` recorded.")],
    *,
    verdict: Annotated[
        str, typer.Option("--verdict", metavar="V", help="approved, rejected or overridden.")
    ],
    note: Annotated[str | None, typer.Option("--note", metavar="N", help="In your words.")] = None,
    as_json: Json = False,
) -> None:
    """Record what you say of an outcome. A rejection refutes nothing: that is `refute`.

    Example: lodestamp review OP --verdict approved --note "Looks right."
    """
    with open_to_write(context, create=False) as node:
        decided = node.review(outcome, verdict=verdict, note=note)
        offer = f"it stands; to take it back: lodestamp refute {outcome} --reason …"
        more = (offer,) if verdict == "rejected" else ()
        _tell(node, decided, *more, as_json=as_json)


def _tell(node: Node, decided: Decided, *more: str, as_json: bool) -> None:
    state = decided.state.value
    lines = (f"decision   {state}", *more)
    tell_recorded(node, decided, lines, as_json=as_json, state=state)
