"""The verbs of ownership that tell what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.core.verdict import EXIT_CODES, Status
from lodestamp.errors import SourceError
from lodestamp.faces.cli.exits import DONE, print_json
from lodestamp.faces.cli.files import refuse_target, write_result
from lodestamp.faces.cli.options import Json, Profile
from lodestamp.faces.cli.ownership import Store, opened_store, require_rules
from lodestamp.faces.cli.plain import brief, say

if TYPE_CHECKING:
    from lodestamp.node.scanner import Comparison, View

At = Annotated[
    int | None, typer.Option("--at", min=0, metavar="HEIGHT", help="Answer as of this block.")
]
Confirmations = Annotated[
    int,
    typer.Option("--confirmations", min=1, metavar="N", help="Answer as of the tip - N + 1."),
]
Sha1 = Annotated[str, typer.Argument(metavar="SHA1", help="The work: the SHA-1 of its file.")]


@contextmanager
def viewing(
    context: typer.Context, store: str | None, at: int | None, confirmations: int = 1
) -> Iterator[View]:
    """Look at the store as of a block; OwnershipError ``halted`` once a scan was stopped."""
    from lodestamp.node.scanner import View  # noqa: PLC0415

    with opened_store(context, store) as opened:
        yield View.of(opened, at=at, confirmations=confirmations)


def show(
    context: typer.Context,
    sha1: Sha1,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="F", help="Also tell whether this is the work.")
    ] = None,
    profile: Profile = DEFAULT,
    store: Store = None,
    at: At = None,
    confirmations: Confirmations = 1,
    as_json: Json = False,
) -> int:
    """Tell everything about a work: who registered it, and what happened since.

    With --file the exit code is that of the link: 0 established, 1 refuted, 2 unknown.

    Example: lodestamp ownership show da39a3ee5e6b4b0d3255bfef95601890afd80709 --file song.flac
    """
    from lodestamp.faces.cli.progress import progress_bar  # noqa: PLC0415
    from lodestamp.node.scanner import read_digests  # noqa: PLC0415

    digests = None
    if file is not None:
        with progress_bar(f"reading {file.name}") as bar:
            digests = read_digests(file, profile=profile, progress=bar)
    with viewing(context, store, at, confirmations) as view:
        found = view.show(sha1, digests)
    code = EXIT_CODES[Status(found["link"]["status"])] if file else DONE
    if as_json:
        print_json(found)
        return code
    registration = found["registration"]
    say(f"work        {found['sha1']}")
    say(f"registrant  {registration['address'] or 'nobody'}")
    say(f"registered  block {registration['height']:,}, transaction {registration['txid']}")
    for name, value in registration["meta"].items():
        if name != "ipfs" or found["link"]["raw_cid"] is None:
            say(f"  {brief(name, 40):<10} {brief(value)}")
    _print_link(found["link"], file)
    say(f"as of       block {found['height']:,} {found['block_hash']}")
    print_table("holders", ("address", "units", "percent"), _holder_rows(found))
    _print_transfers(found["transfers"])
    _print_flows(found)
    return code


def _print_link(link: dict[str, Any], file: Path | None) -> None:
    """Print what the registration says of the file's bytes, and whether a file has them."""
    raw = link["raw_cid"]
    say(f"digest      {'no SHA-256 is registered' if raw is None else f'{raw}, of the raw bytes'}")
    if file is None:
        return
    reason = f": {link['reason']}" if link["reason"] else ""
    say(f"this file   {link['status'].upper()}{reason}")
    if link["same_block"]:
        say("  its DAG is that one raw block, so the digest is also its CID")
    else:
        say(f"  its CID is {link['root_cid']}; by the digest alone nobody can fetch it")


