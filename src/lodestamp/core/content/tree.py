"""Trees: what a source says of a folder, entry by entry, in depth-first order.

Every entry has its path below the root, as names. The folders on the way to an entry need not be
named; they are when they are empty or carry metadata. All entries of a folder stand together.

>>> str(File((b"docs", b"a.txt"), [b"hello"]).path[-1], "utf-8")
'a.txt'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lodestamp.core.content.limits import NAME_SIZE_MAX, PATH_SEGMENTS_MAX
from lodestamp.core.content.unixfs import NO_METADATA, Metadata, Mtime
from lodestamp.errors import LimitExceeded, PathError

_UNSAFE = frozenset((b"", b".", b".."))


@dataclass(frozen=True, slots=True)
class File:
    """A file, whose pieces are read when its turn comes."""

    path: tuple[bytes, ...]
    pieces: Iterable[bytes | memoryview]
    metadata: Metadata = NO_METADATA


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; the root is the one of the empty path. It comes before what is in it."""

    path: tuple[bytes, ...]
    metadata: Metadata = NO_METADATA


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symlink with its raw target, which nobody follows."""

    path: tuple[bytes, ...]
    target: bytes
    mtime: Mtime | None = None


TreeEntry = File | Folder | Symlink


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole folder, to be read once."""

    entries: Iterable[TreeEntry]


def check_path(path: tuple[bytes, ...]) -> None:
    """Refuse a path that no directory can hold: PathError ``path.unsafe-name`` ``path.not-utf8``.

    LimitExceeded beyond 256 names or 4,096 bytes of one name.
    """
    if len(path) > PATH_SEGMENTS_MAX:
        raise LimitExceeded(
            "the number of folders within folders",
            PATH_SEGMENTS_MAX,
            len(path),
            code="limit.depth",
        )
    for name in path:
        check_name(name)


def check_name(name: bytes) -> None:
    """Refuse a name that no directory can hold; errors as `check_path`."""
    if len(name) > NAME_SIZE_MAX:
        raise LimitExceeded("the size of a name in bytes", NAME_SIZE_MAX, len(name))
    if name in _UNSAFE or b"/" in name or b"\0" in name:
        raise PathError(f"{name!r} is no name of a file", code="path.unsafe-name")
    try:
        name.decode()
    except UnicodeDecodeError:
        raise PathError(f"the name {name!r} is not UTF-8", code="path.not-utf8") from None
