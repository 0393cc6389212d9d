"""Checkpoints: the text by which a log states its size and root (transparency spec R16).

The format is that of C2SP tlog-checkpoint: origin, size and root on a line each, and extension
lines, which we never write and keep as they are.

>>> from lodestamp.core.merkle import EMPTY_ROOT
>>> print(Checkpoint("example.com/log", 0, EMPTY_ROOT).text(), end="")
example.com/log
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.merkle import EMPTY_ROOT, HASH_SIZE, SIZE_MAX
from lodestamp.core.transparency.note import NOTE_SIZE_MAX
from lodestamp.errors import BadNote, EncodingError

ORIGIN_SIZE_MAX: Final = 255
"""Bytes of the longest origin: cosignatures write its length in one byte."""

_is_size: Final = re.compile(r"0|[1-9][0-9]{0,18}").fullmatch
_find_control: Final = re.compile(r"[\x00-\x1f]").search


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log states: its origin, its size in leaves, and the root at that size.

    The origin is a line of 1 to 255 bytes in UTF-8, by custom a URL without its scheme; the size is
    between 0 and 2^63-1; the root has 32 bytes and is `EMPTY_ROOT` at size 0; extensions are
    non-empty lines. BadNote ``bad-checkpoint`` otherwise.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(_line(self.origin, "origin")) > ORIGIN_SIZE_MAX:
            raise _refused(f"the origin is longer than {ORIGIN_SIZE_MAX} bytes")
        if not 0 <= self.size <= SIZE_MAX:
            raise _refused(f"no tree has {self.size} leaves")
        if len(self.root) != HASH_SIZE:
            raise _refused(f"the root has {len(self.root)} bytes, not {HASH_SIZE}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise _refused("the root of size 0 is not that of the empty tree")
        for extension in self.extensions:
            _line(extension, "extension line")

    def text(self) -> str:
        """Return the text that is signed; its last line ends in a newline too."""
        lines = (self.origin, str(self.size), base64_encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note; BadNote ``bad-checkpoint`` for anything else.

    Every accepted text is the one `Checkpoint.text` gives back.
    """
    origin, size, root, extensions = _read(text)
    return Checkpoint(origin, size, root, extensions)


def parse_stated(text: str) -> tuple[str, int, bytes]:
    """Read origin, size and root of a checkpoint that may lie about the root of size 0.

    Such a lie is answered only after it is known whose it is (R23). BadNote ``bad-checkpoint`` for
    whatever else is no checkpoint.
    """
    origin, size, root, extensions = _read(text)
    honest = root if size else EMPTY_ROOT
    Checkpoint(origin, size, honest, extensions)
    if len(root) != HASH_SIZE:
        raise _refused(f"the root has {len(root)} bytes, not {HASH_SIZE}")
    return origin, size, root


def _read(text: str) -> tuple[str, int, bytes, tuple[str, ...]]:
    if len(text) > NOTE_SIZE_MAX:
        raise _refused("longer than any note")
    origin, *lines = text.split("\n")
    if len(lines) < 3 or lines.pop() != "":
        raise _refused("not three whole lines")
    size, root, *extensions = lines
    if _is_size(size) is None:
        raise _refused(f"{size[:40]!r} is not a size")
    try:
        raw = base64_decode(root)
    except EncodingError as error:
        raise _refused(f"the root is {error.message}") from None
    return origin, int(size), raw, tuple(extensions)


def _line(text: str, what: str) -> bytes:
    """Encode one line; refuse it when empty, not UTF-8, or with a control character."""
    if not text or _find_control(text):
        raise _refused(f"the {what} is empty or holds a control character")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _refused(f"the {what} is not encodable as UTF-8") from None


def _refused(reason: str) -> BadNote:
    return BadNote(f"not a checkpoint: {reason}", code="bad-checkpoint")
