"""The verb that listens: every route the node has, on one address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import plain, say

if TYPE_CHECKING:
    from lodestamp import Node


def serve(
    context: typer.Context,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes any free one.")
    ] = "127.0.0.1:8470",
    mount: Annotated[
        list[str] | None,
        typer.Option("--mount", metavar="NAME", help="Serve only this; may be repeated."),
    ] = None,
    *,
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="URL", help="Anchor meanwhile in this Bitcoin chain."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve your node to its peers until interrupted.

    With --chain it anchors what your own calendar promised, too.

    Example: lodestamp serve --listen 127.0.0.1:0 --mount sync
    """
    with serving(context, listen, mount or (), chain=chain, as_json=as_json):
        pass


@contextmanager
def serving(
    context: typer.Context,
    listen: str,
    names: Iterable[str],
    *,
    chain: str | None = None,
    as_json: bool,
) -> Iterator[Node]:
    """Open the home, let the caller prepare it, then serve mounts until interrupted.

    With no mount named, all of them; with `chain`, what waits is anchored there. A wrong name or
    address is refused before a home is made.
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.faces.cli.anchor import tell_event, tell_trouble  # noqa: PLC0415
    from lodestamp.faces.http import (  # noqa: PLC0415
        Listener,
        choose_mounts,
        make_application,
        parse_address,
    )
    from lodestamp.node.calendar_rounds import CalendarRounds  # noqa: PLC0415

    mounts, address = choose_mounts(names), parse_address(listen)
    with ExitStack() as stack:
        node = stack.enter_context(lodestamp.open(context.obj))
        yield node
        listener = Listener.bind(address)
        hosts = listener.address.names | set(node.configuration.hosts)
        application = make_application(node, mounts, hosts)
        if as_json:
            print_json({"listen": str(listener.address), "mounts": [each.name for each in mounts]})
        else:
            say(f"listening  http://{listener.address}")
            say(f"mounts     {', '.join(each.name for each in mounts)}")
        node.listen(_tell)
        if chain is not None:
            anchors = stack.enter_context(node.anchors(chain=chain, emit=tell_event))
            stack.enter_context(anchors.running(tell_trouble))
        if node.configuration.witnesses and any(each.name == "log" for each in mounts):
            stack.enter_context(node.public.witness_client()).start()
        stack.enter_context(CalendarRounds(node.calendars))
        listener.run(application)


def _tell(event: object) -> None:
    """Say on stderr what an operator must hear of at once (R25, R26)."""
    from lodestamp.node.anchors import LogForked, WitnessAhead  # noqa: PLC0415

    if isinstance(event, LogForked):
        how = "signed two roots" if event.convicts else "did not show that it only grew"
        typer.echo(f"log_fork: {plain(event.origin)} {how} at size {event.size}", err=True)
    elif isinstance(event, WitnessAhead):
        seen = f"has cosigned size {event.size}, this log has {event.own_size}"
        typer.echo(f"witness_ahead: {event.url} {seen}", err=True)
