"""CAR: blocks in one file, each checked against its CID as it is read (content spec §4).

Version 1 is a header with roots and then sections; version 2 wraps such a payload and adds an
index (`car_index`). Reading streams: memory holds one block. Roots are claims, and a CAR has no
length, so whether a DAG is complete is for whoever walks it.

>>> from lodestamp.core.encoding import Cid
>>> cid = Cid.of(0x55, b"hello")
>>> from lodestamp.core.content.stream import PieceStream
>>> reader = read(PieceStream(write_v1([cid], [Block(cid, b"hello")])))
>>> reader.version, reader.roots == (cid,), [block.data for block in reader]
(1, True, [b'hello'])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from lodestamp.core.content import dag_cbor
from lodestamp.core.content.block import Block
from lodestamp.core.content.limits import BLOCK_SIZE_MAX
from lodestamp.core.encoding import CID_BYTES_MAX, UVARINT_BYTES_MAX, Cid, HashCode, uvarint_encode
from lodestamp.errors import BlockMismatch, CarError, CidError, CodecError, LimitExceeded

HEADER_SIZE_MAX: Final = 65_536
"""Bytes of a CAR header; it is read before anything can be checked."""
ROOTS_MAX: Final = 1_024
"""Roots of one CAR: 36 bytes each fill half of the largest header."""
CAR_SIZE_MAX: Final = 1 << 40
"""Bytes of a whole CAR unless the caller says otherwise; a stream has no end of its own."""
PRAGMA: Final = bytes.fromhex("0aa16776657273696f6e02")
"""How every CAR of version 2 begins."""
HEADER_V2_SIZE: Final = 40
"""Bytes: characteristics 16, data offset 8, data size 8, index offset 8, little endian."""
DATA_OFFSET: Final = len(PRAGMA) + HEADER_V2_SIZE
"""Where the payload begins in the CARs written here: byte 51."""


class Stream(Protocol):
    """Anything read from start to end: a file, a socket, `PieceStream`."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class CarLimits:
    """What a reader takes: bytes in all, and whether a zero length ends the payload (R84)."""

    size: int = CAR_SIZE_MAX
    allow_zero_padding: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A block as it stands in a CAR; `offset` counts from the start of the version 1 payload.

    `head` is the number of bytes of length and CID before the data.
    """

    cid: Cid
    data: bytes
    offset: int
    head: int

    @property
    def size(self) -> int:
        """Bytes of the whole section."""
        return self.head + len(self.data)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a CAR of version 2 keeps its parts, in bytes from its start; no index is 0."""

    data_offset: int
    data_size: int
    index_offset: int


def read(stream: Stream, limits: CarLimits | None = None) -> CarReader:
    """Read the header of a CAR of either version; the sections come with iteration.

    CarError ``car.header`` when it is no CAR, ``car.version`` for another version or one without
    roots, ``car.offsets`` when the parts of a version 2 overlap or overflow. CidError for a root
    that is none. LimitExceeded for the number of roots.
    """
    return CarReader(stream, limits or CarLimits())


class CarReader:
    """Iterates the blocks of a CAR once; each one's hash has been checked (R84).

    Iterating raises CarError ``car.section-length`` for a section cut short or shorter than its
    CID, ``car.zero-section``; BlockMismatch ``block.mismatch`` with CID and offset, or
    ``block.too-big`` before such a block is read; CidError ``hash.*`` for a hash that cannot be
    checked; LimitExceeded past the limits.
    """

    def __init__(self, stream: Stream, limits: CarLimits) -> None:
        self._input = _Input(stream, limits.size)
        self._limits = limits
        self.version: int
        """1 or 2."""
        self.layout: Layout | None = None
        """The parts of a version 2."""
        start = self._input.take_some(len(PRAGMA))
        if start == PRAGMA:
            self.version = 2
            self.layout = self._read_layout()
            start = b""
            self._input.skip(self.layout.data_offset - DATA_OFFSET)
            self._input.end_at(self.layout.data_offset + self.layout.data_size)
        else:
            self.version = 1
        self._input.give_back(start)
        self.payload_offset = self._input.at
        """Where the version 1 payload begins in the stream, in bytes."""
        self.roots: tuple[Cid, ...] = self._read_header()

    def __iter__(self) -> Iterator[Block]:
        for section in self.sections():
            yield Block(section.cid, section.data)

    def sections(self) -> Iterator[Section]:
        """Yield the blocks with the places where they stand; errors as iteration."""
        while True:
            at = self._input.at
            size = self._input.take_length("car.section-length")
            if size is None:
                return
            if size == 0:
                if self._limits.allow_zero_padding:
                    return
                raise CarError("car.zero-section", "a section of no bytes", at=at)
            if size > BLOCK_SIZE_MAX + CID_BYTES_MAX:
                message = f"a section of {size:,} bytes holds more than a block"
                raise CarError("car.section-length", message, at=at)
            head = self._input.at - at
            yield self._section(self._input.take(size, "car.section-length"), at, head)

    def _section(self, body: bytes, at: int, head: int) -> Section:
        try:
            cid, end = Cid.read(body, 0)
        except CidError as error:
            raise CarError(
                "car.section-length", f"a section without its CID: {error}", at=at
            ) from None
        data = body[end:]
        if len(data) > BLOCK_SIZE_MAX:
            raise BlockMismatch(str(cid), f"{len(data):,} bytes", code="block.too-big", at=at)
        if not cid.matches(data):
            raise BlockMismatch(str(cid), "its bytes are not those it names", at=at)
        return Section(cid, data, at - self.payload_offset, head + end)

    def _read_layout(self) -> Layout:
        raw = self._input.take(HEADER_V2_SIZE, "car.header")
        numbers = (int.from_bytes(raw[at : at + 8], "little") for at in (16, 24, 32))
        layout = Layout(*numbers)
        data_end = layout.data_offset + layout.data_size
        if (
            layout.data_offset < DATA_OFFSET
            or data_end >= 1 << 63
            or (layout.index_offset and not data_end <= layout.index_offset < 1 << 63)
        ):
            message = (
                f"data at {layout.data_offset} + {layout.data_size}, index at {layout.index_offset}"
            )
            raise CarError("car.offsets", f"the parts do not follow each other: {message}")
        return layout

    def _read_header(self) -> tuple[Cid, ...]:
        at = self._input.at
        size = self._input.take_length("car.header")
        if size is None or not 0 < size <= HEADER_SIZE_MAX:
            raise CarError("car.header", f"a header of {size or 0:,} bytes", at=at)
        try:
            header = dag_cbor.decode(self._input.take(size, "car.header"))
        except (CodecError, LimitExceeded) as error:
            raise CarError("car.header", f"no CAR: {error}", at=at) from None
        version = header.get("version") if isinstance(header, dict) else None
        if not isinstance(header, dict) or type(version) is not int:
            raise CarError("car.header", "no CAR: the header names no version", at=at)
        if version != 1:
            raise CarError("car.version", f"version {version} is not known here", at=at)
        if header.keys() != {"roots", "version"}:
            raise CarError(
                "car.header", "the header has other fields than roots and version", at=at
            )
        roots = header["roots"]
        if not isinstance(roots, list):
            raise CarError("car.header", "the roots are no list of CIDs", at=at)
        if len(roots) > ROOTS_MAX:
            raise LimitExceeded("the number of roots of a CAR", ROOTS_MAX, len(roots))
        cids = tuple(root for root in roots if isinstance(root, Cid))
        if len(cids) != len(roots):
            raise CarError("car.header", "the roots are no list of CIDs", at=at)
        return cids


