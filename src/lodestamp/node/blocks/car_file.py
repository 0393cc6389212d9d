"""A CAR on disk as a source of blocks: by its index where that is true, else by scanning (R83)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final, Self

from lodestamp.core.content import BLOCK_SIZE_MAX, CarIndex, CarLimits, CarReader, car, car_index
from lodestamp.core.encoding import CID_BYTES_MAX, UVARINT_BYTES_MAX, Cid, uvarint_decode
from lodestamp.errors import CarError, CidError, SourceError
from lodestamp.node.blocks.source import unreadable

INDEX_SIZE_MAX: Final = 1 << 30
"""Bytes of an index that is read into memory: that of 25 million blocks."""


class CarFile:
    """An open CAR; nothing it says is believed before its bytes were hashed."""

    def __init__(self, file: BinaryIO, limits: CarLimits) -> None:
        self._file = file
        self._size = self._measured()
        self._limits = limits
        reader = CarReader(file, limits)
        self.roots = reader.roots
        """What the CAR claims to be about."""
        self._payload_offset = reader.payload_offset
        self._index = self._read_index(reader)
        self._places: dict[bytes, tuple[int, int]] | None = None

    @classmethod
    def open(cls, path: Path, limits: CarLimits | None = None) -> Self:
        """Open a CAR; SourceError when it cannot be read, CarError when it is none."""
        try:
            file = path.open("rb")
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        try:
            return cls(file, limits or CarLimits())
        except BaseException:
            file.close()
            raise

    def get(self, cid: Cid) -> bytes | None:
        """Return a block's bytes, or None; errors as iterating a `CarReader`.

        The first look-up that the index does not answer scans the whole CAR once.
        """
        data = self._by_index(cid)
        if data is not None:
            return data
        if self._places is None:
            self._places = self._scan()
        place = self._places.get(cid.multihash.encode())
        return None if place is None else self._read(*place)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_index(self, reader: CarReader) -> CarIndex | None:
        if reader.layout is None or not 0 < reader.layout.index_offset < self._size:
            return None
        try:
            return car_index.read_index(self._read(reader.layout.index_offset, INDEX_SIZE_MAX))
        except CarError:
            return None  # a hint that cannot be read is none

    def _by_index(self, cid: Cid) -> bytes | None:
        if self._index is None:
            return None
        for offset in self._index.find(cid.multihash):
            start = self._payload_offset + offset
            if start >= self._size:
                continue
            head = self._read(start, UVARINT_BYTES_MAX + CID_BYTES_MAX)
            try:
                length, before = uvarint_decode(head)
                found, end = Cid.read(head, before)
            except CidError:
                continue
            size = length - (end - before)
            if found.multihash != cid.multihash or not 0 <= size <= BLOCK_SIZE_MAX:
                continue
            data = self._read(start + end, size)
            if cid.matches(data):
                return data
        return None

    def _scan(self) -> dict[bytes, tuple[int, int]]:
        self._seek(0)
        reader = car.read(self._file, self._limits)
        places: dict[bytes, tuple[int, int]] = {}
        for section in reader.sections():
            start = reader.payload_offset + section.offset + section.head
            places.setdefault(section.cid.multihash.encode(), (start, len(section.data)))
        return places

    def _read(self, offset: int, size: int) -> bytes:
        self._seek(offset)
        try:
            return self._file.read(size)
        except OSError as error:
            raise SourceError(f"the CAR: {error.strerror}", code="source.unreadable") from error

    def _measured(self) -> int:
        self._seek(0, os.SEEK_END)
        size = self._file.tell()
        self._seek(0)
        return size

    def _seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        try:
            self._file.seek(offset, whence)
        except OSError as error:
            raise SourceError("the CAR must be a file", code="source.special") from error
