"""Verbs about covenants: coins bound to content, on chains that enforce it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Chain, Json
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from lodestamp.core.covenants import CovenantVerdict, FundedCoin, Rules
    from lodestamp.node.chains import ChainSource, FileSigner
    from lodestamp.node.covenants import CovenantFile

covenant = typer.Typer(name="covenant", help="Coins bound to content, where the chain binds them.")

Key = Annotated[Path, typer.Option("--key", metavar="F", help="The key file that pays and signs.")]
Rate = Annotated[
    int | None, typer.Option("--fee-rate", metavar="R", min=1, help="Satoshis per 1,000 vB.")
]


@covenant.command("list")
def list_kinds(*, as_json: Json = False) -> None:
    """Print every kind, its parameters, and what a usual spend of it costs in virtual bytes.

    Example: lodestamp covenant list
    """
    from lodestamp.core.bitcoin import NUMS  # noqa: PLC0415
    from lodestamp.core.covenants import Kind, build, spend_vsize  # noqa: PLC0415
    from lodestamp.faces.cli.covenant_words import HELP  # noqa: PLC0415

    usual: dict[Kind, dict[str, object]] = {
        Kind.T1: {"content": bytes(480), "owner": NUMS},
        Kind.T2: {"root": bytes(32), "depth": 10, "owner": NUMS},
        Kind.T2B: {"root": bytes(32), "levels": [(3, 2), (2, 3)], "chunks": 6, "owner": NUMS},
        Kind.T3: {"template_hash": bytes(32)},
        Kind.T4: {"outputs_hash": bytes(32)},
        Kind.T5: {"owner": NUMS},
        Kind.T6: {"owner": NUMS},
    }
    for kind, (does, takes) in HELP.items():
        cost = spend_vsize(build(kind, **usual[kind]))
        if as_json:
            print_json({"kind": str(kind), "does": does, "params": takes, "vsize": cost})
        else:
            say(f"{kind!s:4} {cost:4} vB  {does}\n              {takes}")


@covenant.command()
def address(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="T1, T2, T2B, T3, T4, T5 or T6.")],
    *,
    params: Annotated[
        list[str] | None, typer.Option("--param", metavar="K=V", help="See `covenant list`.")
    ] = None,
    content: Annotated[
        Path | None, typer.Option("--content", metavar="FILE", help="What the kind is about.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="F", help="The owner's key file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where the covenant goes.")
    ] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Print a covenant's address, if the chain enforces it; -o keeps what its spend will need.

    Example: lodestamp covenant address T1 --content note.txt --key funds.wif -o note.covenant
    """
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.covenant_words import read_words  # noqa: PLC0415
    from lodestamp.faces.cli.files import read_file, write_result  # noqa: PLC0415
    from lodestamp.node.covenants import show_address  # noqa: PLC0415

    with closing(open_chain(context, chain)) as source:
        owner = None if key is None else _signer(key, source).xonly()
        about = None if content is None else read_file(content)
        made = read_words(kind, params or [], source.network, owner=owner, content=about)
        shown = show_address(source, made.covenant)
    if out is not None:
        write_result(out, made.encode(), force=False)
    cov = made.covenant
    if as_json:
        told = {"kind": str(cov.kind), "address": shown, "leaf": cov.leaf.hex()}
        print_json(told | {"script_pubkey": cov.script_pubkey.hex(), "network": made.network})
    else:
        say(shown)


