"""Options of every verb that turns files into a DAG, and the profile they choose."""

from __future__ import annotations

from typing import Annotated

import typer

from lodestamp.core.content import HASH_NAMES, LayoutName, get_profile, parse_chunker
from lodestamp.core.content import Profile as ContentProfile
from lodestamp.errors import UsageError

Chunker = Annotated[
    str | None,
    typer.Option("--chunker", metavar="S", help="size-N; with --experimental buzhash or rabin."),
]
MaxLinks = Annotated[
    int | None, typer.Option("--max-links", metavar="N", help="Children of a file node.")
]
RawLeaves = Annotated[
    bool | None,
    typer.Option("--raw-leaves/--no-raw-leaves", help="Leaves as they are, without framing."),
]
CidVersion = Annotated[int | None, typer.Option("--cid-version", metavar="V", help="0 or 1.")]
HashName = Annotated[
    str | None, typer.Option("--hash", metavar="H", help="One of " + ", ".join(HASH_NAMES) + ".")
]
Layout = Annotated[LayoutName | None, typer.Option("--layout", help="How leaves become a tree.")]
Experimental = Annotated[
    bool, typer.Option("--experimental", help="Allow the chunkers buzhash and rabin.")
]
Hidden = Annotated[
    bool, typer.Option("--hidden", help="Entries whose name starts with a dot, too.")
]
NoEmptyDirs = Annotated[bool, typer.Option("--no-empty-dirs", help="Leave empty folders out.")]
PreserveMode = Annotated[
    bool, typer.Option("--preserve-mode", help="Keep modes; leaves are framed then.")
]
PreserveMtime = Annotated[
    bool, typer.Option("--preserve-mtime", help="Keep modification times; leaves are framed then.")
]


def chosen_profile(
    name: str,
    *,
    chunker: str | None = None,
    max_links: int | None = None,
    raw_leaves: bool | None = None,
    cid_version: int | None = None,
    hash_name: str | None = None,
    layout: LayoutName | None = None,
    experimental: bool = False,
) -> ContentProfile:
    """Return the named profile, or the custom one that differs from it in what is given.

    UsageError for a hash function that no profile writes; ContentError ``profile.*`` and
    ``chunker.*`` for other choices that cannot be.
    """
    profile = get_profile(name, experimental=experimental)
    if hash_name is not None and hash_name not in HASH_NAMES:
        raise UsageError(f"--hash is one of {', '.join(HASH_NAMES)}")
    if {chunker, max_links, raw_leaves, cid_version, hash_name, layout} == {None}:
        return profile
    return profile.override(
        chunker=None if chunker is None else parse_chunker(chunker, experimental=experimental),
        max_links=max_links,
        raw_leaves=raw_leaves,
        cid_version=cid_version,
        hash_code=None if hash_name is None else HASH_NAMES[hash_name],
        layout=layout,
    )