def cap_table(
    context: typer.Context,
    sha1: Sha1,
    *,
    store: Store = None,
    at: At = None,
    confirmations: Confirmations = 1,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Also draw it, into this file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the drawing.")] = False,
    as_json: Json = False,
) -> None:
    """Tell who holds how much of a work.

    Example: lodestamp ownership cap-table da39a3ee5e6b4b0d3255bfef95601890afd80709
    """
    from lodestamp.faces.cli.ownership_chart import draw_cap_table  # noqa: PLC0415

    if svg is not None:
        refuse_target(svg, force=force)
    with viewing(context, store, at, confirmations) as view:
        found = view.cap_table(sha1)
    if svg is not None:
        write_result(svg, draw_cap_table(found).encode(), force=force)
    if as_json:
        print_json(found)
        return
    title = f"{sha1} as of block {found['height']:,}"
    print_table(title, ("address", "units", "percent"), _holder_rows(found))


def balance(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who holds.")],
    sha1: Annotated[str | None, typer.Argument(metavar="SHA1", help="Only this work.")] = None,
    *,
    store: Store = None,
    at: At = None,
    confirmations: Confirmations = 1,
    as_json: Json = False,
) -> None:
    """Tell what an address holds.

    Example: lodestamp ownership balance mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn
    """
    with viewing(context, store, at, confirmations) as view:
        found = view.balances(address, sha1)
    if as_json:
        print_json(found)
        return
    rows = [(row["sha1"], f"{row['amount']:,}") for row in found["balances"]]
    print_table(f"{address} as of block {found['height']:,}", ("work", "units"), rows)


def tips(
    context: typer.Context,
    sha1: Sha1,
    *,
    store: Store = None,
    at: At = None,
    confirmations: Confirmations = 1,
    as_json: Json = False,
) -> None:
    """Tell the tips of a work, and what its registrant passed on.

    Example: lodestamp ownership tips da39a3ee5e6b4b0d3255bfef95601890afd80709
    """
    with viewing(context, store, at, confirmations) as view:
        found = view.tips(sha1)
    if as_json:
        print_json(found)
        return
    _print_flows(found)


def dividends(
    context: typer.Context,
    sha1: Sha1,
    *,
    view_name: Annotated[
        str,
        typer.Option("--view", metavar="V", help="owed_e8, or as published: classic, classic_e8."),
    ] = "owed_e8",
    store: Store = None,
    at: At = None,
    confirmations: Confirmations = 1,
    as_json: Json = False,
) -> None:
    """Tell what the registrant still owes each holder out of the tips.

    Example: lodestamp ownership dividends da39a3ee5e6b4b0d3255bfef95601890afd80709
    """
    with viewing(context, store, at, confirmations) as view:
        found = view.dividends(sha1, view_name)
    if as_json:
        print_json(found)
        return
    in_satoshi = view_name == "classic"
    rows = [
        (address, repr(amount) if in_satoshi else _satoshis(int(amount)))
        for address, amount in found["dividends"].items()
    ]
    print_table(f"{sha1}, {view_name}", ("address", "satoshi"), rows)
    if not in_satoshi or not rows:
        return
    say("as published; it says what is owed only where the registrant holds half: --view owed_e8")