@covenant.command()
def fund(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="ADDRESS|FILE", help="Where the coin goes.")],
    *,
    amount: Annotated[int, typer.Option("--amount", metavar="SATS", min=1, help="Its satoshis.")],
    key: Key,
    fee_rate: Rate = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Pay a coin into a covenant, on a chain that enforces it.

    Example: lodestamp covenant fund note.covenant --amount 100000 --key funds.wif
    """
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.node import covenants  # noqa: PLC0415

    with closing(open_chain(context, chain)) as source:
        signer = _signer(key, source)
        if Path(target).is_file():
            made = _covenant_in(Path(target), source)
            funded = covenants.fund(
                source,
                signer,
                made.covenant,
                amount,
                fee_rate=fee_rate,
                outputs=made.outputs,
                origin=made.origin,
            )
            txid = funded.tx.txid_display
        else:
            tx = covenants.pay_address(source, signer, target, amount, fee_rate=fee_rate)
            txid = tx.txid_display
    if as_json:
        print_json({"txid": txid, "amount": amount})
    else:
        say(txid)


@covenant.command()
def spend(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What `address -o` wrote.")],
    *,
    key: Key,
    root: Annotated[
        str | None, typer.Option("--root", metavar="HEX", help="T5 and T6: the next batch root.")
    ] = None,
    fee_rate: Rate = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan and judge, send nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where the proof goes.")
    ] = None,
    chain: Chain = "sim:",
    as_json: Json = False,
) -> None:
    """Spend a covenant's first coin: show what it demands, sign, judge, send.

    Example: lodestamp covenant spend note.covenant --key funds.wif -o note.bundle
    """
    from lodestamp.core.covenants import NextRoot, proof_bundle  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin_words import hex_in  # noqa: PLC0415
    from lodestamp.faces.cli.files import write_result  # noqa: PLC0415
    from lodestamp.node import covenants  # noqa: PLC0415

    with closing(open_chain(context, chain)) as source:
        made = _covenant_in(path, source)
        coin, block = _first_coin(source, made)
        done = covenants.spend(
            source,
            _signer(key, source),
            made.covenant,
            coin,
            reveal=made.reveal if root is None else NextRoot(hex_in(root)),
            outputs=made.outputs,
            fee_rate=fee_rate,
            send=not dry_run,
        )
        funding = source.inclusion(coin.outpoint.txid, block)
    bundle = proof_bundle(made.covenant, done.tx, done.spent, network=made.network, funding=funding)
    if out is not None:
        write_result(out, bundle.encode(), force=False)
    reused = [str(each.outpoint) for each in done.reused]
    if as_json:
        told = {"txid": done.tx.txid_display, "raw": done.tx.encode().hex(), "fee": done.fee}
        print_json(told | {"vsize": done.tx.vsize, "sent": not dry_run, "address_reuse": reused})
        return
    say(f"txid   {done.tx.txid_display}\nvsize  {done.tx.vsize} vB\nfee    {done.fee} satoshis")
    say("not sent" if dry_run else "sent")
    for each in reused:
        say(f"warning: address-reuse, {each} pays the same outputs again")


@covenant.command()
def check(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE|TXID:N", help="A proof, or an input.")],
    *,
    rules: Annotated[
        str, typer.Option("--rules", metavar="R", help="inquisition (CAT and CTV) or mainnet.")
    ] = "inquisition",
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="URL",
            help="Add to the proof the blocks that this chain has; an input is read from sim:.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Where the completed proof goes."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Judge the spend of a covenant, leg by leg, and say which rules that assumes.

    A proof is judged without any chain; --chain completes it once its spend is mined.

    Example: lodestamp covenant check note.bundle --chain sim: -o note.complete
    """
    from lodestamp.core.covenants import (  # noqa: PLC0415
        INQUISITION,
        MAINNET,
        decode_bundle,
        verify_bundle,
    )
    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.files import read_file, write_result  # noqa: PLC0415
    from lodestamp.node.covenants import completed  # noqa: PLC0415

    chosen = {"inquisition": INQUISITION, "mainnet": MAINNET}.get(rules)
    if chosen is None:
        raise UsageError(f"{rules!r} are no rules", hint="inquisition or mainnet")
    if Path(target).is_file():
        bundle = decode_bundle(read_file(Path(target)))
        if chain is not None:
            with closing(open_chain(context, chain)) as source:
                bundle = completed(source, bundle)
        if out is not None:
            write_result(out, bundle.encode(), force=False)
        verdict = verify_bundle(bundle, chosen)
    else:
        if out is not None:
            raise UsageError("only a proof is completed: --out wants its file")
        with closing(open_chain(context, chain or "sim:")) as source:
            verdict = _judge_input(source, target, chosen)
    if as_json:
        print_json(verdict.as_json())
    else:
        for leg in verdict.legs:
            say(f"{leg.status!s:12} {leg.name:16} {leg.basis or leg.detail}")
        say(f"{verdict.status}, assuming {verdict.rules}")
    return verdict.joined.exit_code


def _judge_input(source: ChainSource, target: str, rules: Rules) -> CovenantVerdict:
    from lodestamp.core.covenants import verify_spend  # noqa: PLC0415
    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin_words import hash_in  # noqa: PLC0415

    txid, colon, number = target.partition(":")
    if not colon or not number.isdecimal() or len(number) > 6:
        raise UsageError("neither a file nor TXID:N")
    tx = source.transaction(hash_in(txid))
    spent = [source.transaction(each.prevout.txid).outputs[each.prevout.vout] for each in tx.inputs]
    return verify_spend(tx, int(number), spent, rules)


def _covenant_in(path: Path, source: ChainSource) -> CovenantFile:
    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.faces.cli.files import read_file  # noqa: PLC0415
    from lodestamp.node.covenants import CovenantFile  # noqa: PLC0415

    made = CovenantFile.decode(read_file(path))
    if made.network != source.network.name:
        raise UsageError(f"the covenant is of {made.network}, the chain of {source.network}")
    return made


def _first_coin(source: ChainSource, made: CovenantFile) -> tuple[FundedCoin, bytes]:
    from lodestamp.core.covenants import FundedCoin  # noqa: PLC0415
    from lodestamp.errors import FundsError  # noqa: PLC0415

    for each in source.utxos_of(made.covenant.script_pubkey):
        block = source.block_hash(each.coin.height)
        if block is not None:
            return FundedCoin(each.outpoint, each.coin.output), block
    raise FundsError("the covenant has no confirmed coin", hint="fund it, and let it be mined")


def _signer(path: Path, source: ChainSource) -> FileSigner:
    from lodestamp.node.chains import FileSigner  # noqa: PLC0415

    return FileSigner(path, source.network)
