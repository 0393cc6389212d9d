"""Verbs about anchors in Bitcoin: make them, pay for them, and keep the headers they rest on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.exits import DONE, UNAVAILABLE, print_json
from lodestamp.faces.cli.options import Chain, Json
from lodestamp.faces.cli.plain import plain, say

if TYPE_CHECKING:
    from lodestamp.errors import LodestampError
    from lodestamp.node.anchors import AnchorEvent, Anchors, CycleStatus

anchor = typer.Typer(name="anchor", help="Anchor your log in Bitcoin, and keep its headers.")
headers = typer.Typer(name="headers", help="Keep the headers of a Bitcoin chain.")
anchor.add_typer(headers)


def tell_event(event: AnchorEvent) -> None:
    """Print on stderr what an operator should know."""
    where = "" if event.cycle is None else f" (cycle {event.cycle})"
    sys.stderr.write(f"lodestamp: {event.kind}{where}: {plain(event.detail)}\n")


def tell_trouble(error: LodestampError) -> None:
    """Print on stderr why the chain could not be looked at."""
    sys.stderr.write(f"lodestamp: warning: {plain(error.message)}\n")


def _cycle_json(cycle: CycleStatus) -> dict[str, object]:
    return {
        "cycle": cycle.number,
        "state": str(cycle.state),
        "count": cycle.count,
        "txid": None if cycle.txid is None else cycle.txid[::-1].hex(),
        "fee": cycle.fee,
        "versions": cycle.versions,
        "height": cycle.height,
        "confirmations": cycle.confirmations,
    }


def _cycle_line(cycle: CycleStatus) -> str:
    txid = "no transaction yet" if cycle.txid is None else cycle.txid[::-1].hex()
    place = "" if cycle.height is None else f"  block {cycle.height:,} ({cycle.confirmations} deep)"
    fee = "" if cycle.fee is None else f"  fee {cycle.fee:,}"
    return f"cycle {cycle.number:<5} {cycle.state:6} {cycle.count:>7,}  {txid}{fee}{place}"


@anchor.command()
def status(context: typer.Context, *, chain: Chain = "sim:", as_json: Json = False) -> None:
    """Print the newest cycles, the coins, and what an operator should know.

    It tells what was read of the chain at the last look, and looks no further.

    Example: lodestamp anchor status
    """
    import lodestamp  # noqa: PLC0415

    with (
        lodestamp.open(context.obj, create=False) as node,
        node.anchors(chain=chain, emit=tell_event) as opened,
    ):
        found = opened.anchorer.status()
        network, address = str(opened.source.network), opened.anchorer.address
    if as_json:
        print_json(
            {
                "network": network,
                "address": address,
                "height": found.height,
                "waiting": found.waiting,
                "balance": found.balance,
                "coins": [
                    {"outpoint": str(each.outpoint), "value": each.value, "height": each.height}
                    for each in found.coins
                ],
                "cycles": [_cycle_json(each) for each in found.cycles],
                "events": [
                    {"at": each.at, "kind": each.kind, "cycle": each.cycle, "detail": each.detail}
                    for each in found.events
                ],
            }
        )
        return
    height = "nothing read yet" if found.height is None else f"{found.height:,}"
    say(f"network     {network}\nheight      {height}\naddress     {address}")
    say(f"balance     {found.balance:,} satoshis in {len(found.coins):,} coins")
    say(f"waiting     {found.waiting:,} commitments")
    for cycle in found.cycles:
        say(_cycle_line(cycle))
    for event in found.events:
        say(f"{event.kind}  {event.detail}")


@anchor.command()
def address(context: typer.Context, *, chain: Chain = "sim:", as_json: Json = False) -> None:
    """Print the address that coins for anchors are paid to; its key is made on first use.

    Example: lodestamp anchor address
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj) as node, node.anchors(chain=chain, emit=tell_event) as opened:
        found, network = opened.anchorer.address, str(opened.source.network)
    if as_json:
        print_json({"address": found, "network": network})
    else:
        say(found)


@anchor.command()
def now(
    context: typer.Context,
    *,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Until it is final; on the simulator, blocks are mined."),
    ] = False,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> int:
    """Anchor the newest checkpoint and all that waits, without waiting for the next cycle's time.

    Run again it goes on where it was. Exit code 2 while it is not final.

    Example: lodestamp anchor now --wait
    """
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj) as node, node.anchors(chain=chain, emit=tell_event) as opened:
        size, digest = node.anchor_newest(opened)
        _look(opened, digest, wait=wait)
        found = opened.anchorer.standing(digest)
    cycle = {} if found is None else _cycle_json(found)
    is_final = found is not None and found.state == "final"
    if as_json:
        print_json({"size": size, "digest": digest.hex(), "final": is_final, **cycle})
    else:
        say(f"checkpoint  size {size:,}\ndigest      {digest.hex()}")
        say("waiting     for coins" if found is None else _cycle_line(found))
    return DONE if is_final else UNAVAILABLE


