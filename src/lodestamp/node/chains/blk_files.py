"""The files in which Bitcoin Core keeps blocks: where each lies, and its bytes (ownership R40).

A file is a row of records, ``magic ‖ length (u32, little-endian) ‖ block``, with zeros where room
was set aside. From Core 28 on all of it is XORed with eight bytes of ``xor.dat``, by the offset in
the file; the zeros set aside are not.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lodestamp.core.bitcoin import BLOCK_SIZE_MAX, HEADER_SIZE, BlockHeader
from lodestamp.errors import ChainNotFound, ChainRpcError, StoreError, WrongNetwork
from lodestamp.node.whole import read_bounded

BLK_FILE_SIZE_MAX: Final = 128 * 1024 * 1024
"""Bytes of one file: where Core begins the next."""
OPEN_FILES_MAX: Final = 16
"""Files kept open at a time: neighbours in the chain lie in a handful of them."""
XOR_KEY_SIZE: Final = 8

_NAME: Final = re.compile(r"blk([0-9]{5,})\.dat", re.ASCII)
_FRAME_SIZE: Final = 8
_MAGIC_SIZE: Final = 4
_BLOCK_SIZE_MIN: Final = HEADER_SIZE + 1
_STRIDE: Final = 1 << 20
_HAS_NUMPY: Final = find_spec("numpy") is not None


@dataclass(frozen=True, slots=True)
class Record:
    """A block in a file: the file's number, the offset and size of the block, its header."""

    file: int
    offset: int
    size: int
    header: BlockHeader


class BlkFiles:
    """A folder of ``blk*.dat`` files, opened for reading only.

    `key` is the eight bytes of obfuscation; None takes them from ``xor.dat`` beside the files.
    """

    def __init__(self, folder: Path, magic: bytes, key: bytes | None = None) -> None:
        self.folder = folder
        self._magic = magic
        self._key = _read_key(folder) if key is None else key
        self._open: OrderedDict[int, int] = OrderedDict()

    def close(self) -> None:
        """Close every file."""
        while self._open:
            os.close(self._open.popitem()[1])

    def numbers(self) -> list[int]:
        """Return the numbers of the files, lowest first; ChainNotFound without a folder."""
        try:
            names = [_NAME.fullmatch(each.name) for each in self.folder.iterdir()]
        except OSError as error:
            raise ChainNotFound(f"{self.folder}: {error.strerror}") from error
        return sorted(int(found[1]) for found in names if found)

    def read(self, file: int, offset: int, size: int) -> bytes:
        """Return bytes of a file in the clear; fewer where it ends."""
        return unmasked(self._read_masked(file, offset, size), offset, self._key)

    def records(self, file: int, start: int = 0) -> Iterator[Record]:
        """Yield the records from an offset on, reading no more than their headers.

        It ends before a record that is not whole or not written yet; where `start` is the end of a
        record that is known, zeros there mean that nothing was appended. ChainRpcError where there
        is neither a record nor zeros, WrongNetwork where the first bytes are another network's.
        """
        end = self._size(file)
        at = start
        while at + _FRAME_SIZE + _BLOCK_SIZE_MIN <= end:
            masked = self._read_masked(file, at, _FRAME_SIZE + HEADER_SIZE)
            clear = unmasked(masked, at, self._key)
            if clear[:_MAGIC_SIZE] != self._magic:
                if masked[0] and clear[0]:
                    raise self._no_record(file, at, clear)
                if at == start and start and not (any(masked) and any(clear)):
                    return
                after = self._after_zeros(file, at, end, in_clear=masked[0] != 0)
                if after is None:
                    return
                at = after
                continue
            size = int.from_bytes(clear[_MAGIC_SIZE:_FRAME_SIZE], "little")
            header = clear[_FRAME_SIZE:]
            if not any(header) or not any(masked[_FRAME_SIZE:]):
                return  # room set aside, of which only the frame is written
            if not _BLOCK_SIZE_MIN <= size <= BLOCK_SIZE_MAX:
                raise inconsistent(self._name(file), at, f"a record of {size:,} bytes")
            if at + _FRAME_SIZE + size > end:
                return
            yield Record(file, at + _FRAME_SIZE, size, BlockHeader.decode(header))
            at += _FRAME_SIZE + size

    def _after_zeros(self, file: int, start: int, end: int, *, in_clear: bool) -> int | None:
        """Return where the record behind a row of zeros begins; None when the file ends first.

        The zeros are as they lie there or, `in_clear`, obfuscated like the rest. The first bytes of
        an obfuscated record may look like more of them, so it is looked for a little before.
        """
        at = start
        while at < end:
            masked = self._read_masked(file, at, _STRIDE)
            seen = unmasked(masked, at, self._key) if in_clear else masked
            rest = seen.lstrip(b"\0")
            at += len(seen) - len(rest)
            if not rest:
                continue
            if at + _FRAME_SIZE + _BLOCK_SIZE_MIN > end:
                return None
            low = max(start, at - _MAGIC_SIZE + 1)
            found = self.read(file, low, at + _MAGIC_SIZE - low).find(self._magic)
            if found < 0:
                raise self._no_record(file, at if start else 0, self.read(file, at, _FRAME_SIZE))
            return low + found
        return None

    def _no_record(self, file: int, at: int, clear: bytes) -> ChainRpcError | WrongNetwork:
        if at == 0:
            found = clear[:_MAGIC_SIZE].hex()
            hint = "name the network with network=, and xor.dat or xor=HEX if it is obfuscated"
            message = f"{self._name(file)} begins with {found}, not {self._magic.hex()}"
            return WrongNetwork(message, hint=hint)
        return inconsistent(self._name(file), at, "neither a record nor zeros")

    def _read_masked(self, file: int, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._descriptor(file), size, offset)
        except OSError as error:
            raise StoreError(f"{self._name(file)}: {error.strerror}", code="io") from error

    def _size(self, file: int) -> int:
        try:
            size = os.fstat(self._descriptor(file)).st_size
        except OSError as error:
            raise StoreError(f"{self._name(file)}: {error.strerror}", code="io") from error
        if size > BLK_FILE_SIZE_MAX:
            raise inconsistent(self._name(file), size, f"more than {BLK_FILE_SIZE_MAX:,} bytes")
        return size

    def _descriptor(self, file: int) -> int:
        opened = self._open.pop(file, None)
        if opened is None:
            while len(self._open) >= OPEN_FILES_MAX:
                os.close(self._open.popitem(last=False)[1])
            opened = os.open(self._name(file), os.O_RDONLY | os.O_CLOEXEC)
        self._open[file] = opened
        return opened

    def _name(self, file: int) -> Path:
        return self.folder / f"blk{file:05}.dat"


