"""Verbs about keys and identities: `key new`, `list`, `show`, `rotate`, `deactivate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from lodestamp.node.identities import Identity

key = typer.Typer(name="key", help="Make and change the keys that sign for you.")

Named = Annotated[str, typer.Argument(metavar="KEY", help="A key id, a DID or a name.")]


@key.command()
def new(
    context: typer.Context,
    *,
    suite: Annotated[
        str, typer.Option("--suite", metavar="S", help="One of ed25519, mldsa65, hybrid.")
    ] = "ed25519",
    entity: Annotated[
        str, typer.Option("--entity", metavar="E", help="One of human, agent, org.")
    ] = "human",
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="DID", help="Whose it is; a hint only.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What you call it here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin an identity: a key in force, and the next one kept for its rotation.

    With LODESTAMP_PASSPHRASE set, the key files are sealed under it.

    Example: lodestamp key new --entity agent --name robot
    """
    with open_to_write(context) as node:
        made = node.identities.new(suite=suite, entity=entity, owner=owner, alias=name)
    _show(made, as_json=as_json)


@key.command(name="list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """Tell every identity and key that this home can sign for.

    Example: lodestamp key list
    """
    with open_to_write(context, create=False) as node:
        found = node.identities.all()
    for each in found:
        _show(each, as_json=as_json)


@key.command()
def show(context: typer.Context, named: Named, *, as_json: Json = False) -> None:
    """Tell the key in force of an identity, or a key alone.

    Example: lodestamp key show robot
    """
    with open_to_write(context, create=False) as node:
        found = node.identities.show(named)
    _show(found, as_json=as_json)


@key.command()
def rotate(
    context: typer.Context,
    named: Named,
    *,
    suite: Annotated[
        str | None, typer.Option("--suite", metavar="S", help="Of the key after next.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put an identity's next key in force, and keep a new one after it.

    Example: lodestamp key rotate robot
    """
    with open_to_write(context, create=False) as node:
        changed = node.identities.rotate(named, suite=suite)
    _show(changed, as_json=as_json)


@key.command()
def deactivate(context: typer.Context, named: Named, *, as_json: Json = False) -> None:
    """End an identity for ever.

    Example: lodestamp key deactivate robot
    """
    with open_to_write(context, create=False) as node:
        changed = node.identities.deactivate(named)
    _show(changed, as_json=as_json)


def _show(identity: Identity, *, as_json: bool) -> None:
    if as_json:
        print_json(identity.as_json())
        return
    say(f"key      {identity.key_id or 'none: deactivated'}")
    if identity.did is not None:
        say(f"DID      {identity.did}, event {identity.index}")
    if identity.did_key is not None:
        say(f"did:key  {identity.did_key}")
    for alias in identity.aliases:
        say(f"name     {alias}")
