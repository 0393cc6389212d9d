"""Verbs about content alone: `cid show`, `cid format`, `cid of`."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.core.encoding import Cid, Codec, HashCode
from lodestamp.errors import CidError, UsageError
from lodestamp.faces.cli.exits import print_json
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
from lodestamp.faces.cli.options import Json, Profile
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

cid = typer.Typer(name="cid", help="Compute, read and respell content addresses.")

_BASES = "bBkzfu"


@cid.command("show")
def show(
    text: Annotated[str, typer.Argument(metavar="CID", help="A CID in any base.")],
    *,
    as_json: Json = False,
) -> None:
    """Tell what a CID says: version, codec, hash function, digest, and its other spellings.

    Example: lodestamp cid show bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e
    """
    found = Cid.parse(text)
    told = {
        "cid": str(found),
        "version": found.version,
        "codec": _name_of(Codec, found.codec),
        "hash": _name_of(HashCode, found.hash_code),
        "digest": found.digest.hex(),
        "v0": _v0_of(found),
        "v1": str(found.to_v1()),
    }
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        if value is not None:
            say(f"{name:<8} {value}")


@cid.command("format")
def respell(
    text: Annotated[str, typer.Argument(metavar="CID", help="A CID in any base.")],
    *,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="B", help=f"The multibase prefix: one of {_BASES}."),
    ] = None,
    v0: Annotated[bool, typer.Option("--v0", help="As CIDv0: dag-pb and sha2-256 only.")] = False,
    v1: Annotated[bool, typer.Option("--v1", help="As CIDv1.")] = False,
    codec: Annotated[
        str | None, typer.Option("--codec", metavar="NAME", help="Under another codec, as CIDv1.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a CID in another base, version or codec; the digest stays.

    Example: lodestamp cid format QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH --v1 --base k
    """
    if v0 and (v1 or codec is not None):
        raise UsageError("--v0 goes with neither --v1 nor --codec")
    if base is not None and base not in tuple(_BASES):
        raise UsageError(f"--base is one of {', '.join(_BASES)}")
    found = Cid.parse(text)
    if codec is not None:
        found = Cid(1, _codec_named(codec), found.hash_code, found.digest)
    elif v0:
        found = found.to_v0()
    elif v1:
        found = found.to_v1()
    spelled = found.text(base)
    if as_json:
        print_json({"cid": spelled})
    else:
        say(spelled)


@cid.command("of")
def of(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file or folder.")],
    *,
    profile: Profile = DEFAULT,
    chunker: Chunker = None,
    max_links: MaxLinks = None,
    raw_leaves: RawLeaves = None,
    cid_version: CidVersion = None,
    hash_name: HashName = None,
    layout: Layout = None,
    experimental: Experimental = False,
    hidden: Hidden = False,
    no_empty_dirs: NoEmptyDirs = False,
    preserve_mode: PreserveMode = False,
    preserve_mtime: PreserveMtime = False,
    as_json: Json = False,
) -> None:
    """Print the CID a file or folder has, without recording anything.

    Example: lodestamp cid of report.pdf --profile unixfs-v0-2015
    """
    from lodestamp.node.blocks import TreeOptions  # noqa: PLC0415
    from lodestamp.node.stamping import address_path  # noqa: PLC0415

    chosen = chosen_profile(
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
        hidden=hidden,
        empty_folders=not no_empty_dirs,
        mode=preserve_mode,
        mtime=preserve_mtime,
    )
    with progress_bar(f"reading {path.name}") as bar:
        root = address_path(path, profile=chosen, tree=tree, progress=bar).root
    if not as_json:
        say(str(root.cid))
        return
    print_json(
        {
            "cid": str(root.cid),
            "path": str(path),
            "profile": root.profile,
            "size": root.size,
            "dag_size": root.dag_size,
            "blocks": root.blocks,
        }
    )


def _codec_named(name: str) -> Codec:
    for codec in Codec:
        if _spelled(codec) == name:
            return codec
    raise UsageError(f"--codec is one of {', '.join(map(_spelled, Codec))}")


def _name_of(kind: type[IntEnum], code: int) -> str:
    """Return the multicodec name of a code, or the code itself when it is unknown here."""
    return _spelled(kind(code)) if code in {each.value for each in kind} else f"0x{code:x}"


def _spelled(code: IntEnum) -> str:
    return code.name.lower().replace("_", "-")


def _v0_of(found: Cid) -> str | None:
    try:
        return str(found.to_v0())
    except CidError:
        return None