def unmasked(data: bytes, offset: int, key: bytes) -> bytes:
    """XOR bytes that lie at an offset of their file with the key; an empty key changes nothing."""
    if not key or not data:
        return data
    turned = key[offset % len(key) :] + key[: offset % len(key)]
    if _HAS_NUMPY:
        return _unmasked_by_numpy(data, turned)
    mask = (turned * (len(data) // len(key) + 1))[: len(data)]
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")
    return mixed.to_bytes(len(data), "little")


def _unmasked_by_numpy(data: bytes, turned: bytes) -> bytes:
    import numpy as np  # noqa: PLC0415  an extra, and slow to import

    padded = np.frombuffer(data + bytes(-len(data) % XOR_KEY_SIZE), dtype=np.uint64)
    mixed = padded ^ np.frombuffer(turned, dtype=np.uint64)
    return bytes(mixed.tobytes()[: len(data)])


def _read_key(folder: Path) -> bytes:
    """Return the folder's key; empty where there is none or it is zeros."""
    path = folder / "xor.dat"
    try:
        key = read_bounded(path, XOR_KEY_SIZE)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", code="io") from error
    if key is None or len(key) != XOR_KEY_SIZE:
        raise inconsistent(path, 0, f"a key has {XOR_KEY_SIZE} bytes")
    return key if any(key) else b""


def inconsistent(path: Path, at: int, what: str) -> ChainRpcError:
    """Return the error for files that contradict their format."""
    return ChainRpcError(0, f"inconsistent block files: {path}, byte {at:,}: {what}")
