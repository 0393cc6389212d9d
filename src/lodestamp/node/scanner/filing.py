"""What a registration says of a file, from one reading of it (R46, R50, R51)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1, sha256
from mimetypes import MimeTypes
from pathlib import Path
from typing import Final

from lodestamp.core.content import DEFAULT, address_file, get_profile
from lodestamp.core.encoding import Cid
from lodestamp.core.ownership import RegistrationText
from lodestamp.node.blocks import SourceFile
from lodestamp.node.progress import Progress

TYPE_UNKNOWN: Final = "application/octet-stream"
"""The media type of a file whose name tells none."""

_TYPES: Final = MimeTypes()  # what the language ships, not what a machine has: the same everywhere


@dataclass(frozen=True, slots=True)
class FileDigests:
    """A file's SHA-1 in hex, its SHA-256 (32 bytes), its size, and the root CID of its DAG."""

    sha1: str
    sha256: bytes
    size: int
    root: Cid


def read_digests(
    path: Path, *, profile: str = DEFAULT, progress: Progress | None = None
) -> FileDigests:
    """Read a file once; SourceError when it cannot be read or changes meanwhile.

    `profile` names how its DAG is built; errors as `get_profile`.
    """
    weak, plain = sha1(usedforsecurity=False), sha256()
    with SourceFile.open(path) as source:

        def hashed() -> Iterator[memoryview]:
            for piece in source.pieces(progress):
                weak.update(piece)
                plain.update(piece)
                yield piece

        root = address_file(hashed(), get_profile(profile))
        return FileDigests(weak.hexdigest(), plain.digest(), source.size, root.cid)


def registration_of(
    path: Path,
    found: FileDigests,
    *,
    name: str | None = None,
    kind: str | None = None,
    title: str | None = None,
    keywords: str | None = None,
    link: bool = False,
) -> RegistrationText:
    """Return the text that registers a file, its own name and media type where none is given.

    With `link` its root CID is the `uri`, as ``ipfs://``. UsageError for text that is none.
    """
    named = path.name if name is None else name
    return RegistrationText(
        found.sha1,
        found.sha256,
        name=named,
        size=found.size,
        type=kind or _TYPES.guess_type(named)[0] or TYPE_UNKNOWN,
        title=title,
        uri=f"ipfs://{found.root}" if link else None,
        keywords=keywords,
    )
