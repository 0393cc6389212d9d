"""UnixFS: the message in a dag-pb node's Data that says what the node is (content spec §3.2).

>>> encode(Entry(EntryType.FILE, filesize=5, blocksizes=(3, 2))).hex()
'0802180520032002'
>>> decode(bytes.fromhex("0802180520032002")).blocksizes
(3, 2)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from lodestamp.core.content.protobuf import (
    BYTES,
    FIXED32,
    VARINT,
    Field,
    field_bytes,
    field_fixed32,
    field_uint,
    fields,
    read_varint,
    varint,
)
from lodestamp.errors import CodecError, UnixFSError

_FORM: Final = "unixfs"
_TYPE, _DATA, _FILESIZE, _BLOCKSIZES, _HASH_TYPE, _FANOUT, _MODE, _MTIME = range(1, 9)
_SECONDS, _NANOSECONDS = 1, 2
_NANOSECONDS_MAX: Final = 999_999_999
_MODE_MAX: Final = (1 << 32) - 1
_MODE_WRITTEN_MAX: Final = 0o7777


class EntryType(IntEnum):
    """What a node is. Type 3, Metadata, was never used and is refused (R23)."""

    RAW = 0
    DIRECTORY = 1
    FILE = 2
    SYMLINK = 4
    HAMT_SHARD = 5


@dataclass(frozen=True, slots=True)
class Mtime:
    """A modification time: Unix seconds, -2^63 to 2^63-1, and nanoseconds, 0 to 999,999,999."""

    seconds: int
    nanoseconds: int = 0

    def __post_init__(self) -> None:
        if not -(1 << 63) <= self.seconds < 1 << 63:
            raise UnixFSError("mtime seconds pass 64 bits", code="unixfs.mtime")
        if not 0 <= self.nanoseconds <= _NANOSECONDS_MAX:
            raise UnixFSError("mtime nanoseconds pass 999,999,999", code="unixfs.mtime")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is kept of a file or directory beside its content, each only on request (R24).

    `mode` is 0 to 0o7777: permissions, setuid, setgid and sticky bits. An absent mtime is
    unspecified, not 0.
    """

    mode: int | None = None
    mtime: Mtime | None = None

    def __post_init__(self) -> None:
        if self.mode is not None and not 0 <= self.mode <= _MODE_WRITTEN_MAX:
            raise UnixFSError("the mode passes 0o7777", code="unixfs.mode")

    def __bool__(self) -> bool:
        return self.mode is not None or self.mtime is not None


NO_METADATA: Final = Metadata()
"""Content alone, as every profile has it unless asked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The message's fields, each None when absent; sizes in bytes, 0 to 2^64-1.

    `blocksizes` are the content bytes below each link, which is not the links' Tsize. `mode` is
    0 to 2^32-1.
    """

    type: EntryType
    data: bytes | None = None
    filesize: int | None = None
    blocksizes: tuple[int, ...] = ()
    hash_type: int | None = None
    fanout: int | None = None
    mode: int | None = None
    mtime: Mtime | None = None

    def __post_init__(self) -> None:
        if self.mode is not None and not 0 <= self.mode <= _MODE_MAX:
            raise UnixFSError("the mode passes 32 bits")


def encode(entry: Entry) -> bytes:
    """Return the message, fields in number order, blocksizes never packed.

    CodecError ``protobuf.range`` for a number outside 0 to 2^64-1.
    """
    out = [field_uint(_TYPE, entry.type)]
    if entry.data is not None:
        out.append(field_bytes(_DATA, entry.data))
    if entry.filesize is not None:
        out.append(field_uint(_FILESIZE, entry.filesize))
    out.extend(field_uint(_BLOCKSIZES, size) for size in entry.blocksizes)
    last = ((_HASH_TYPE, entry.hash_type), (_FANOUT, entry.fanout))
    out.extend(field_uint(number, value) for number, value in last if value is not None)
    out.append(_encode_metadata(entry))
    return b"".join(out)


def _encode_metadata(kept: Entry | Metadata) -> bytes:
    mode = b"" if kept.mode is None else field_uint(_MODE, kept.mode)
    return mode if kept.mtime is None else mode + field_bytes(_MTIME, _encode_mtime(kept.mtime))