def effects(
    context: typer.Context,
    height: Annotated[int, typer.Argument(metavar="H", min=0, help="The block.")],
    *,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Tell what a block changed, and which operations in it were refused and why.

    Example: lodestamp ownership effects 800000
    """
    with viewing(context, store, height) as view:
        found = view.effects()
    if as_json:
        print_json(found)
        return
    say(f"block     {found['height']:,} {found['block_hash']}")
    for name in ("tips", "payments"):
        for each in found[name]:
            say(f"{name[:-1]:<9} {each['sha1']}  {each['amount']:,} sat to {each['to']}")
    for op in found["ops"]:
        if op["op"] == "r":
            say(f"register  {op['sha1']}  by {op['address'] or 'nobody'}")
        else:
            say(f"transfer  {op['sha1']}  {op['value']:,} from {op['from']} to {op['to']}")
    for each in found["rejected"]:
        say(f"refused   {each['txid']}  {each['reason']}")


def state_hash(
    context: typer.Context,
    height: Annotated[
        int | None, typer.Argument(metavar="H", min=0, help="The block; the tip by default.")
    ] = None,
    *,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Print the hash of everything up to a block: equal hashes are equal states.

    Example: lodestamp ownership state-hash 800000
    """
    with viewing(context, store, height) as view:
        found = view.state_hash()
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        say(f"{name.replace('_', ' '):<14} {value}")


def compare(
    context: typer.Context,
    *,
    other: Annotated[
        str | None, typer.Option("--with", metavar="URL", help="Another scanner's store.")
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--with-file", metavar="F", help="Lines: height, block hash, state hash."),
    ] = None,
    store: Store = None,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Find the first block at which another scan differs; exit 1 when one does.

    Example: lodestamp ownership compare --with-file hashes.txt
    """
    from lodestamp.errors import UsageError  # noqa: PLC0415
    from lodestamp.node.scanner import StateEngine  # noqa: PLC0415

    if (other is None) == (listed is None):
        raise UsageError("compare with one thing: --with URL or --with-file F")
    with opened_store(context, store) as opened:
        ours = StateEngine(None, opened, require_rules(opened))
        if listed is not None:
            found = ours.compare(_listed_hashes(listed), at)
        else:
            with opened_store(context, other) as their_store:
                theirs = StateEngine(None, their_store, require_rules(their_store))
                found = ours.compare(theirs, at)
        _show_comparison(found, ours, as_json=as_json)
    return 0 if found.equal else 1


def _listed_hashes(path: Path) -> Any:
    from lodestamp.node.scanner import ListedHashes  # noqa: PLC0415

    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            return ListedHashes.parse(lines)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _show_comparison(found: Comparison, ours: Any, *, as_json: bool) -> None:
    from lodestamp.node.scanner import effect_document  # noqa: PLC0415

    sides = {
        name: None if effect is None else effect_document(effect, ours.address)
        for name, effect in (("ours", found.ours), ("theirs", found.theirs))
    }
    if as_json:
        print_json({"equal": found.equal, "height": found.height, **sides})
        return
    if found.equal:
        say(f"equal up to block {found.height:,}")
        return
    say(f"DIFFERENT from block {found.height:,} on")
    for name, effect in sides.items():
        if effect is not None:
            counts = (f"{len(effect[kind])} {kind}" for kind in ("ops", "tips", "payments"))
            say(f"{name:<7} {effect['block_hash']}  {', '.join(counts)}")


def print_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under heads, as wide as they need; columns of numbers to the right."""
    shown = [tuple(brief(cell) for cell in row) for row in rows]
    say(title)
    if not shown:
        say("  none")
        return
    columns = list(zip(*shown, strict=True))
    are_numbers = [all(map(_is_number, column)) for column in columns]
    widths = [max(map(len, (head, *each))) for head, each in zip(heads, columns, strict=True)]
    for row in (tuple(heads), *shown):
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, are_numbers, strict=True)
        ]
        say("  " + "  ".join(cells).rstrip())


_is_number = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?").fullmatch


def _holder_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (row["address"] or "nobody", f"{row['amount']:,}", row["percent"])
        for row in found["holders"]
    ]


def _print_transfers(transfers: Sequence[dict[str, Any]]) -> None:
    rows = [
        (each["from"], each["to"], f"{each['value']:,}", f"{each['sat']:,}", f"{each['height']:,}")
        for each in transfers
    ]
    print_table("transfers", ("from", "to", "units", "satoshi", "block"), rows)


def _print_flows(found: dict[str, Any]) -> None:
    for name in ("tips", "payments"):
        rows = [
            (each["txid"], each["to"], f"{each['amount']:,}", f"{each['height']:,}")
            for each in found[name]
        ]
        print_table(name, ("transaction", "to", "satoshi", "block"), rows)


def _satoshis(amount_e8: int) -> str:
    """Return 1e-8 satoshi as satoshi, exactly.

    >>> _satoshis(2_201_625_000_000), _satoshis(-50)
    ('22016.25', '-0.0000005')
    """
    whole, rest = divmod(abs(amount_e8), 100_000_000)
    text = f"{whole}.{rest:08d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount_e8 < 0 else text


def add_verbs(ownership: typer.Typer) -> None:
    """Put these verbs under ``ownership``."""
    for verb in (show, cap_table, balance, tips, dividends, effects, state_hash, compare):
        ownership.command(name=verb.__name__.replace("_", "-"))(verb)
