"""The index of a CAR of version 2: where each block stands (content spec R81-R83).

An index is a hint. Whoever follows it checks the section it leads to, and scans when it lied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from lodestamp.core.content.block import Block
from lodestamp.core.content.car import DATA_OFFSET, HEADER_V2_SIZE, PRAGMA, header_v1, section_head
from lodestamp.core.encoding import (
    DIGEST_BYTES_MAX,
    Cid,
    HashCode,
    Multihash,
    uvarint_decode,
    uvarint_encode,
)
from lodestamp.errors import CarError, CidError

SORTED_CODE: Final = 0x0400
"""An index of digests alone; read, never written."""
MULTIHASH_SORTED_CODE: Final = 0x0401
"""An index by hash function and digest."""
_OFFSET_SIZE: Final = 8
_FORM: Final = "car.index"


class IndexEntry(NamedTuple):
    """A block's hash function (None where the index does not say), digest and section offset."""

    code: int | None
    digest: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Entries of one hash function and one width, sorted by digest."""

    code: int | None
    width: int
    entries: memoryview

    def __len__(self) -> int:
        return len(self.entries) // self.width

    def digest(self, index: int) -> bytes:
        at = index * self.width
        return bytes(self.entries[at : at + self.width - _OFFSET_SIZE])

    def offset(self, index: int) -> int:
        end = (index + 1) * self.width
        return int.from_bytes(self.entries[end - _OFFSET_SIZE : end], "little")


@dataclass(frozen=True, slots=True)
class CarIndex:
    """The entries of an index, looked up where they lie; nothing is copied out of the bytes."""

    _buckets: tuple[_Bucket, ...]

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets)

    def __iter__(self) -> Iterator[IndexEntry]:
        for bucket in self._buckets:
            for at in range(len(bucket)):
                yield IndexEntry(bucket.code, bucket.digest(at), bucket.offset(at))

    def find(self, multihash: Multihash) -> Iterator[int]:
        """Yield where sections with this hash may stand, counted as `Section.offset`."""
        for bucket in self._buckets:
            if bucket.code not in (None, multihash.code):
                continue
            if bucket.width != len(multihash.digest) + _OFFSET_SIZE:
                continue
            at = _first(bucket, multihash.digest)
            while at < len(bucket) and bucket.digest(at) == multihash.digest:
                yield bucket.offset(at)
                at += 1


def _first(bucket: _Bucket, digest: bytes) -> int:
    """Return the first entry whose digest is not below this one."""
    low, high = 0, len(bucket)
    while low < high:
        middle = (low + high) // 2
        if bucket.digest(middle) < digest:
            low = middle + 1
        else:
            high = middle
    return low


def read_index(buf: bytes) -> CarIndex:
    """Parse an index of either form; bytes after it are left alone.

    CarError ``car.index`` for another form, a count or width that does not fit, or a cut. Whether
    the entries are sorted, and true, shows only when they are followed.
    """
    try:
        form, at = uvarint_decode(buf)
    except CidError as error:
        raise CarError(_FORM, f"no index: {error.message}") from None
    view = memoryview(buf)
    if form == SORTED_CODE:
        buckets, _ = _read_widths(view, at, None)
        return CarIndex(tuple(buckets))
    if form != MULTIHASH_SORTED_CODE:
        raise CarError(_FORM, f"an index of form 0x{form:x} is not known here", at=0)
    count, at = _read_count(view, at)
    buckets = []
    for _ in range(count):
        code = int.from_bytes(_slice(view, at, 8), "little")
        more, at = _read_widths(view, at + 8, code)
        buckets += more
    return CarIndex(tuple(buckets))


def _read_widths(view: memoryview, at: int, code: int | None) -> tuple[list[_Bucket], int]:
    count, at = _read_count(view, at)
    buckets = []
    for _ in range(count):
        width = int.from_bytes(_slice(view, at, 4), "little")
        length = int.from_bytes(_slice(view, at + 4, 8), "little", signed=True)
        if not _OFFSET_SIZE < width <= DIGEST_BYTES_MAX + _OFFSET_SIZE or length % width:
            raise CarError(_FORM, f"{length} bytes of entries of {width} bytes", at=at)
        buckets.append(_Bucket(code, width, _slice(view, at + 12, length)))
        at += 12 + length
    return buckets, at


def _read_count(view: memoryview, at: int) -> tuple[int, int]:
    count = int.from_bytes(_slice(view, at, 4), "little", signed=True)
    if count < 0:
        raise CarError(_FORM, f"a count of {count}", at=at)
    return count, at + 4


def _slice(view: memoryview, at: int, size: int) -> memoryview:
    if size < 0 or at + size > len(view):
        raise CarError(_FORM, f"cut short: {size:,} bytes are not there", at=at)
    return view[at : at + size]


def write_index(entries: Iterable[IndexEntry]) -> bytes:
    """Return the index of these entries, by hash function, width and digest (R82)."""
    groups: dict[int, dict[int, list[tuple[bytes, int]]]] = {}
    for code, digest, offset in entries:
        assert code is not None, "what is written here knows its hash function"  # noqa: S101
        widths = groups.setdefault(code, {})
        widths.setdefault(len(digest) + _OFFSET_SIZE, []).append((digest, offset))
    out = [uvarint_encode(MULTIHASH_SORTED_CODE), len(groups).to_bytes(4, "little")]
    for code, widths in sorted(groups.items()):
        out += [code.to_bytes(8, "little"), len(widths).to_bytes(4, "little")]
        for width, pairs in sorted(widths.items()):
            length = width * len(pairs)
            out += [width.to_bytes(4, "little"), length.to_bytes(8, "little", signed=True)]
            out += [digest + at.to_bytes(_OFFSET_SIZE, "little") for digest, at in sorted(pairs)]
    return b"".join(out)


class Output(Protocol):
    """A file that can be written at any place."""

    def write(self, data: bytes, /) -> int:
        """Write all of `data` where the file stands."""

    def seek(self, offset: int, /) -> int:
        """Move to a byte from the file's start."""


def write_v2(roots: Sequence[Cid], blocks: Iterable[Block], out: Output) -> int:
    """Write a CAR of version 2 at the start of `out`, index included; return its size in bytes.

    The index is held until the end, some hundred bytes a block. Errors as `write_v1`; whatever
    `out` raises passes through.
    """
    header = header_v1(roots)
    out.seek(DATA_OFFSET)
    out.write(header)
    offset = len(header)
    entries: list[IndexEntry] = []
    for block in blocks:
        if block.cid.hash_code == HashCode.IDENTITY:
            continue
        entries.append(IndexEntry(block.cid.hash_code, block.cid.digest, offset))
        head = section_head(block.cid, len(block.data))
        out.write(head)
        out.write(block.data)
        offset += len(head) + len(block.data)
    index = write_index(entries)
    out.write(index)
    layout = (DATA_OFFSET, offset, DATA_OFFSET + offset)
    out.seek(0)
    characteristics = bytes(HEADER_V2_SIZE - 3 * 8)
    out.write(PRAGMA + characteristics + b"".join(n.to_bytes(8, "little") for n in layout))
    return DATA_OFFSET + offset + len(index)
