"""Telling what became of an operation of ours: recorded where, and with what effect."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.plain import brief, plain, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lodestamp import Node
    from lodestamp.core.operations import Change, Operation, Why
    from lodestamp.node.recorder import Recorded


def recorded_json(recorded: Recorded) -> dict[str, object]:
    """Return the members that every verb which records prints."""
    return {
        "op_id": recorded.op_id,
        "cid": str(recorded.cid),
        "log_index": recorded.log_index,
        "tree_size": recorded.tree_size,
        "status": recorded.status.value,
    }


def tell_recorded(
    node: Node, recorded: Recorded, lines: Iterable[str] = (), *, as_json: bool, **more: object
) -> None:
    """Print what was recorded, and on standard error if that is without effect."""
    if as_json:
        print_json({**recorded_json(recorded), **more})
    else:
        say(f"operation  {recorded.op_id}")
        if recorded.log_index is not None:
            say(f"log        index {recorded.log_index} of {recorded.tree_size}, {node.origin}")
        for line in lines:
            say(line)
    if recorded.log_index is not None:
        why = node.why(recorded.op_id)
        if why.status.word != "valid":
            sys.stderr.write(f"lodestamp: recorded, but {plain(reason_of(why))}\n")


def reason_of(why: Why) -> str:
    """Return a status with the codes of what is missing, in words."""
    codes = sorted({lack.code for lack in why.missing_authority})
    return f"{why.status.word}: {', '.join(codes)}" if codes else why.status.word


def changes_json(changes: Iterable[Change]) -> list[dict[str, str | None]]:
    """Return changes of status as JSON shows them."""
    return [
        {
            "op_id": change.op_id,
            "before": None if change.before is None else change.before.word,
            "after": change.after.word,
        }
        for change in changes
    ]


def change_lines(changes: Iterable[Change]) -> list[str]:
    """Return a line for each change of status."""
    lines = [
        f"affected   {change.op_id}: {change.before.word} -> {change.after.word}"
        for change in changes
        if change.before is not None
    ]
    return lines or ["affected   nothing"]


def label_of(op: Operation) -> str:
    """Return in a few words what an operation says."""
    body = op.body
    said = {
        "evidence": ("kind", "source"),
        "claim": ("subject", "predicate"),
        "attestation": ("subject", "predicate"),
        "refutation": ("reason",),
        "revocation": ("reason",),
        "receipt": ("statement",),
        "notice": ("state",),
        "confirm": ("reason",),
    }.get(op.type, ())
    return brief(" ".join(str(body[name]) for name in said), 60)
