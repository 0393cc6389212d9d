"""Verbs about OpenTimestamps files: `ots export`, `ots verify`, `ots info`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import typer

from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.files import refuse_target, write_result
from lodestamp.faces.cli.options import Json, Network
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

ots = typer.Typer(name="ots", help="Timestamps for and from other OpenTimestamps clients.")

_EXTENSION: Final = ".ots"
_OPERATION: Final = ".operation.json"
File = Annotated[Path, typer.Argument(metavar="F.ots", help="A timestamp file.")]


@ots.command()
def export(
    proof: Annotated[Path, typer.Argument(metavar="FILE", help="A .proof.json file.")],
    *,
    from_: Annotated[
        str,
        typer.Option("--from", metavar="operation|content", help="What the timestamp is about."),
    ] = "operation",
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="F", help="The file it is about; F.ots is beside it."),
    ] = None,
    network: Network = "main",
    force: Annotated[bool, typer.Option("--force", help="Overwrite.")] = False,
    as_json: Json = False,
) -> None:
    """Write a proof's way to Bitcoin as a .ots file, which stock clients can upgrade and verify.

    It is about the operation, which is written beside it, or about the content, which must be
    yours already and have its SHA-256 in the operation (`stamp --sha256`).

    Example: lodestamp ots export report.pdf.proof.json
    """
    from lodestamp.core.encoding import canonical_json  # noqa: PLC0415
    from lodestamp.core.operations import parse_op  # noqa: PLC0415
    from lodestamp.core.proof import to_ots  # noqa: PLC0415
    from lodestamp.core.timestamps import encode_detached  # noqa: PLC0415
    from lodestamp.node.verifying import read_proof  # noqa: PLC0415

    if from_ not in {"operation", "content"}:
        raise UsageError("--from is operation or content")
    from_content = from_ == "content"
    document = read_proof(proof)
    detached = to_ots(document, network=network, from_content=from_content)
    about = out or _about(proof, from_content=from_content)
    target = about.with_name(about.name + _EXTENSION)
    refuse_target(target, force=force)
    if not from_content:
        block = parse_op(canonical_json(document.subject.operation)).block
        if not (about.is_file() and about.read_bytes() == block):
            write_result(about, block, force=force)
    encoded = encode_detached(detached)
    write_result(target, encoded, force=force)
    if as_json:
        print_json(
            {
                "about": str(about),
                "ots": str(target),
                "digest": detached.digest.hex(),
                "ops": detached.timestamp.depth,
                "size": len(encoded),
            }
        )
        return
    if not from_content:
        say(f"wrote {about}, the operation")
    say(f"wrote {target} ({len(encoded):,} bytes), the timestamp of {about}")


def _about(proof: Path, *, from_content: bool) -> Path:
    from lodestamp.core.proof import EXTENSION  # noqa: PLC0415

    name = proof.name.removesuffix(EXTENSION)
    if from_content and name == proof.name:
        raise UsageError("which file is it about?", hint="-o names it; the .ots is beside it")
    return proof.with_name(name if from_content else name + _OPERATION)


@ots.command()
def verify(
    context: typer.Context,
    path: File,
    target: Annotated[
        Path | None,
        typer.Argument(metavar="TARGET", help="The file it is about; default: F, if it is there."),
    ] = None,
    *,
    headers: Annotated[
        Path | None,
        typer.Option("--headers", metavar="FILE", help="Headers of 80 bytes, or in hex."),
    ] = None,
    first: Annotated[
        int | None,
        typer.Option(
            "--from", metavar="HEIGHT", min=0, help="Of its first header; default: the attested."
        ),
    ] = None,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="HASH:HEIGHT", help="A block you trust.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="URL", help="Ask this node; sim:, bitcoind://, btcd://."),
    ] = None,
    network: Network = "main",
    as_json: Json = False,
) -> int:
    """Check a timestamp file by headers or a node. Exit: 0 established, 1 refuted, 2 unknown.

    Example: lodestamp ots verify report.pdf.ots --chain bitcoind://127.0.0.1:8332
    """
    from lodestamp.core.bitcoin import network_named  # noqa: PLC0415
    from lodestamp.core.proof import BitcoinTrust, FindRun  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.bitcoin_values import headers_in, pin_in  # noqa: PLC0415
    from lodestamp.faces.cli.ots_words import established  # noqa: PLC0415
    from lodestamp.faces.cli.words import print_legs  # noqa: PLC0415
    from lodestamp.node import timestamp_files as files  # noqa: PLC0415

    if headers is not None and chain is not None:
        raise UsageError("--headers and --chain are two ways; choose one")
    network_named(network)
    pins = MappingProxyType(dict(pin_in(each) for each in pin or ()))
    with ExitStack() as stack:
        best = None
        find: FindRun = _no_headers
        if chain is not None:
            best = files.ChainHeaders(stack.enter_context(closing(open_chain(context, chain))))
            find, network = best.run_from, best.network.name
        elif headers is not None:
            find = files.run_in(headers_in(headers), first, files.read_timestamp(path))
        bar = stack.enter_context(progress_bar("reading the file"))
        verdict = files.verify_timestamp(
            path,
            target or files.target_of(path),
            find,
            network=network,
            bitcoin=BitcoinTrust(network=network, pins=pins),
            headers=best,
            progress=bar,
        )
    if as_json:
        print_json(verdict.as_json())
    else:
        print_legs(verdict, path, established)
        if any(leg.code == "time.no_header" for leg in verdict.legs):
            say("  hint: --headers FILE or --chain URL brings the header")
    return verdict.exit_code


def _no_headers(_height: int) -> tuple[()]:
    return ()


@ots.command("info")
def tell(path: File, *, as_json: Json = False) -> None:
    """Tell what a timestamp file says, step by step, without judging it.

    Example: lodestamp ots info report.pdf.ots
    """
    from lodestamp.core.timestamps import parse_detached  # noqa: PLC0415
    from lodestamp.faces.cli.ots_words import describe_timestamp, lines_of  # noqa: PLC0415
    from lodestamp.node.timestamp_files import read_timestamp  # noqa: PLC0415

    detached = parse_detached(read_timestamp(path))
    if as_json:
        print_json(describe_timestamp(detached))
    else:
        say("\n".join(lines_of(detached)))
