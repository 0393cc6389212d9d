"""What an extraction would write, checked whole before the first byte is (content spec R126).

Names, sizes and symlinks are judged here, without a disk; `Extractor` only writes what passed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.content import (
    ENTRIES_MAX,
    NESTING_DEPTH_MAX,
    Budget,
    Get,
    Kind,
    Stat,
    ls,
    stat,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import LimitExceeded, PathError

FILE_NAME_MAX: Final = 255
"""Bytes of a name that is written to disk; common file systems store no longer one."""
LINK_HOPS_MAX: Final = 40
"""Symlinks followed while a target is judged, as many as Linux follows."""
_DIRECTORIES: Final = frozenset({Kind.DIRECTORY, Kind.SHARDED})

Names = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to write: its path below the root (none for the root itself) and what it is."""

    path: Names
    stat: Stat


def outline(get: Get, root: Cid, *, size_max: int, case_blind: bool = False) -> list[Item]:
    """Return everything below a root, each folder before what is in it.

    PathError ``path.unsafe-name`` for a name that is no single segment, ``path.collision`` for a
    name that comes twice (on a case-blind disk also after folding), ``path.symlink-escape``,
    ``path.not-a-file`` for a block that is none of UnixFS; LimitExceeded ``limit.output-bytes`` for
    the declared sizes, ``limit.depth``, ``limit.entries``; errors as `stat` and `ls`.
    """
    items: list[Item] = []
    waiting: list[tuple[Names, Cid]] = [((), root)]
    size = 0
    while waiting:
        path, cid = waiting.pop()
        found = stat(get, cid)
        items.append(Item(path, found))
        if found.kind in {Kind.PLAIN, Kind.OPAQUE}:
            raise PathError(f"{cid} is neither file nor folder", code="path.not-a-file")
        size += found.size
        if size > size_max:
            what = "the number of bytes extracted"
            raise LimitExceeded(what, size_max, size, code="limit.output-bytes")
        if found.kind in _DIRECTORIES:
            if len(path) >= NESTING_DEPTH_MAX:
                what = "the number of folders within folders"
                raise LimitExceeded(what, NESTING_DEPTH_MAX, len(path) + 1, code="limit.depth")
            links = list(ls(get, cid, Budget(entries=ENTRIES_MAX)))
            names = [link.name or b"" for link in links]
            _check_names(names, case_blind=case_blind)
            below = [((*path, n), link.cid) for n, link in zip(names, links, strict=True)]
            waiting.extend(reversed(below))
        met = len(items) + len(waiting)  # folders of millions within each other must not pile up
        if met > ENTRIES_MAX:
            what = "the number of entries extracted"
            raise LimitExceeded(what, ENTRIES_MAX, met, code="limit.entries")
    _check_symlinks(items)
    return items


def _check_names(names: Sequence[bytes], *, case_blind: bool) -> None:
    seen: set[str] = set()
    for name in names:
        text = check_file_name(name)
        folded = _folded(text) if case_blind else text
        if folded in seen:
            raise PathError(f"two entries are written as {text!r}", code="path.collision")
        seen.add(folded)


def check_file_name(name: bytes) -> str:
    """Return a name as text if it can be written as one segment; else PathError (R126)."""
    if name in (b"", b".", b"..") or len(name) > FILE_NAME_MAX or set(name) & set(b"/\\\0"):
        raise PathError(f"{name[:80]!r} is never written to disk", code="path.unsafe-name")
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise PathError(f"the name {name!r} is not UTF-8", code="path.not-utf8") from None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _check_symlinks(items: Sequence[Item]) -> None:
    targets = {
        item.path: item.stat.target or b"" for item in items if item.stat.kind == Kind.SYMLINK
    }
    for path, target in targets.items():
        if _escapes(path[:-1], target, targets):
            shown = b"/".join(path).decode("utf-8", "replace")
            message = f"the symlink {shown!r} leads out: {target[:80]!r}"
            raise PathError(message, code="path.symlink-escape")


def _escapes(folder: Names, target: bytes, targets: dict[Names, bytes]) -> bool:
    """Follow a target through the other symlinks, as the kernel would; tell if it leaves."""
    at = list(folder)
    rest = target.split(b"/")[::-1]
    if not target or target.startswith(b"/") or b"\0" in target:
        return True
    hops = 0
    while rest:
        segment = rest.pop()
        if segment in (b"", b"."):
            continue
        if segment == b"..":
            if not at:
                return True
            at.pop()
            continue
        at.append(segment)
        onward = targets.get(tuple(at))
        if onward is None:
            continue
        hops += 1
        if hops > LINK_HOPS_MAX or onward.startswith(b"/"):
            return True
        at.pop()
        rest.extend(onward.split(b"/")[::-1])
    return False