class _Input:
    """Counts what is read of a stream and never asks for more than may come."""

    def __init__(self, stream: Stream, size_max: int) -> None:
        self._stream = stream
        self._size_max = size_max
        self._end: int | None = None
        self._held = b""
        self.at = 0

    def end_at(self, end: int) -> None:
        """End the payload at this byte of the stream."""
        self._end = end

    def give_back(self, held: bytes) -> None:
        """Put bytes just taken in front of the stream again."""
        self._held = held
        self.at -= len(held)

    def take_some(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        if self._end is not None:
            size = min(size, self._end - self.at)
        parts = [self._held[:size]] if self._held else []
        self._held = self._held[size:]
        missing = size - sum(map(len, parts))
        while missing:
            part = self._stream.read(missing)
            if not part:
                break
            missing -= len(part)
            parts.append(part)
        self.at += size - missing
        if self.at > self._size_max:
            raise LimitExceeded("the size of a CAR in bytes", self._size_max, self.at)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take(self, size: int, code: str) -> bytes:
        """Return exactly `size` bytes; CarError `code` when the stream ends before."""
        at = self.at
        taken = self.take_some(size)
        if len(taken) < size:
            raise CarError(code, f"cut short: {len(taken):,} of {size:,} bytes", at=at)
        return taken

    def take_length(self, code: str) -> int | None:
        """Return the varint that is next, None at the end; CarError `code` when it is none."""
        at = self.at
        value = 0
        for count in range(UVARINT_BYTES_MAX):
            byte = self.take_some(1)
            if not byte:
                if count == 0:
                    return None
                raise CarError(code, "a length is cut short", at=at)
            value |= (byte[0] & 0x7F) << 7 * count
            if byte[0] < 0x80:
                if byte[0] == 0 and count:
                    raise CarError(code, "a length is not minimal", at=at)
                return value
        raise CarError(code, "a length is longer than nine bytes", at=at)

    def skip(self, size: int) -> None:
        """Pass over padding; CarError ``car.offsets`` when the stream ends in it."""
        while size:
            part = self.take_some(min(size, 1 << 16))
            if not part:
                raise CarError("car.offsets", "the data begins past the end", at=self.at)
            size -= len(part)


def header_v1(roots: Sequence[Cid]) -> bytes:
    """Return the length and header of a version 1 payload (R80).

    CarError ``car.header`` without a root, LimitExceeded for too many.
    """
    if not roots:
        raise CarError("car.header", "a CAR names at least one root")
    if len(roots) > ROOTS_MAX:
        raise LimitExceeded("the number of roots of a CAR", ROOTS_MAX, len(roots))
    header = dag_cbor.encode({"roots": list(roots), "version": 1})
    return uvarint_encode(len(header)) + header


def section_head(cid: Cid, size: int) -> bytes:
    """Return what stands before the `size` bytes of a block: the section's length and the CID."""
    binary = cid.encode()
    return uvarint_encode(len(binary) + size) + binary


def write_v1(roots: Sequence[Cid], blocks: Iterable[Block]) -> Iterator[bytes]:
    """Yield a CAR of version 1 in pieces, the blocks in their order, identity CIDs left out (R86).

    Errors as `header_v1`; the blocks are taken as they are.
    """
    yield header_v1(roots)
    for block in blocks:
        if block.cid.hash_code != HashCode.IDENTITY:
            yield section_head(block.cid, len(block.data))
            yield block.data
