"""dag-pb: the block format of UnixFS nodes, links first, then Data (content spec R10-R13).

Decoding is lenient only where the format's history demands it, Data before Links and varints that
are not minimal; ``strict=True`` refuses those too, so that ``encode(decode(b)) == b``.

>>> node = decode(bytes.fromhex("120b0a090155000500010203040a00"), strict=True)
>>> str(node.links[0].cid), node.links[0].name, node.data
('bafkqabiaaebagba', None, b'')
>>> encode(node).hex()
'120b0a090155000500010203040a00'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.content.limits import BLOCK_SIZE_MAX, LINKS_READ_MAX
from lodestamp.core.content.protobuf import (
    VARINT,
    Field,
    field_bytes,
    field_uint,
    fields,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import CodecError, LimitExceeded

_FORM: Final = "dagpb"
_NODE_DATA: Final = 1
_NODE_LINK: Final = 2
_LINK_HASH: Final = 1
_LINK_NAME: Final = 2
_LINK_TSIZE: Final = 3


@dataclass(frozen=True, slots=True)
class PBLink:
    """A link: the child, its name, and Tsize, the bytes of the child's whole DAG.

    Name and Tsize may be absent (None). Tsize, 0 to 2^64-1, is a hint and never trusted (R12).
    """

    cid: Cid
    name: bytes | None = None
    tsize: int | None = None


@dataclass(frozen=True, slots=True)
class PBNode:
    """A node: at most 65,536 links in their order, and Data or None."""

    links: tuple[PBLink, ...] = ()
    data: bytes | None = None

    def __post_init__(self) -> None:
        if len(self.links) > LINKS_READ_MAX:
            raise LimitExceeded(
                "the number of links of a dag-pb node", LINKS_READ_MAX, len(self.links)
            )


def encode(node: PBNode) -> bytes:
    """Return the node's block: every link in order, then Data if present (R10).

    CodecError ``protobuf.range`` for a Tsize outside 0 to 2^64-1.
    """
    links = (encode_link(link.cid.encode(), link.name, link.tsize) for link in node.links)
    return join(links=b"".join(links), data=node.data)


def encode_link(cid: bytes, name: bytes | None, tsize: int | None) -> bytes:
    """Return one link as it stands in a node, from the child's binary CID; errors as `encode`."""
    link = field_bytes(_LINK_HASH, cid)
    if name is not None:
        link += field_bytes(_LINK_NAME, name)
    if tsize is not None:
        link += field_uint(_LINK_TSIZE, tsize)
    return field_bytes(_NODE_LINK, link)


def join(*, links: bytes, data: bytes | None) -> bytes:
    """Return the block of links that are already encoded, and Data."""
    return links if data is None else links + field_bytes(_NODE_DATA, data)


def decode(buf: bytes, *, strict: bool = False) -> PBNode:
    """Parse a dag-pb block of at most 2 MiB.

    CodecError ``dagpb.field`` (unknown field), ``dagpb.wire`` (wrong wire type, number too large),
    ``dagpb.truncated``, ``dagpb.duplicate-data``, ``dagpb.link-order`` (Data between links; link
    fields repeated or out of the order Hash, Name, Tsize), ``dagpb.no-hash``; with `strict` also
    ``dagpb.not-canonical``. CidError for a Hash that is no CID. LimitExceeded for size and links.
    """
    if len(buf) > BLOCK_SIZE_MAX:
        raise LimitExceeded("the size of a dag-pb block in bytes", BLOCK_SIZE_MAX, len(buf))
    links: list[PBLink] = []
    data: bytes | None = None
    links_ended = False
    for field in fields(buf, _FORM):
        if field.number == _NODE_LINK:
            if links_ended:
                raise CodecError("dagpb.link-order", "Data stands between links", at=field.at)
            if len(links) == LINKS_READ_MAX:
                raise LimitExceeded(
                    "the number of links of a dag-pb node", LINKS_READ_MAX, len(links) + 1
                )
            links.append(_decode_link(_bytes_of(field)))
        elif field.number == _NODE_DATA:
            if data is not None:
                raise CodecError("dagpb.duplicate-data", "a second Data field", at=field.at)
            data = _bytes_of(field)
            links_ended = bool(links)
        else:
            raise CodecError("dagpb.field", f"unknown node field {field.number}", at=field.at)
    node = PBNode(tuple(links), data)
    if strict and encode(node) != buf:
        raise CodecError("dagpb.not-canonical", "the block is not the encoding of its node")
    return node


def _decode_link(buf: bytes) -> PBLink:
    cid: Cid | None = None
    name: bytes | None = None
    tsize: int | None = None
    last = 0
    for field in fields(buf, _FORM):
        if field.number > _LINK_TSIZE or field.number == 0:
            raise CodecError("dagpb.field", f"unknown link field {field.number}", at=field.at)
        if field.number <= last:
            message = "link fields are repeated or out of the order Hash, Name, Tsize"
            raise CodecError("dagpb.link-order", message, at=field.at)
        last = field.number
        if field.number == _LINK_HASH:
            hash_bytes = _bytes_of(field)
            cid = Cid.decode(hash_bytes) if hash_bytes else None
        elif field.number == _LINK_NAME:
            name = _bytes_of(field)
        else:
            tsize = _uint_of(field)
    if cid is None:
        raise CodecError("dagpb.no-hash", "a link without a Hash")
    return PBLink(cid, name, tsize)


def _bytes_of(field: Field) -> bytes:
    if not isinstance(field.value, bytes):
        raise CodecError("dagpb.wire", f"field {field.number} is not a byte string", at=field.at)
    return field.value


def _uint_of(field: Field) -> int:
    if field.wire != VARINT or not isinstance(field.value, int):
        raise CodecError("dagpb.wire", f"field {field.number} is not a varint", at=field.at)
    return field.value
