"""Verbs that change the block store: `content add`, `import`, `pin`, `gc`, and its `fsck`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.errors import LodestampError, UsageError
from lodestamp.faces.cli.exits import REFUSED, UNAVAILABLE, print_json, report_error
from lodestamp.faces.cli.importing import (
    Chunker,
    CidVersion,
    Experimental,
    HashName,
    Hidden,
    Layout,
    MaxLinks,
    NoEmptyDirs,
    PreserveMode,
    PreserveMtime,
    RawLeaves,
    chosen_profile,
)
from lodestamp.faces.cli.log import show_report
from lodestamp.faces.cli.options import Json, Profile
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp.core.content import Mtime
    from lodestamp.node.blocks import Added, BlockStore

content = typer.Typer(name="content", help="Keep, read, check and pass on content as blocks.")
pin = typer.Typer(name="pin", help="Say what is kept.")
content.add_typer(pin)

_STREAM_PIECE: Final = 1 << 20
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")]
Wrap = Annotated[bool, typer.Option("--wrap", help="Put all paths into one folder.")]
Dereference = Annotated[
    bool, typer.Option("--dereference", help="Follow a PATH that is a symlink.")
]
ModeGiven = Annotated[
    str | None, typer.Option("--mode", metavar="M", help="Store this octal mode everywhere.")
]
TimeGiven = Annotated[
    int | None, typer.Option("--mtime", metavar="T", help="Store this time, Unix seconds.")
]
NoCopy = Annotated[
    bool, typer.Option("--nocopy", help="Leave the bytes in their files; keep only where.")
]
OnlyHash = Annotated[bool, typer.Option("--only-hash", help="Compute, keep nothing.")]
NoPin = Annotated[bool, typer.Option("--no-pin", help="Do not pin.")]
PinName = Annotated[str | None, typer.Option("--name", metavar="N", help="The pin's name.")]
Quiet = Annotated[bool, typer.Option("-q", help="Print CIDs only.")]


@content.command("add")
def add(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Files and folders; - is standard input.")
    ],
    *,
    profile: Profile = DEFAULT,
    chunker: Chunker = None,
    max_links: MaxLinks = None,
    raw_leaves: RawLeaves = None,
    cid_version: CidVersion = None,
    hash_name: HashName = None,
    layout: Layout = None,
    experimental: Experimental = False,
    wrap: Wrap = False,
    hidden: Hidden = False,
    no_empty_dirs: NoEmptyDirs = False,
    dereference: Dereference = False,
    preserve_mode: PreserveMode = False,
    preserve_mtime: PreserveMtime = False,
    mode: ModeGiven = None,
    mtime: TimeGiven = None,
    nocopy: NoCopy = False,
    only_hash: OnlyHash = False,
    no_pin: NoPin = False,
    name: PinName = None,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Keep files and folders as blocks and print their CIDs.

    Example: lodestamp content add photos --wrap --name holiday
    """
    from lodestamp.node.blocks import Adder, AddOptions, TreeOptions  # noqa: PLC0415

    layout_profile = chosen_profile(
        profile,
        chunker=chunker,
        max_links=max_links,
        raw_leaves=raw_leaves,
        cid_version=cid_version,
        hash_name=hash_name,
        layout=layout,
        experimental=experimental,
    )
    tree = TreeOptions(
        hidden=hidden, empty_folders=not no_empty_dirs, mode=preserve_mode, mtime=preserve_mtime
    )
    options = AddOptions(
        tree=tree,
        mode=None if mode is None else _octal(mode),
        mtime=None if mtime is None else _time(mtime),
        dereference=dereference,
        wrap=wrap,
        nocopy=nocopy,
        pin=not no_pin,
        name=name,
    )
    stream = iter(lambda: sys.stdin.buffer.read(_STREAM_PIECE), b"")
    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar("adding", shown=not no_progress))
        store = None if only_hash else stack.enter_context(opened_store(context))
        for added in Adder(store, layout_profile, options).add(paths, bar, stream=stream):
            _show_added(added, quiet=quiet, as_json=as_json)


@contextmanager
def opened_store(context: typer.Context) -> Iterator[BlockStore]:
    """Open the home and its block store."""
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj) as node:
        yield node.blocks


