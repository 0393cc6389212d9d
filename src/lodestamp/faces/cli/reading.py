"""Verbs that read the block store or a CAR: `content get`, `cat`, `ls`, `export`, `verify`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from lodestamp.core.content import (
    OUTPUT_BYTES_MAX,
    Block,
    Budget,
    ContentPath,
    Get,
    Kind,
    Scope,
    car,
    car_index,
    ls,
    parse_path,
    read,
    resolve,
    stat,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import StoreError, UsageError
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.files import is_stream, refuse_target
from lodestamp.faces.cli.keeping import NoProgress, list_pins, opened_store
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import plain, say
from lodestamp.faces.cli.progress import progress_bar
from lodestamp.faces.cli.spans import ByteSpan

_BLOCKS_KEPT: Final = 32
"""Blocks of a gateway held meanwhile, 64 MiB at most: resolving and reading ask for one again."""
_DIRECTORIES = frozenset({Kind.DIRECTORY, Kind.SHARDED})
Where = Annotated[str, typer.Argument(metavar="CID[/PATH]", help="What, and where in it.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="URL|FILE.car", help="Read blocks of this gateway or CAR instead."
    ),
]
Range = Annotated[
    str | None,
    typer.Option("--range", metavar="A:B", help="Bytes A to B, both included; * is the end."),
]
MaxBytes = Annotated[
    int, typer.Option("--max-bytes", metavar="N", min=0, help="Refuse more than this.")
]
Symlinks = Annotated[str, typer.Option("--symlinks", metavar="safe|skip", help="Make or skip.")]


def add_verbs(content: typer.Typer) -> None:
    """Put these verbs beside those that write."""
    verbs: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("get", get),
        ("cat", cat),
        ("ls", list_),
        ("export", export),
        ("verify", verify),
    )
    for name, verb in verbs:
        content.command(name)(verb)


@contextmanager
def _blocks_from(context: typer.Context, source: str | None) -> Iterator[Get]:
    """Give blocks of the gateway or the CAR that is named, else of the home."""
    from lodestamp.node.blocks import CarFile, GatewayClient  # noqa: PLC0415

    if source is None:
        with opened_store(context) as store:
            yield store.get
    elif "://" in source:
        with GatewayClient([source]) as gateway:
            yield lru_cache(maxsize=_BLOCKS_KEPT)(gateway.find_block)
    else:
        with CarFile.open(Path(source)) as file:
            yield file.get


def get(
    context: typer.Context,
    where: Where,
    *,
    out: Annotated[
        Path | None, typer.Option("-o", metavar="OUT", help="Default: the last name, or the CID.")
    ] = None,
    range_: Range = None,
    from_: From = None,
    max_bytes: MaxBytes = OUTPUT_BYTES_MAX,
    force: Annotated[bool, typer.Option("--force", help="Overwrite.")] = False,
    restore_mode: Annotated[
        bool, typer.Option("--restore-mode", help="Set stored modes, without setuid and sticky.")
    ] = False,
    symlinks: Symlinks = "safe",
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Write a file or folder to disk, every block hashed on the way.

    Example: lodestamp content get bafkqaaa -o empty.txt
    """
    from lodestamp.node.blocks import Extractor  # noqa: PLC0415

    path = parse_path(where)
    name = os.fsdecode(path.segments[-1]) if path.segments else str(path.root)
    target = out or Path(name)
    if range_ is not None:
        refuse_target(target, force=force)
        with _written_whole(target) as file:
            _write_bytes(context, path, file.write, span=range_, source=from_, max_bytes=max_bytes)
        return
    if symlinks not in {"safe", "skip"}:
        raise UsageError("--symlinks is safe or skip")
    with (
        _blocks_from(context, from_) as blocks,
        progress_bar(f"writing {target.name}", shown=not no_progress) as bar,
    ):
        cid = resolve(blocks, path.root, path.segments).cid
        extractor = Extractor(
            blocks,
            size_max=max_bytes,
            force=force,
            restore_mode=restore_mode,
            symlinks="skip" if symlinks == "skip" else "safe",
        )
        size = extractor.extract(cid, target, bar)
    if as_json:
        print_json({"cid": str(cid), "path": str(target), "size": size})
    else:
        say(f"wrote {target} ({size:,} bytes)")


