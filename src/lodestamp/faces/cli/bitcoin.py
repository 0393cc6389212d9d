"""Verbs about a Bitcoin chain: the simulator, and what a node says."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.bitcoin_tx import tx
from lodestamp.faces.cli.bitcoin_values import addresses as address
from lodestamp.faces.cli.bitcoin_values import header, key, proof, proof_json, script
from lodestamp.faces.cli.bitcoin_words import hash_in
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Chain, Json
from lodestamp.faces.cli.plain import plain, say

if TYPE_CHECKING:
    from lodestamp.node.chains import ChainSource, SimulatedChain

bitcoin = typer.Typer(name="bitcoin", help="Look at Bitcoin, and simulate it.")
bitcoin.add_typer(tx, name="tx")
bitcoin.add_typer(script, name="script")
bitcoin.add_typer(address, name="address")
bitcoin.add_typer(header, name="header")
bitcoin.add_typer(proof, name="proof")
bitcoin.add_typer(key, name="key")


def open_chain(context: typer.Context, url: str) -> ChainSource:
    """Open the chain of ``--chain``; a bare ``sim:`` has its file in the home."""
    from lodestamp.node.chains import open_source  # noqa: PLC0415
    from lodestamp.node.folder import HomeFolder  # noqa: PLC0415

    folder = HomeFolder.locate(context.obj).path / "chain"
    return open_source(url, folder=folder, warn=_warn)


def _warn(text: str) -> None:
    sys.stderr.write(f"lodestamp: warning: {plain(text)}\n")


def open_simulator(context: typer.Context, url: str) -> SimulatedChain:
    """Open ``--chain`` where only the simulator can do what is asked; ChainUnsupported else."""
    from lodestamp.errors import ChainUnsupported  # noqa: PLC0415
    from lodestamp.node.chains import SimulatedChain  # noqa: PLC0415

    source = open_chain(context, url)
    if not isinstance(source, SimulatedChain):
        source.close()
        raise ChainUnsupported("this verb", "a real node")
    return source


@bitcoin.command()
def status(context: typer.Context, *, chain: Chain = "sim:", as_json: Json = False) -> None:
    """Print which chain it is, its tip, and which soft forks are active.

    Example: lodestamp bitcoin status --chain sim:
    """
    with closing(open_chain(context, chain)) as source:
        tip, deployments = source.tip(), dict(source.capabilities().deployments)
        network = str(source.network)
    backend = chain.partition(":")[0]
    if as_json:
        print_json(
            {
                "backend": backend,
                "network": network,
                "height": tip.height,
                "tip": tip.hash_display,
                "deployments": deployments,
            }
        )
        return
    say(f"backend  {backend}\nnetwork  {network}\nheight   {tip.height}")
    say(f"tip      {tip.hash_display}")
    for name, active in sorted(deployments.items()):
        say(f"{'active' if active else 'not yet':7}  {name}")


@bitcoin.command()
def simulate(
    context: typer.Context,
    *,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Loopback unless --i-know.")
    ] = "127.0.0.1:18443",
    chain: Chain = "sim:",
    cat: Annotated[bool, typer.Option("--cat/--no-cat", help="Whether OP_CAT is active.")] = True,
    ctv: Annotated[bool, typer.Option("--ctv/--no-ctv", help="Whether CTV is active.")] = True,
    i_know: Annotated[bool, typer.Option("--i-know", help="Listen off loopback.")] = False,
) -> None:
    """Serve the simulator's JSON-RPC until `stop` or an interrupt; the cookie lies in the home.

    Example: lodestamp bitcoin simulate --listen 127.0.0.1:18443
    """
    import time  # noqa: PLC0415

    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.faces.http import SimulatorServer  # noqa: PLC0415
    from lodestamp.node.chains import SimulatorRpc  # noqa: PLC0415
    from lodestamp.node.folder import HomeFolder  # noqa: PLC0415

    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"{listen!r} is no HOST:PORT")
    cookie = HomeFolder.locate(context.obj).path / "chain" / ".cookie"
    cookie.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_simulator(context, chain)) as source:
        for name, active in (("opcat", cat), ("checktemplateverify", ctv)):
            source.simulator.set_deployment(name, active=active)
        rpc = SimulatorRpc(source.simulator, lambda: int(time.time()))
        with SimulatorServer(rpc, host.strip("[]"), int(port), cookie, anywhere=i_know) as server:
            say(f"bitcoind://{host}:{server.port}?cookie={cookie}&network=regtest")
            server.wait()


@bitcoin.command()
def mine(
    context: typer.Context,
    count: Annotated[int, typer.Argument(metavar="N", min=0, help="How many blocks.")],
    *,
    to: Annotated[str | None, typer.Option("--to", metavar="ADDR", help="Who is paid.")] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Mine blocks with what waits; regtest and the simulator only.

    Example: lodestamp bitcoin mine 101
    """
    from lodestamp.core.bitcoin import decode_address  # noqa: PLC0415
    from lodestamp.node.chains import MINER_SCRIPT  # noqa: PLC0415

    with closing(open_chain(context, chain)) as source:
        paid = MINER_SCRIPT if to is None else decode_address(to, source.network)
        hashes = [each[::-1].hex() for each in source.mine(count, paid)]
        height = source.tip().height
    _show_blocks(hashes, height, as_json=as_json)


@bitcoin.command()
def reorg(
    context: typer.Context,
    *,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="Blocks that leave.")],
    replace: Annotated[
        int | None, typer.Option("--replace", metavar="M", min=0, help="Blocks that come instead.")
    ] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Replace the last blocks of the simulator by others; one more by default.

    Example: lodestamp bitcoin reorg --depth 2
    """
    with closing(open_simulator(context, chain)) as source:
        hashes = [each[::-1].hex() for each in source.simulator.reorg(depth, replace)]
        height = source.tip().height
    _show_blocks(hashes, height, as_json=as_json)


def _show_blocks(hashes: list[str], height: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"height": height, "blocks": hashes})
        return
    for each in hashes:
        say(each)
    say(f"height {height}")


@proof.command("make")
def make_proof(
    context: typer.Context,
    txid: Annotated[str, typer.Argument(metavar="TXID", help="A mined transaction.")],
    *,
    block: Annotated[str, typer.Option("--block", metavar="HASH", help="Its block.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="F", help="Where to write it.")
    ] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Write the proof that a block holds a transaction, as `proof check` reads it.

    Example: lodestamp bitcoin proof make TXID --block HASH -o tx.json
    """
    from lodestamp.faces.cli.files import write_result  # noqa: PLC0415

    with closing(open_chain(context, chain)) as source:
        found = source.inclusion(hash_in(txid), hash_in(block))
        text = proof_json(found, str(source.network))
    if out is None:
        say(text)
        return
    write_result(out, f"{text}\n".encode(), force=False)
    if as_json:
        depth = len(found.branch)
        print_json({"txid": txid, "block": block, "index": found.index, "depth": depth})
