"""Placing: what of a DAG may be written to a disk, and where (content spec R126).

Nothing is written here. Names and targets come from strangers, so each is checked before its entry
comes out, and symlinks come last: nothing is ever written through one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lodestamp.core.content.block import USUAL_BUDGET, Budget, Get, Meter
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.reader import Kind, Stat, ls, stat
from lodestamp.core.content.tree import check_name
from lodestamp.core.content.walk import check_depth
from lodestamp.core.encoding import Cid
from lodestamp.errors import PathError

FILE_NAME_SIZE_MAX: Final = 255
"""Bytes of one name on the file systems that are used."""
_DIRECTORIES: Final = frozenset((Kind.DIRECTORY, Kind.SHARDED))


@dataclass(frozen=True, slots=True)
class Place:
    """An entry and its path below the target, as safe names; the root has none."""

    path: tuple[bytes, ...]
    stat: Stat


def place(
    get: Get, root: Cid, budget: Budget = USUAL_BUDGET, *, case_blind: bool = False
) -> Iterator[Place]:
    """Yield directories and files depth first, each directory before its entries; then symlinks.

    PathError: ``path.unsafe-name`` (empty, ``.``, ``..``, with ``/``, a backslash or NUL),
    ``path.not-utf8``, ``path.name-too-long`` over 255 bytes, ``path.symlink-escape`` for a target
    that is absolute or could lead out of the root, ``path.collision`` for names that are one on a
    `case_blind` disk (after NFC and case folding), ``path.not-a-file`` for what is neither file,
    directory nor symlink. LimitExceeded ``limit.depth``; errors as `ls`.
    """
    meter = Meter(budget)
    symlinks: list[Place] = []
    waiting: list[Iterator[tuple[tuple[bytes, ...], Cid]]] = [iter((((), root),))]
    while waiting:
        item = next(waiting[-1], None)
        if item is None:
            waiting.pop()
            continue
        meter.step()
        path, cid = item
        found = stat(get, cid)
        if found.kind == Kind.SYMLINK:
            _check_target(path, found.target or b"")
            symlinks.append(Place(path, found))
        elif found.kind == Kind.FILE:
            yield Place(path, found)
        elif found.kind in _DIRECTORIES:
            yield Place(path, found)
            check_depth(len(path), 0)
            links = _safe_links(get, cid, budget, case_blind=case_blind)
            waiting.append(_below(path, links))
        else:
            message = f"{cid} is neither file, directory nor symlink"
            raise PathError(message, code="path.not-a-file")
    yield from symlinks


def _below(
    path: tuple[bytes, ...], links: Iterable[PBLink]
) -> Iterator[tuple[tuple[bytes, ...], Cid]]:
    for link in links:
        yield (*path, link.name or b""), link.cid


def _safe_links(get: Get, cid: Cid, budget: Budget, *, case_blind: bool) -> list[PBLink]:
    """Return the entries of a directory when all their names can be written."""
    links = list(ls(get, cid, budget))
    spellings: set[str] = set()
    for link in links:
        name = link.name or b""
        check_file_name(name)
        spelling = unicodedata.normalize("NFC", name.decode()).casefold()
        if case_blind and spelling in spellings:
            message = f"two names are one on this disk: {name!r}"
            raise PathError(message, code="path.collision")
        spellings.add(spelling)
    return links


def check_file_name(name: bytes) -> None:
    """Refuse a name that is never written to disk; PathError as `place`."""
    if len(name) > FILE_NAME_SIZE_MAX:
        message = f"a name of {len(name):,} bytes, more than {FILE_NAME_SIZE_MAX}"
        raise PathError(message, code="path.name-too-long")
    if b"\\" in name:
        raise PathError(f"{name!r} is no name of a file", code="path.unsafe-name")
    check_name(name)


def _check_target(path: tuple[bytes, ...], target: bytes) -> None:
    """Refuse a target that could lead out of the root.

    It may climb first, at most to the root, and then only go down: after a name, which may be a
    symlink itself, a ``..`` leads anywhere.
    """
    segments = [segment for segment in target.split(b"/") if segment not in (b"", b".")]
    climbed = 0
    while climbed < len(segments) and segments[climbed] == b"..":
        climbed += 1
    leaves = target.startswith(b"/") or climbed >= max(len(path), 1)
    if leaves or b".." in segments[climbed:] or b"\0" in target or not target:
        message = f"the symlink {b'/'.join(path)[:200]!r} leads out of the root"
        raise PathError(message, code="path.symlink-escape")
