"""From a stamped file to its time: handing a checkpoint to calendars, and waiting for a block."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.errors import UsageError
from lodestamp.faces.cli.bitcoin import open_chain
from lodestamp.faces.cli.plain import plain

if TYPE_CHECKING:
    from lodestamp import Node, Proof
    from lodestamp.node.chains import ChainSource

POLL_S: Final = 15.0
"""Seconds between two looks for a block while somebody waits."""
POLL_NEAR_S: Final = 1.0
"""The same where all calendars are on this machine."""

Calendar = Annotated[
    list[str] | None,
    typer.Option("--calendar", metavar="URL", help="Ask this calendar too; may be repeated."),
]


Headers = Annotated[
    str | None,
    typer.Option("--chain", metavar="URL", help="Where block headers are read; see `bitcoin`."),
]


class Wait(StrEnum):
    """What a verb that records waits for."""

    NONE = "none"
    LOG = "log"
    FINAL = "final"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Stamped:
    """What was stamped, where its proof goes, and the proof."""

    path: Path
    target: Path
    proof: Proof


class Waiting:
    """Says on standard error, once each, why a block is still missing."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def tell(self, reasons: dict[str, str]) -> None:
        """Tell what is new among the reasons."""
        for uri, reason in reasons.items():
            line = f"waiting    {uri}: {plain(reason)}"
            if line not in self._said:
                self._said.add(line)
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()


@contextmanager
def followed_chain(
    context: typer.Context, node: Node, url: str | None
) -> Iterator[ChainSource | None]:
    """Read the block headers of a chain into the home, and give the chain; None without one."""
    if url is None:
        yield None
        return
    with closing(open_chain(context, url)) as source:
        node.calendars.follow(source)
        yield source


def require_calendars(named: Sequence[str], wait: Wait = Wait.LOG) -> None:
    """Refuse, before anything is recorded, what names no calendar or cannot be waited for.

    UsageError ``bad-calendar`` or ``ledger``.
    """
    if wait is Wait.FINAL:
        hint = "--wait log, or --wait time"
        raise UsageError("this home has no ledger that could be final", code="ledger", hint=hint)
    if named:
        from lodestamp.node.anchors import parse_uri  # noqa: PLC0415

        for each in named:
            parse_uri(each)


def require_one(node: Node, named: Sequence[str], wait: Wait) -> None:
    """Refuse to wait for a block where no calendar was named; UsageError ``calendar-count``."""
    if wait is Wait.TIME and not node.calendars.uris(named):
        hint = "--calendar URL names one, or `[calendars]` in config.toml"
        raise UsageError("no calendar is named to wait for", code="calendar-count", hint=hint)


def timed_proofs(
    node: Node,
    stamped: Sequence[Stamped],
    named: Sequence[str],
    wait: Wait,
    source: ChainSource | None = None,
) -> list[Stamped]:
    """Hand the newest checkpoint to calendars, and return the proofs under it with their promises.

    With ``none`` it is only noted that it is to go there. With ``time`` it lasts until each proof
    is anchored in a block. Without any calendar the proofs come back as they were.
    """
    calendars = node.calendars
    if not stamped or not calendars.uris(named):
        return list(stamped)
    size = calendars.newest_size
    if wait is Wait.NONE:
        calendars.note(named, size=size)
        return list(stamped)
    calendars.submit(named, size=size)
    timed = [replace(each, proof=calendars.anchored(each.proof, size)) for each in stamped]
    if wait is Wait.TIME:
        return [
            replace(each, proof=wait_for_block(node, each.proof, named, source)) for each in timed
        ]
    return timed


def wait_for_block(
    node: Node, proof: Proof, named: Sequence[str], source: ChainSource | None
) -> Proof:
    """Ask again and again until a proof is anchored in a block, and return it then.

    Headers are read from `source`; without one, somebody else must bring them.
    """
    waiting = Waiting()
    pause = POLL_NEAR_S if node.calendars.all_near(named) else POLL_S
    while True:
        if source is not None:
            node.calendars.follow(source)
        upgraded = node.calendars.upgrade(proof, named)
        if upgraded.is_complete:
            return upgraded.proof
        waiting.tell(upgraded.pending)
        time.sleep(pause)


def pending_uris(proof: Proof) -> list[str]:
    """Return the calendars whose promises a proof carries, where it has no block yet."""
    from lodestamp.node.calendars import promised_by  # noqa: PLC0415

    return promised_by(proof)
