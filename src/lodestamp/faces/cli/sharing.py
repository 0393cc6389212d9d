"""Verbs that carry content between nodes: `content push`, `pull`, `ipns` and `serve`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lodestamp.core.encoding import Cid
from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json, report_error
from lodestamp.faces.cli.keeping import NoProgress
from lodestamp.faces.cli.options import Json, open_to_write
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar
from lodestamp.faces.cli.serve import serving
from lodestamp.faces.cli.values import parse_span

if TYPE_CHECKING:
    from lodestamp.core.content import IpnsRecord
    from lodestamp.node.blocks import Carried, GiveBlock, GiveDag

ipns = typer.Typer(name="ipns", help="Say under a key's name where content stands now.")

_NS: Final = 1_000_000_000
Kubo = Annotated[
    str | None, typer.Option("--kubo", metavar="URL", help="The RPC of a kubo; see config.toml.")
]
Root = Annotated[str, typer.Argument(metavar="CID", help="The root of what is carried.")]


def add_verbs(content: typer.Typer) -> None:
    """Put these verbs beside the others of `content`."""
    verbs: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("push", push),
        ("pull", pull),
        ("serve", serve),
    )
    for name, verb in verbs:
        content.command(name)(verb)
    content.add_typer(ipns)


def push(
    context: typer.Context,
    root: Root,
    *,
    kubo: Kubo = None,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Send a whole DAG into a kubo, where it is pinned, and compare what arrived.

    Example: lodestamp content push bafkqaaa --kubo http://127.0.0.1:5001
    """
    from lodestamp.node.blocks import DEFAULT_KUBO, KuboClient  # noqa: PLC0415
    from lodestamp.node.blocks import push as push_dag  # noqa: PLC0415

    cid = Cid.parse(root)
    with open_to_write(context, create=False) as node:
        url = kubo or node.configuration.kubo or DEFAULT_KUBO
        with KuboClient(url) as client, progress_bar("sending", shown=not no_progress) as bar:
            done = push_dag(node.blocks, cid, client, progress=bar)
    _show_carried(done, "pushed", as_json=as_json)


def pull(
    context: typer.Context,
    root: Root,
    *,
    gateway: Annotated[
        list[str] | None,
        typer.Option("--gateway", metavar="URL", help="A trustless gateway; may be repeated."),
    ] = None,
    kubo: Kubo = None,
    pin: Annotated[bool, typer.Option("--pin", help="Keep it.")] = False,
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="The pin's name.")] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", metavar="N", min=0, help="Fetch no more.")
    ] = None,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Fetch a whole DAG from gateways or a kubo, every block hashed; nobody is believed.

    Example: lodestamp content pull bafkqaaa --gateway http://127.0.0.1:8470 --pin
    """
    from lodestamp.core.content import OUTPUT_BYTES_MAX  # noqa: PLC0415
    from lodestamp.node.blocks import GatewayClient, KuboClient  # noqa: PLC0415
    from lodestamp.node.blocks import pull as pull_dag  # noqa: PLC0415

    cid = Cid.parse(root)
    if gateway and kubo:
        raise UsageError("--gateway and --kubo are two ways", hint="choose one")
    with ExitStack() as stack:
        node = stack.enter_context(open_to_write(context))
        bar = stack.enter_context(progress_bar("fetching", shown=not no_progress))
        gateways = gateway or ([] if kubo else node.configuration.gateways)
        url = kubo or node.configuration.kubo
        give_dag: GiveDag
        give_block: GiveBlock
        if gateways:
            asked = stack.enter_context(GatewayClient(gateways))
            give_dag, give_block = asked.car_of, asked.block
        elif url is not None:
            client = stack.enter_context(KuboClient(url))
            give_dag, give_block = client.dag_export, client.block_get
        else:
            hint = "--gateway URL or --kubo URL, or name them in config.toml"
            raise UsageError("nobody to ask", code="no-source", hint=hint)
        done = pull_dag(
            node.blocks,
            cid,
            give_dag,
            give_block,
            pin=pin,
            name=name,
            bytes_max=OUTPUT_BYTES_MAX if max_bytes is None else max_bytes,
            progress=bar,
        )
    _show_carried(done, "pulled", as_json=as_json)


def _show_carried(done: Carried, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(done.as_json())
    else:
        say(f"{what}  {done.cid}")
        say(f"{done.blocks:,} blocks, {done.bytes:,} bytes, {done.new_blocks:,} new")


def serve(
    context: typer.Context,
    *,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes any free one.")
    ] = "127.0.0.1:8080",
    ipns_dir: Annotated[
        Path | None,
        typer.Option("--ipns-dir", metavar="DIR", help="Take NAME.ipns-record files from here."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve the blocks of this home as a trustless gateway, and nothing else.

    Example: lodestamp content serve --listen 127.0.0.1:0
    """
    with serving(context, listen, ["ipfs"], as_json=as_json) as node:
        if ipns_dir is not None:
            for refused in node.ipns_records.take_folder(ipns_dir):
                report_error(refused, as_json=False)


