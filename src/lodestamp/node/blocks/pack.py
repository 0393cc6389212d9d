"""Pack files: append-only CARs of version 1 whose one root is the empty identity CID (R100).

Whoever appends holds the file's lock. What was not committed is cut off when the next one takes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lodestamp.core.content import BLOCK_SIZE_MAX, car
from lodestamp.core.encoding import CID_BYTES_MAX, Cid, uvarint_decode
from lodestamp.errors import CidError, StoreError

PACK_SIZE_MAX: Final = 1 << 30
"""Bytes of a pack: large enough to be few, small enough to be rewritten and hashed in seconds."""
PACK_HEADER: Final = car.header_v1([Cid.parse("bafkqaaa")])
"""What every pack begins with; `bafkqaaa` is the identity CID of no bytes."""
_WRITEV_PARTS_MAX: Final = 1_000
"""Buffers handed to the kernel at once; Linux takes 1,024."""
_SECTION_SIZE_MAX: Final = BLOCK_SIZE_MAX + CID_BYTES_MAX
_LENGTH_BYTES: Final = 9
_PIECE_SIZE: Final = 1 << 20


@contextmanager
def disk_failures(doing: str) -> Iterator[None]:
    """Turn an OSError inside into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        raise _in_our_words(doing, error) from error


def _in_our_words(doing: str, error: OSError) -> StoreError:
    said = f"{doing}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(said, code="disk-full", hint="free some space; what was there is whole")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(said, code="read-only", hint="check the rights of the blocks folder")
    if error.errno == errno.ENOENT:
        return StoreError(said, code="store.corrupt", hint="run `lodestamp content fsck`")
    return StoreError(said, code="io")


@contextmanager
def locked(descriptor: int, operation: int) -> Iterator[None]:
    """Hold a file lock for as long as the block lasts."""
    fcntl.flock(descriptor, operation)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def try_lock(descriptor: int) -> bool:
    """Take a file's lock for its one writer, if nobody has it; closing the file gives it back."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def create_pack(path: Path) -> int:
    """Make an empty pack, locked and on disk, and return its descriptor."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, PACK_HEADER)
        os.fsync(descriptor)
        sync_folder(path.parent)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """Make names in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, parts: Sequence[bytes], offset: int) -> None:
    """Write all parts one after another from `offset`; OSError when the disk refuses."""
    waiting = [memoryview(part) for part in parts if part]
    at = 0
    while at < len(waiting):
        written = os.pwritev(descriptor, waiting[at : at + _WRITEV_PARTS_MAX], offset)
        offset += written
        while at < len(waiting) and written >= len(waiting[at]):
            written -= len(waiting[at])
            at += 1
        if written:
            waiting[at] = waiting[at][written:]


def hash_file(descriptor: int, size: int) -> bytes:
    """Return the SHA-256 of the first `size` bytes of a file."""
    state = hashlib.sha256()
    buffer = memoryview(bytearray(_PIECE_SIZE))
    at = 0
    while at < size:
        count = os.preadv(descriptor, [buffer[: min(_PIECE_SIZE, size - at)]], at)
        if not count:
            break
        state.update(buffer[:count])
        at += count
    return state.digest()


@dataclass(frozen=True, slots=True)
class Found:
    """A section met while scanning: its place, and whether its bytes are those of its CID."""

    cid: Cid
    offset: int
    head: int
    size: int
    good: bool


def scan_pack(descriptor: int, size: int) -> Iterator[Found]:
    """Yield the whole sections of a pack in order, up to the first that is cut short or none.

    StoreError ``store.corrupt`` when the file does not begin as a pack.
    """
    if os.pread(descriptor, len(PACK_HEADER), 0) != PACK_HEADER:
        raise StoreError("a pack does not begin as one", code="store.corrupt")
    offset = len(PACK_HEADER)
    while offset < size:
        try:
            length, before = uvarint_decode(os.pread(descriptor, _LENGTH_BYTES, offset))
            if not 0 < length <= _SECTION_SIZE_MAX or offset + before + length > size:
                return
            body = os.pread(descriptor, length, offset + before)
            cid, end = Cid.read(body, 0)
            good = cid.matches(body[end:])
        except CidError:
            return
        if len(body) < length:
            return
        yield Found(cid, offset, before + end, length - end, good)
        offset += before + length
