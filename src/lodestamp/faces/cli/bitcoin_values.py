"""Verbs about Bitcoin's values alone: scripts, addresses, headers, proofs, keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.faces.cli.bitcoin_words import hash_in, hex_in, json_in
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.files import read_file
from lodestamp.faces.cli.options import Json, Network
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from lodestamp.core.bitcoin import BlockHeader, TxInclusion

script = typer.Typer(help="Scripts as text and as hex.")
addresses = typer.Typer(help="Addresses and the scripts they stand for.")
header = typer.Typer(help="Judge headers.")
proof = typer.Typer(help="Proofs that a block holds a transaction.")
key = typer.Typer(help="The key that funds and spends.")


_PROOF_MEMBERS: Final = {"tx", "index", "branch", "header", "network"}


@script.command("asm")
def script_asm(
    text: Annotated[str, typer.Argument(metavar="HEX")], *, as_json: Json = False
) -> None:
    """Print a script as text.

    Example: lodestamp bitcoin script asm 7ea87e87
    """
    from lodestamp.core.bitcoin import to_asm  # noqa: PLC0415

    _show("asm", to_asm(hex_in(text)), as_json=as_json)


@script.command("hex")
def script_hex(
    text: Annotated[str, typer.Argument(metavar="ASM")], *, as_json: Json = False
) -> None:
    """Print the bytes of a script in text.

    Example: lodestamp bitcoin script hex "CAT SHA256 <00> EQUAL"
    """
    from lodestamp.core.bitcoin import from_asm  # noqa: PLC0415

    _show("hex", from_asm(text).hex(), as_json=as_json)


@addresses.command("decode")
def address_decode(
    text: Annotated[str, typer.Argument(metavar="A")],
    *,
    network: Network = "regtest",
    as_json: Json = False,
) -> None:
    """Print the script an address stands for.

    Example: lodestamp bitcoin address decode bcrt1p... --network regtest
    """
    from lodestamp.core.bitcoin import decode_address, network_named  # noqa: PLC0415

    _show("script", decode_address(text, network_named(network)).hex(), as_json=as_json)


@addresses.command("encode")
def address_encode(
    *,
    text: Annotated[str, typer.Option("--script", metavar="HEX", help="An output script.")],
    network: Network = "regtest",
    as_json: Json = False,
) -> None:
    """Print the address of a script.

    Example: lodestamp bitcoin address encode --script 5120... --network main
    """
    from lodestamp.core.bitcoin import encode_address, network_named  # noqa: PLC0415

    _show("address", encode_address(hex_in(text), network_named(network)), as_json=as_json)


@header.command("check")
def check_header(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Headers of 80 bytes, or in hex.")],
    *,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="HASH:HEIGHT", help="A block you trust.")
    ] = None,
    floor: Annotated[
        int | None, typer.Option("--floor", metavar="BITS", min=0, max=255, help="2^BITS hashes.")
    ] = None,
    network: Network = "main",
    as_json: Json = False,
) -> int:
    """Judge the first header of a run by pins and by the work upon it.

    Example: lodestamp bitcoin header check run.bin --floor 82
    """
    from lodestamp.core.bitcoin import assess_run, network_named  # noqa: PLC0415
    from lodestamp.core.verdict import EXIT_CODES  # noqa: PLC0415

    pins = dict(pin_in(each) for each in pin or ())
    least = None if floor is None else 1 << floor
    verdict = assess_run(headers_in(path), pins, network_named(network), least)
    if as_json:
        pinned = None if verdict.pinned is None else verdict.pinned[::-1].hex()
        print_json(
            {
                "verdict": str(verdict.status),
                "code": verdict.code,
                "work_log2": round(verdict.work_log2, 2),
                "pinned": pinned,
                "height": verdict.height,
            }
        )
    else:
        say(f"{verdict.status}: {verdict.basis}")
    return EXIT_CODES[verdict.status]


@proof.command("check")
def check_proof(
    path: Annotated[Path, typer.Argument(metavar="FILE")], *, as_json: Json = False
) -> int:
    """Check that a block of this header holds the transaction; not that the chain has the block.

    Example: lodestamp bitcoin proof check tx.json
    """
    from lodestamp.core.bitcoin import check_inclusion  # noqa: PLC0415
    from lodestamp.errors import MalformedProof  # noqa: PLC0415

    found = _proof_in(path)
    try:
        txid: str | None = check_inclusion(found).txid_display
        code = ""
    except MalformedProof as error:
        txid, code = None, error.code
    if as_json:
        status = "refuted" if code else "established"
        block = found.header.hash_display
        print_json({"verdict": status, "code": code, "txid": txid, "block": block})
    else:
        say(f"refuted: {code}" if code else f"{txid} is in {found.header.hash_display}")
    return 1 if code else 0


@key.command("new")
def new_key(
    *,
    path: Annotated[Path, typer.Option("--file", metavar="F", help="The file to make.")],
    network: Network = "regtest",
    as_json: Json = False,
) -> None:
    """Make a key file of mode 0600 and print its public part.

    Example: lodestamp bitcoin key new --file funds.wif
    """
    from lodestamp.core.bitcoin import network_named  # noqa: PLC0415
    from lodestamp.node.chains import make_key_file  # noqa: PLC0415

    make_key_file(path, network_named(network))
    _show_key(path, network, as_json=as_json)


@key.command("show")
def show_key(
    *,
    path: Annotated[Path, typer.Option("--file", metavar="F", help="The key file.")],
    network: Network = "regtest",
    as_json: Json = False,
) -> None:
    """Print the public part of a key file: its address and its key in scripts.

    Example: lodestamp bitcoin key show --file funds.wif
    """
    _show_key(path, network, as_json=as_json)


def proof_json(found: TxInclusion, network: str) -> str:
    """Return a proof of inclusion as one line of JSON."""
    document = {
        "branch": [each.hex() for each in found.branch],
        "header": found.header.encode().hex(),
        "index": found.index,
        "network": network,
        "tx": found.tx_stripped.hex(),
    }
    return json.dumps(document, separators=(",", ":"))


def _show_key(path: Path, network: str, *, as_json: bool) -> None:
    from lodestamp.core.bitcoin import encode_address, network_named  # noqa: PLC0415
    from lodestamp.node.chains import FileSigner  # noqa: PLC0415

    net = network_named(network)
    signer = FileSigner(path, net)
    address = encode_address(b"\x51\x20" + signer.output_key(), net)
    if as_json:
        print_json({"address": address, "xonly": signer.xonly().hex(), "network": network})
    else:
        say(f"address  {address}\nkey      {signer.xonly().hex()}")


def _show(name: str, value: str, *, as_json: bool) -> None:
    if as_json:
        print_json({name: value})
    else:
        say(value)


def headers_in(path: Path) -> list[BlockHeader]:
    """Read headers of 80 bytes, or in hex; SourceError, MalformedBlock."""
    from lodestamp.core.bitcoin import HEADER_SIZE, BlockHeader  # noqa: PLC0415

    data = read_file(path)
    if data.strip() and not data.strip().strip(b"0123456789abcdefABCDEF"):
        data = hex_in(data.decode("ascii"))
    places = range(0, len(data), HEADER_SIZE)
    return [BlockHeader.decode(data[at : at + HEADER_SIZE]) for at in places]


def pin_in(text: str) -> tuple[bytes, int]:
    """Return the block hash, internal order, and height of HASH:HEIGHT; UsageError for others."""
    from lodestamp.errors import UsageError  # noqa: PLC0415

    block_hash, colon, height = text.partition(":")
    if not colon or not height.isdecimal() or not height.isascii() or len(height) > 9:
        raise UsageError("a pin is HASH:HEIGHT")
    return hash_in(block_hash), int(height)


def _proof_in(path: Path) -> TxInclusion:
    from lodestamp.core.bitcoin import BlockHeader, TxInclusion  # noqa: PLC0415
    from lodestamp.errors import MalformedProof  # noqa: PLC0415

    document = json_in(path)
    texts = ("tx", "header", "network")
    if (
        not isinstance(document, dict)
        or document.keys() != _PROOF_MEMBERS
        or not all(isinstance(document[name], str) for name in texts)
        or type(document["index"]) is not int
        or not isinstance(document["branch"], list)
        or not all(isinstance(each, str) for each in document["branch"])
    ):
        raise MalformedProof("format", f"{path} is no proof of inclusion")
    header = BlockHeader.decode(hex_in(document["header"]))
    branch = tuple(map(hex_in, document["branch"]))
    return TxInclusion(hex_in(document["tx"]), document["index"], branch, header)