def _show_added(added: Added, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(added.as_json())
    elif quiet:
        say(str(added.root.cid))
    else:
        say(f"added {added.root.cid} {added.path}\nprofile {added.root.profile}")


def _octal(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise UsageError(f"{text[:20]!r} is no octal mode", hint="such as 0644")
    return mode


def _time(seconds: int) -> Mtime:
    from lodestamp.core.content import Mtime  # noqa: PLC0415

    return Mtime(seconds)


@content.command("import")
def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE.car", help="CARs.")],
    *,
    no_pin_roots: Annotated[bool, typer.Option("--no-pin-roots", help="Pin nothing.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept roots whose DAG is not whole.")
    ] = False,
    all_blocks: Annotated[
        bool, typer.Option("--all-blocks", help="Keep blocks that no root reaches too.")
    ] = False,
    allow_zero_padding: Annotated[
        bool, typer.Option("--allow-zero-padding", help="Let a zero length end the file.")
    ] = False,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", metavar="N", help="Read no larger CAR.")
    ] = None,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> int:
    """Keep the blocks of CARs, each checked against its CID, and pin their roots.

    Example: lodestamp content import holiday.car
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.core.content import CarLimits  # noqa: PLC0415
    from lodestamp.node.blocks import import_car, unreadable  # noqa: PLC0415

    limits = CarLimits(allow_zero_padding=allow_zero_padding)
    if max_bytes is not None:
        limits = CarLimits(max_bytes, allow_zero_padding)
    worst = 0
    with lodestamp.open(context.obj) as node:
        for path in files:
            try:
                with (
                    path.open("rb") as file,
                    progress_bar(f"importing {path.name}", shown=not no_progress) as bar,
                ):
                    done = import_car(
                        node.blocks,
                        file,
                        limits=limits,
                        pin_roots=not no_pin_roots,
                        all_blocks=all_blocks,
                        size=path.stat().st_size,
                        progress=bar,
                    )
            except OSError as error:
                worst = max(worst, report_error(unreadable(path, error), as_json=as_json))
                continue
            except LodestampError as error:
                worst = max(worst, report_error(error, as_json=as_json))
                continue
            if as_json:
                print_json({"file": str(path), **done.as_json()})
            else:
                for root in done.roots:
                    state = "not whole, not pinned" if root in done.incomplete else "whole"
                    say(f"root {root} {state}")
                say(f"{done.blocks:,} blocks, {done.new_blocks:,} new, {done.extra:,} extra")
            if done.incomplete and not partial:
                worst = max(worst, UNAVAILABLE)
    return worst


@content.command("gc")
def gc(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    grace: Annotated[
        int, typer.Option("--grace", metavar="SECONDS", min=0, help="Spare what is younger.")
    ] = 3600,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Remove what no pin reaches.

    Example: lodestamp content gc --dry-run
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.node.blocks import collect_garbage  # noqa: PLC0415

    with (
        lodestamp.open(context.obj) as node,
        progress_bar("collecting", in_bytes=False, shown=not no_progress) as bar,
    ):
        done = collect_garbage(node.blocks, grace_ms=grace * 1000, dry_run=dry_run, progress=bar)
    if as_json:
        print_json(done.as_json())
        return
    for pack in done.packs:
        say(f"{pack.name}  {pack.live:,} of {pack.size:,} bytes live  {pack.done}")
    would = "would be removed" if dry_run else "removed"
    say(f"{done.removed_blocks:,} blocks, {done.removed_bytes:,} bytes {would}")


@content.command("fsck")
def fsck(context: typer.Context, *, no_progress: NoProgress = False, as_json: Json = False) -> int:
    """Audit the block store: packs, index, files and pins, each derived from bytes.

    Example: lodestamp content fsck --json
    """
    from lodestamp.node.fsck import audit_content  # noqa: PLC0415

    with progress_bar("auditing", shown=not no_progress) as bar:
        report = audit_content(context.obj, progress=bar)
    return show_report(report, as_json=as_json)


@pin.command("add")
def pin_add(
    context: typer.Context,
    cids: Annotated[list[str], typer.Argument(metavar="CID")],
    *,
    direct: Annotated[bool, typer.Option("--direct", help="The block alone.")] = False,
    name: PinName = None,
    as_json: Json = False,
) -> None:
    """Keep a DAG whose blocks are all here.

    Example: lodestamp content pin add bafkqaaa
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.core.encoding import Cid  # noqa: PLC0415
    from lodestamp.node.blocks import Pin  # noqa: PLC0415

    with lodestamp.open(context.obj) as node:
        for text in cids:
            set_pin = Pin(Cid.parse(text), "direct" if direct else "recursive", name)
            node.blocks.pin(set_pin)
            if as_json:
                print_json(set_pin.as_json())
            else:
                say(f"pinned {set_pin.cid} {set_pin.mode}")


@pin.command("rm")
def pin_rm(
    context: typer.Context,
    cids: Annotated[list[str], typer.Argument(metavar="CID")],
    *,
    as_json: Json = False,
) -> int:
    """Let a DAG go; `gc` removes what nothing else keeps.

    Example: lodestamp content pin rm bafkqaaa
    """
    import lodestamp  # noqa: PLC0415
    from lodestamp.core.encoding import Cid  # noqa: PLC0415
    from lodestamp.errors import PinError  # noqa: PLC0415

    worst = 0
    with lodestamp.open(context.obj) as node:
        for text in cids:
            cid = Cid.parse(text)
            try:
                node.blocks.unpin(cid)
            except PinError as error:
                report_error(error, as_json=as_json)
                worst = REFUSED
                continue
            if as_json:
                print_json({"cid": str(cid), "removed": True})
            else:
                say(f"unpinned {cid}")
    return worst


@pin.command("ls")
def pin_ls(context: typer.Context, *, as_json: Json = False) -> None:
    """List what is pinned.

    Example: lodestamp content pin ls --json
    """
    list_pins(context, as_json=as_json)


def list_pins(context: typer.Context, *, as_json: bool) -> None:
    """Print every pin of the home."""
    import lodestamp  # noqa: PLC0415

    with lodestamp.open(context.obj) as node:
        for each in node.blocks.pins():
            if as_json:
                print_json(each.as_json())
            else:
                say(f"{each.cid} {each.mode} {each.name or ''}".rstrip())