@ipns.command("create")
def create(
    context: typer.Context,
    *,
    value: Annotated[str, typer.Option("--value", metavar="PATH", help="Such as /ipfs/CID.")],
    sequence: Annotated[
        int, typer.Option("--sequence", metavar="N", min=0, help="More than the last one's.")
    ],
    key: Annotated[
        str | None, typer.Option("--key", metavar="K", help="A key id, DID or name of yours.")
    ] = None,
    lifetime: Annotated[
        str, typer.Option("--lifetime", metavar="SPAN", help="How long it holds.")
    ] = "48h",
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="SPAN", help="How long it may be cached.")
    ] = "5m",
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write it here too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign a record, keep it, and so serve it.

    Example: lodestamp content ipns create --value /ipfs/bafkqaaa --sequence 1
    """
    from lodestamp.core.content import ipns as records  # noqa: PLC0415
    from lodestamp.node.whole import write_whole  # noqa: PLC0415

    with open_to_write(context) as node:
        signer = node.identities.signer(key or node.key_id)
        name = records.name_of(signer.public_key)
        record = records.create(
            signer,
            value.encode(),
            sequence=sequence,
            validity_ns=time.time_ns() + parse_span(lifetime) * _NS,
            ttl_ns=parse_span(ttl) * _NS,
        )
        standing = node.ipns_records.put(name, record)
    if out is not None:
        write_whole(out, record)
    if standing.encoded != record:
        raise UsageError(
            f"a record of sequence {standing.sequence} is here already and stands",
            code="ipns.older",
            hint=f"--sequence {standing.sequence + 1}",
        )
    _show_record(name, standing, as_json=as_json)


@ipns.command("verify")
def verify(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as k51…")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The record.")],
    *,
    as_json: Json = False,
) -> None:
    """Check a record under a name, now.

    Example: lodestamp content ipns verify k51… k51….ipns-record
    """
    from lodestamp.core.content import ipns as records  # noqa: PLC0415
    from lodestamp.node.blocks import read_record  # noqa: PLC0415

    _show_record(name, records.verify(name, read_record(file), time.time_ns()), as_json=as_json)


@ipns.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as k51…")],
    *,
    as_json: Json = False,
) -> None:
    """Tell what a name stands for here.

    Example: lodestamp content ipns show k51…
    """
    from lodestamp.errors import IpnsError  # noqa: PLC0415

    with open_to_write(context, create=False) as node:
        record = node.ipns_records.get(name)
    if record is None:
        raise IpnsError(f"no record of {name} holds here now", code="ipns.absent")
    _show_record(name, record, as_json=as_json)


def _show_record(name: str, record: IpnsRecord, *, as_json: bool) -> None:
    value = record.value.decode("utf-8", "backslashreplace")
    if as_json:
        print_json(
            {
                "name": name,
                "value": value,
                "sequence": record.sequence,
                "validity": record.validity,
                "ttl_ns": record.ttl_ns,
            }
        )
        return
    say(f"name      {name}")
    say(f"value     {value}")
    say(f"sequence  {record.sequence}")
    say(f"validity  {record.validity}")
