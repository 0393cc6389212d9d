"""Shards: the nodes of a HAMT as they are read, each checked on its own (content spec R54)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from lodestamp.core.content.block import Get
from lodestamp.core.content.dag_pb import PBLink
from lodestamp.core.content.murmur3 import murmur3_x64_64
from lodestamp.core.content.node import Node, open_node
from lodestamp.core.content.unixfs import EntryType
from lodestamp.core.encoding import Cid
from lodestamp.errors import HamtError, UnixFSError

HASH_MURMUR3: Final = 0x22
"""The multicodec code of MurmurHash3 x64-64."""
FANOUT_WRITTEN: Final = 256
"""Buckets per shard as we write them."""
_FANOUT_LEAST: Final = 8
FANOUT_MAX: Final = 1_024
"""Buckets per shard as we read them: more made readers allocate without bound (CVE-2023-23625)."""
_HASH_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard: its links by rising bucket, and the buckets that lead to it from the root."""

    cid: Cid
    links: tuple[PBLink, ...]
    fanout: int
    path: tuple[int, ...] = ()

    @property
    def _bits(self) -> int:
        return self.fanout.bit_length() - 1

    @property
    def _width(self) -> int:
        return prefix_width(self.fanout)

    def bucket_of(self, hashed: bytes, level: int) -> int:
        """Return the bucket of a hash at a level, most significant bits first."""
        shift = _HASH_BITS - (level + 1) * self._bits
        return int.from_bytes(hashed, "big") >> shift & self.fanout - 1

    def find(self, hashed: bytes) -> PBLink | None:
        """Return the link in the bucket where this hash belongs, or None when it is empty."""
        prefix = b"%0*X" % (self._width, self.bucket_of(hashed, len(self.path)))
        found = (link for link in self.links if (link.name or b"").startswith(prefix))
        return next(found, None)

    def is_shard_link(self, link: PBLink) -> bool:
        """Tell whether a link leads to a sub-shard: its name is a prefix and no more."""
        return len(link.name or b"") == self._width

    def name_of(self, link: PBLink) -> bytes:
        """Return the name of an entry without its prefix."""
        return (link.name or b"")[self._width :]

    def path_below(self, link: PBLink) -> tuple[int, ...]:
        """Return the buckets that lead from the root to what a link leads to."""
        return (*self.path, int((link.name or b"")[: self._width], 16))

    def entry(self, link: PBLink) -> PBLink:
        """Return an entry under its own name, proved to be where its hash says.

        HamtError ``hamt.wrong-bucket`` otherwise.
        """
        name = self.name_of(link)
        hashed = murmur3_x64_64(name)
        places = enumerate(self.path_below(link))
        if any(self.bucket_of(hashed, level) != bucket for level, bucket in places):
            message = f"{name[:80]!r} stands in a bucket its hash does not lead to"
            raise HamtError(message, code="hamt.wrong-bucket")
        return PBLink(link.cid, name, link.tsize)


def open_shard(get: Get, cid: Cid) -> Shard:
    """Return the root shard of a HAMT; HamtError ``hamt.*``, and errors as `open_node`."""
    return as_shard(open_node(get, cid))


def sub_shard(get: Get, parent: Shard, link: PBLink) -> Shard:
    """Return the shard a link leads to; HamtError ``hamt.depth`` below the hash's last bits."""
    return as_shard(open_node(get, link.cid), Above(parent.path_below(link), parent.fanout))


class Above(NamedTuple):
    """What a sub-shard inherits: the buckets that lead to it, and the fanout of its tree."""

    path: tuple[int, ...]
    fanout: int


def as_shard(node: Node, above: Above | None = None) -> Shard:
    """Return the shard that a node is: fanout, hash, prefixes and bitfield agree.

    HamtError ``hamt.fanout`` ``.hash-type`` ``.bitfield`` ``.prefix`` ``.depth``; UnixFSError
    ``unixfs.child-type`` when the node is no shard.
    """
    entry = node.entry
    if entry is None or entry.type != EntryType.HAMT_SHARD:
        raise UnixFSError("a sub-shard is no shard", code="unixfs.child-type")
    fanout = entry.fanout or 0
    if not _FANOUT_LEAST <= fanout <= FANOUT_MAX or fanout & fanout - 1:
        raise HamtError(f"a fanout of {fanout}", code="hamt.fanout")
    if above is not None and fanout != above.fanout:
        raise HamtError("a tree of two fanouts", code="hamt.fanout")
    path = () if above is None else above.path
    if entry.hash_type != HASH_MURMUR3:
        raise HamtError(f"names hashed by function {entry.hash_type}", code="hamt.hash-type")
    if (len(path) + 1) * (fanout.bit_length() - 1) > _HASH_BITS:
        raise HamtError("shards below the last bits of the hash", code="hamt.depth")
    bitfield = (entry.data or b"").lstrip(b"\0")
    if len(bitfield) > fanout // 8:
        raise HamtError("a bitfield longer than the fanout", code="hamt.bitfield")
    width, buckets = prefix_width(fanout), 0
    last = -1
    for link in node.links:
        bucket = _bucket_named(link.name or b"", width, fanout)
        if bucket <= last:
            raise HamtError("buckets repeated or out of order", code="hamt.bitfield")
        last = bucket
        buckets |= 1 << bucket
    if buckets != int.from_bytes(bitfield, "big"):
        raise HamtError("the bitfield is not that of the links", code="hamt.bitfield")
    return Shard(node.cid, node.links, fanout, path)


def prefix_width(fanout: int) -> int:
    """Return the hex digits before every name in a shard of this fanout."""
    return len(f"{fanout - 1:X}")


def _bucket_named(name: bytes, width: int, fanout: int) -> int:
    prefix = name[:width]
    if len(prefix) != width or prefix.strip(b"0123456789ABCDEF"):
        raise HamtError(f"{name[:80]!r} has no bucket before it", code="hamt.prefix")
    bucket = int(prefix, 16)
    if bucket >= fanout:
        raise HamtError(f"bucket {bucket} of {fanout}", code="hamt.prefix")
    return bucket