def _encode_mtime(mtime: Mtime) -> bytes:
    seconds = field_uint(_SECONDS, mtime.seconds % (1 << 64))
    if not mtime.nanoseconds:
        return seconds
    return seconds + field_fixed32(_NANOSECONDS, mtime.nanoseconds)


@lru_cache(maxsize=32)
def leaf_frame(
    size: int, type_: EntryType = EntryType.FILE, metadata: Metadata = NO_METADATA
) -> tuple[bytes, bytes]:
    """Return the bytes before and after `size` bytes of content in a dag-pb leaf's block (R20).

    An empty file's leaf has no Data field; a leaf of the trickle layout has the type Raw. Cached,
    since all chunks but the last have one size.
    """
    before = field_uint(_TYPE, type_)
    if size:
        before += varint(_DATA << 3 | BYTES) + varint(size)
    after = field_uint(_FILESIZE, size) + _encode_metadata(metadata)
    message_size = len(before) + size + len(after)
    return varint(1 << 3 | BYTES) + varint(message_size) + before, after


def decode(buf: bytes) -> Entry:
    """Parse a message; fields in any order, blocksizes packed or not.

    UnixFSError ``unixfs.message`` for bytes that are no such message (cut short, an unknown or
    repeated field, a wrong wire type), ``unixfs.type`` for a missing or unknown type,
    ``unixfs.mtime`` for a modification time outside its form (R24).
    """
    try:
        return _decode(buf)
    except CodecError as error:
        raise UnixFSError(error.message) from None


def _decode(buf: bytes) -> Entry:
    numbers: dict[int, int] = {}
    strings: dict[int, bytes] = {}
    blocksizes: list[int] = []
    for field in fields(buf, _FORM):
        if field.number == _BLOCKSIZES:
            blocksizes.extend(_sizes_of(field))
        elif field.number in numbers or field.number in strings:
            raise CodecError("unixfs.field", f"field {field.number} is repeated", at=field.at)
        elif field.number in (_DATA, _MTIME):
            strings[field.number] = _bytes_of(field)
        elif _TYPE <= field.number < _MTIME:
            numbers[field.number] = _uint_of(field)
        else:
            raise CodecError("unixfs.field", f"unknown field {field.number}", at=field.at)
    mtime = strings.get(_MTIME)
    return Entry(
        _type_of(numbers.get(_TYPE)),
        strings.get(_DATA),
        numbers.get(_FILESIZE),
        tuple(blocksizes),
        numbers.get(_HASH_TYPE),
        numbers.get(_FANOUT),
        numbers.get(_MODE),
        None if mtime is None else _decode_mtime(mtime),
    )


def _type_of(number: int | None) -> EntryType:
    try:
        return EntryType(number)  # type: ignore[arg-type]  # None is refused like any non-member
    except ValueError:
        raise UnixFSError(f"no node has the type {number}", code="unixfs.type") from None


def _decode_mtime(buf: bytes) -> Mtime:
    seen: dict[int, int] = {}
    for field in fields(buf, _FORM):
        form = (field.number, field.wire)
        known = form in ((_SECONDS, VARINT), (_NANOSECONDS, FIXED32))
        if not known or field.number in seen or not isinstance(field.value, int):
            raise UnixFSError("mtime has a field that it cannot have", code="unixfs.mtime")
        seen[field.number] = field.value
    if _SECONDS not in seen:
        raise UnixFSError("mtime without seconds", code="unixfs.mtime")
    if seen.get(_NANOSECONDS) == 0:
        raise UnixFSError("mtime writes nanoseconds of 0", code="unixfs.mtime")
    seconds = seen[_SECONDS]
    return Mtime(seconds - (1 << 64) if seconds >> 63 else seconds, seen.get(_NANOSECONDS, 0))


def _sizes_of(field: Field) -> list[int]:
    if not isinstance(field.value, bytes):
        return [_uint_of(field)]
    sizes: list[int] = []
    pos = 0
    while pos < len(field.value):
        size, pos = read_varint(field.value, pos, _FORM)
        sizes.append(size)
    return sizes


def _uint_of(field: Field) -> int:
    if field.wire != VARINT or not isinstance(field.value, int):
        raise CodecError("unixfs.wire", f"field {field.number} is not a varint", at=field.at)
    return field.value


def _bytes_of(field: Field) -> bytes:
    if not isinstance(field.value, bytes):
        raise CodecError("unixfs.wire", f"field {field.number} is not a byte string", at=field.at)
    return field.value
