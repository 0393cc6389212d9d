"""Verbs about witnesses: being one for other logs, and asking them about one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import DONE, REFUSED, UNAVAILABLE, print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.serve import serving

if TYPE_CHECKING:
    from lodestamp.node.anchors import Submitted

witness = typer.Typer(name="witness", help="Cosign other logs, and have yours cosigned.")

_EXITS: Final = {"cosigned": DONE, "away": UNAVAILABLE, "behind": UNAVAILABLE}
"""Every other state is a witness that refused, lied, or knows more of our log than we do."""


@witness.command()
def serve(
    context: typer.Context,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes any free one.")
    ] = "127.0.0.1:8470",
    *,
    as_json: Json = False,
) -> None:
    """Serve the witness that your home is, and nothing else, until interrupted.

    Example: lodestamp log witness serve --listen 127.0.0.1:8471
    """
    with serving(context, listen, ["witness"], as_json=as_json) as node:
        vkeys = [vkey.text() for vkey in node.public.witness.vkeys]
        if not as_json:
            for vkey in vkeys:
                say(f"witness    {vkey}")


@witness.command()
def add(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="The name of a log.")],
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The key it signs with.")],
    *,
    as_json: Json = False,
) -> None:
    """Witness a log from now on: cosign its checkpoints as long as it only grows.

    Example: lodestamp log witness add log.example/a log.example/a+5025dc6e+AYE5...
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.core.transparency import parse_vkey  # noqa: PLC0415

    key = parse_vkey(vkey)
    with lodestamp.open(context.obj) as node:
        added = node.public.witness.add_log(origin, key)
        own = [each.text() for each in node.public.witness.vkeys]
    vkeys = [each.text() for each in added.vkeys]
    if as_json:
        print_json({"origin": origin, "vkeys": vkeys, "size": added.state.size, "witness": own})
        return
    say(f"log      {origin}, last cosigned at size {added.state.size}")
    for each in vkeys:
        say(f"key      {each}")
    for each in own:
        say(f"witness  {each}")


@witness.command()
def submit(context: typer.Context, *, as_json: Json = False) -> int:
    """Show your newest checkpoint to the witnesses of config.toml, now.

    Example: lodestamp log witness submit
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj, create=False) as node:
        if not node.configuration.witnesses:
            hint = '[witnesses] in config.toml: "https://w1.example/witness" = ["VKEY"]'
            raise UsageError("no witness is named", code="no-witnesses", hint=hint)
        with node.public.witness_client() as client:
            results = client.submit()
    for each in results:
        _show(each, as_json=as_json)
    codes = {_EXITS.get(each.state, REFUSED) for each in results}
    return REFUSED if REFUSED in codes else max(codes)


def _show(each: Submitted, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "url": each.url,
                "size": each.size,
                "state": each.state,
                "names": list(each.names),
                "detail": each.detail,
            }
        )
        return
    why = ", ".join(each.names) or each.detail
    say(f"{each.state:<9}  size {each.size}  {each.url}  {why}")
