"""The verb that listens: every route the node has, on one address."""

from __future__ import annotations

from typing import Annotated

import typer

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say


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
    as_json: Json = False,
) -> None:
    """Serve your node to its peers until interrupted.

    Example: lodestamp serve --listen 127.0.0.1:0 --mount sync
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.faces.http import (  # noqa: PLC0415
        Listener,
        choose_mounts,
        make_application,
        parse_address,
    )

    mounts, address = choose_mounts(mount or ()), parse_address(listen)
    with lodestamp.open(context.obj) as node:
        listener = Listener.bind(address)
        hosts = listener.address.names | set(node.configuration.hosts)
        application = make_application(node, mounts, hosts)
        names = [each.name for each in mounts]
        if as_json:
            print_json({"listen": str(listener.address), "mounts": names})
        else:
            say(f"listening  http://{listener.address}")
            say(f"mounts     {', '.join(names)}")
        listener.run(application)