def cat(
    context: typer.Context,
    where: Where,
    *,
    range_: Range = None,
    from_: From = None,
    max_bytes: MaxBytes = OUTPUT_BYTES_MAX,
) -> None:
    """Write a file's bytes to standard output, every block hashed on the way.

    Example: lodestamp content cat bafkqaaa
    """
    _write_bytes(
        context,
        parse_path(where),
        sys.stdout.buffer.write,
        span=range_ or "0:*",
        source=from_,
        max_bytes=max_bytes,
    )
    sys.stdout.buffer.flush()


def _write_bytes(
    context: typer.Context,
    path: ContentPath,
    write: Callable[[bytes], object],
    *,
    span: str,
    source: str | None,
    max_bytes: int,
) -> None:
    parsed = ByteSpan.parse(span)
    with _blocks_from(context, source) as blocks:
        cid = resolve(blocks, path.root, path.segments).cid
        start, end = parsed.within(stat(blocks, cid).size)
        for piece in read(blocks, cid, start, end, Budget(output_bytes=max_bytes)):
            write(piece)


def list_(
    context: typer.Context,
    where: Annotated[str | None, typer.Argument(metavar="[CID[/PATH]]")] = None,
    *,
    long: Annotated[bool, typer.Option("--long", help="Kind and size of each entry too.")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", help="Folders in folders too.")] = False,
    limit: Annotated[
        int | None, typer.Option("--max", metavar="N", min=0, help="Stop after N entries.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List a folder; without a CID, what is pinned.

    Example: lodestamp content ls QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn --long
    """
    if where is None:
        list_pins(context, as_json=as_json)
        return
    path = parse_path(where)
    with opened_store(context) as store:
        root = resolve(store.get, path.root, path.segments).cid
        for name, cid in islice(_entries(store.get, root, recursive=recursive), limit):
            told: dict[str, object] = {"name": name, "cid": str(cid)}
            if long:
                found = stat(store.get, cid)
                told |= {"kind": str(found.kind), "size": found.size}
            if as_json:
                print_json(told)
            elif long:
                say(f"{cid} {told['kind']:<17} {told['size']:>15,} {plain(name)}")
            else:
                say(f"{cid} {plain(name)}")


def _entries(get_block: Get, root: Cid, *, recursive: bool) -> Iterator[tuple[str, Cid]]:
    waiting = [("", ls(get_block, root))]
    while waiting:
        prefix, links = waiting[-1]
        link = next(links, None)
        if link is None:
            waiting.pop()
            continue
        name = prefix + os.fsdecode(link.name or b"")
        yield name, link.cid
        if recursive and stat(get_block, link.cid).kind in _DIRECTORIES:
            waiting.append((f"{name}/", ls(get_block, link.cid)))


def export(
    context: typer.Context,
    where: Where,
    *,
    out: Annotated[Path, typer.Option("-o", metavar="FILE.car", help="Where to.")],
    car_version: Annotated[
        int, typer.Option("--car-version", min=1, max=2, help="2 has an index.")
    ] = 1,
    scope: Annotated[Scope, typer.Option("--scope", help="How far below.")] = Scope.ALL,
    bytes_: Annotated[
        str | None, typer.Option("--bytes", metavar="A:B", help="Only what proves these bytes.")
    ] = None,
    dups: Annotated[bool, typer.Option("--dups", help="Repeat blocks that recur.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite.")] = False,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> None:
    """Write a DAG as a CAR; the same content and options give the same bytes.

    Example: lodestamp content export bafkqaaa -o empty.car
    """
    from lodestamp.node.blocks import export_blocks  # noqa: PLC0415

    path = parse_path(where)
    if not is_stream(out):
        refuse_target(out, force=force)
    elif car_version == 2:
        raise UsageError("a CAR of version 2 is written to a file, not to a stream")
    count = 0
    with ExitStack() as stack:
        store = stack.enter_context(opened_store(context))
        bar = stack.enter_context(progress_bar(f"exporting {out.name}", shown=not no_progress))
        span = None
        if bytes_ is not None:
            cid = resolve(store.get, path.root, path.segments).cid
            span = ByteSpan.parse(bytes_).within(stat(store.get, cid).size)
        chosen = export_blocks(store, path, scope=scope, span=span, repeated=dups)
        total = next((p.dag_size or 0 for p in store.pins() if p.cid == path.root), 0)
        done = 0

        def counted() -> Iterator[Block]:
            nonlocal count, done
            for block in chosen:
                count += 1
                done += len(block.data)
                if bar is not None:
                    bar(done, max(done, total))
                yield block

        size = _write_car(out, car_version, path.root, counted())
    if is_stream(out):
        return
    if as_json:
        told = {"cid": str(path.root), "path": str(out), "blocks": count, "size": size}
        print_json(told)
    else:
        say(f"exported {path.root} to {out} ({count:,} blocks, {size:,} bytes)")


@contextmanager
def _written_whole(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its name only when all of it was written; a stream as it is."""
    stream = is_stream(target)
    place = target if stream else target.with_name(f".{target.name}.part")
    try:
        with place.open("wb") as file:
            yield file
            if not stream:
                file.flush()
                os.fsync(file.fileno())
        if not stream:
            place.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror}", code="io") from error
    finally:
        if not stream:
            place.unlink(missing_ok=True)


def _write_car(out: Path, version: int, root: Cid, blocks: Iterator[Block]) -> int:
    """Write a CAR whole or not at all; return its size in bytes."""
    with _written_whole(out) as file:
        if version == 2:
            return car_index.write_v2([root], blocks, file)
        return sum(file.write(piece) for piece in car.write_v1([root], blocks))


def verify(
    context: typer.Context,
    where: Where,
    *,
    from_: From = None,
    bytes_: Annotated[
        str | None, typer.Option("--bytes", metavar="A:B", help="Only these bytes of a file.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="PATH", help="Is it this file or folder?")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Demand canonical dag-pb too.")] = False,
    no_progress: NoProgress = False,
    as_json: Json = False,
) -> int:
    """Check every block below a CID, from the home or a CAR; or find the file's profile.

    Example: lodestamp content verify bafkqaaa --from empty.car
    """
    from lodestamp.node.blocks import (  # noqa: PLC0415
        check_against,
        check_dag,
        check_range,
    )

    path = parse_path(where)
    if against is not None:
        if path.segments or from_ is not None or bytes_ is not None:
            raise UsageError("--against goes with a CID alone")
        with progress_bar(f"reading {against.name}", shown=not no_progress) as bar:
            checked = check_against(path.root, against, bar)
    else:
        with _blocks_from(context, from_) as blocks:
            if bytes_ is None:
                checked = check_dag(blocks, path, strict=strict)
            else:
                span = ByteSpan.parse(bytes_)
                checked = check_range(blocks, path, span.within)
    if as_json:
        print_json(checked.as_json())
        return checked.exit_code
    say(f"{str(checked.status).upper()}  {checked.cid}")
    say(f"  {checked.blocks:,} blocks, {checked.bytes:,} bytes checked")
    if checked.profile is not None:
        say(f"  profile {checked.profile}")
    for each in checked.defects:
        say(f"  {each.code}  {each.cid}: {each.detail}")
    for cid in checked.missing:
        say(f"  missing {cid}")
    return checked.exit_code