def _look(opened: Anchors, digest: bytes, *, wait: bool) -> None:
    """Look once, or until the digest is in a final cycle or nothing can be done."""
    import time  # noqa: PLC0415

    from lodestamp.node.anchors import POLL_S  # noqa: PLC0415

    opened.anchorer.poll(is_forced=True)
    while wait:
        found = opened.anchorer.standing(digest)
        if found is not None and found.state == "final":
            return
        going_on = {str(each.state) for each in opened.anchorer.status().cycles} - {"final", "lost"}
        if found is None and not going_on:
            return
        if not opened.mine():
            time.sleep(POLL_S)
        opened.anchorer.poll(is_forced=True)


@anchor.command()
def sweep(
    context: typer.Context,
    to: Annotated[str, typer.Argument(metavar="TO", help="The address that is paid.")],
    *,
    fee_rate: Annotated[
        int | None,
        typer.Option("--fee-rate", metavar="R", min=1_000, help="Satoshis per 1,000 vB."),
    ] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Pay every coin of the anchor's key to an address, but those an anchor waits for.

    Example: lodestamp anchor sweep bc1p… --chain bitcoind://127.0.0.1:8332?cookie=F
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.core.bitcoin import decode_address  # noqa: PLC0415

    with (
        lodestamp.open(context.obj, create=False) as node,
        node.anchors(chain=chain, emit=tell_event) as opened,
    ):
        script = bytes(decode_address(to, opened.source.network))
        made = opened.anchorer.sweep(script, fee_rate=fee_rate)
    value = made.outputs[0].amount
    if as_json:
        print_json({"txid": made.txid_display, "value": value, "coins": len(made.inputs)})
    else:
        say(f"sent  {value:,} satoshis of {len(made.inputs):,} coins in {made.txid_display}")


@headers.command("import")
def import_headers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Headers of 80 bytes, in a row.")],
    *,
    start: Annotated[
        int, typer.Option("--from", metavar="H", min=0, help="The height of the first one.")
    ] = 0,
    network: Annotated[
        str | None,
        typer.Option("--network", metavar="N", help="main unless the home has another one's."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the headers of a file by every rule that needs no transactions, and keep them.

    Example: lodestamp anchor headers import headers.bin
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.faces.cli.progress import progress_bar  # noqa: PLC0415

    with (
        lodestamp.open(context.obj) as node,
        progress_bar("headers", shown=not as_json) as progress,
    ):
        store = node.header_store(network)
        added = store.import_file(file, start=start, progress=progress)
        tip, net = store.tip, str(store.network)
    if as_json:
        print_json({"added": added, "network": net, "height": tip.height, "tip": tip.hash_display})
    else:
        say(f"added    {added:,} headers of {net}\nheight   {tip.height:,}")
        say(f"tip      {tip.hash_display}")


@headers.command("serve")
def serve_headers(
    context: typer.Context,
    *,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Port 0 takes any free one.")
    ] = "127.0.0.1:14789",
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="URL", help="A node whose headers are followed meanwhile."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer the three calls that stock `ots verify` asks of a Bitcoin node, until interrupted.

    The cookie in the home says who may ask: `ots --bitcoin-node http://$(cat COOKIE)@HOST:PORT`.

    Example: lodestamp anchor headers serve --listen 127.0.0.1:14789
    """
    from contextlib import ExitStack  # noqa: PLC0415

    import lodestamp  # noqa: PLC0415
    from lodestamp.errors import ChainError  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.http import RpcServer, parse_address  # noqa: PLC0415
    from lodestamp.node.anchors import HEADER_RPC_BODY_MAX, POLL_S, HeaderRpc  # noqa: PLC0415

    place = parse_address(listen)
    with ExitStack() as stack:
        node = stack.enter_context(lodestamp.open(context.obj))
        source = None if chain is None else open_chain(context, chain)
        if source is not None:
            stack.callback(source.close)
        store = node.header_store(None if source is None else source.network.name)
        cookie = node.home / "headers.cookie"
        answer = HeaderRpc(store).handle
        server = RpcServer(
            answer, place.host, place.port, cookie=cookie, body_size_max=HEADER_RPC_BODY_MAX
        )
        stack.enter_context(server)
        where = str(type(place)(place.host, server.port))
        if as_json:
            print_json({"listen": where, "cookie": str(cookie)})
        else:
            say(f"listening  http://{where}\ncookie     {cookie}")
        while source is not None and not server.wait(0):
            try:
                store.follow(source)
            except ChainError as error:
                tell_trouble(error)
            server.wait(POLL_S)
        server.wait()
