"""HAMT: a directory too large for one block, spread over shards by the hash of each name.

Content spec R52-R54. Names stand at the first level where no other name shares their buckets, so
the tree depends on the names alone and not on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.block import USUAL_BUDGET, Block, Budget, Get, Meter
from lodestamp.core.content.layout import Child, make_node
from lodestamp.core.content.murmur3 import murmur3_x64_64
from lodestamp.core.content.node import refuse_duplicate
from lodestamp.core.content.profiles import Profile
from lodestamp.core.content.shard import (
    FANOUT_WRITTEN,
    HASH_MURMUR3,
    Shard,
    open_shard,
    sub_shard,
)
from lodestamp.core.content.unixfs import NO_METADATA, EntryType, Metadata
from lodestamp.core.encoding import Cid
from lodestamp.errors import HamtError

_LEVELS: Final = 8
"""One byte of the hash per level of 256 buckets."""
_DAG_SIZE_WIDTH: Final = 8


class Named(NamedTuple):
    """An entry of a directory that is being built: name, binary CID, bytes of its whole DAG."""

    name: bytes
    cid: bytes
    dag_size: int


def pack(entry: Named) -> bytes:
    """Return the entry as one byte string that sorts by the hash of its name.

    A directory of a million entries is held in this form: a third of what it takes as values.
    """
    name, cid, dag_size = entry
    size = dag_size.to_bytes(_DAG_SIZE_WIDTH, "big")
    return b"".join((murmur3_x64_64(name), bytes((len(cid),)), cid, size, name))


def _unpack(packed: bytes) -> Named:
    name_at = _LEVELS + 1 + packed[_LEVELS] + _DAG_SIZE_WIDTH
    cid_end = name_at - _DAG_SIZE_WIDTH
    dag_size = int.from_bytes(packed[cid_end:name_at], "big")
    return Named(packed[name_at:], packed[_LEVELS + 1 : cid_end], dag_size)


def build(
    entries: Iterable[Named], profile: Profile, metadata: Metadata = NO_METADATA
) -> Iterator[Block | Child]:
    """Yield the shards over these entries, children before parents, and the root's `Child` last.

    Its `size` is 0: a directory does not know how much its files hold. UnixFSError
    ``unixfs.duplicate-name``; HamtError ``hamt.depth`` for two names of one hash.
    """
    packed = [pack(entry) for entry in entries]
    packed.sort()
    yield from build_packed(packed, profile, metadata)


def build_packed(
    packed: list[bytes], profile: Profile, metadata: Metadata = NO_METADATA
) -> Iterator[Block | Child]:
    """Do as `build` with the sorted output of `pack`."""
    open_shards: list[_OpenShard] = [_OpenShard()]
    shared_before = 0
    for at, each in enumerate(packed):
        after = packed[at + 1] if at + 1 < len(packed) else b""
        shared_after = _shared_levels(each, after) if after else 0
        if shared_after == _LEVELS:
            name, other = _unpack(each).name, _unpack(after).name
            if name == other:
                refuse_duplicate(name)
            raise _collision(name, other)
        level = max(shared_before, shared_after)
        while len(open_shards) <= level:
            open_shards.append(_OpenShard())
        name, cid, dag_size = _unpack(each)
        open_shards[level].add(each[level], cid, name, dag_size)
        while len(open_shards) > shared_after + 1:
            child, block = open_shards.pop().close(profile, NO_METADATA)
            yield block
            bucket = each[len(open_shards) - 1]
            open_shards[-1].add(bucket, child.cid, b"", child.dag_size)
        shared_before = shared_after
    root, block = open_shards[0].close(profile, metadata)
    yield block
    yield root


class _OpenShard:
    """A shard whose buckets come in rising order."""

    __slots__ = ("_below", "_bits", "_links")

    def __init__(self) -> None:
        self._links: list[bytes] = []
        self._bits = 0
        self._below = 0

    def add(self, bucket: int, cid: bytes, name: bytes, dag_size: int) -> None:
        """Put an entry, or with an empty name a sub-shard, into a bucket."""
        self._links.append(dag_pb.encode_link(cid, b"%02X" % bucket + name, dag_size))
        self._bits |= 1 << bucket
        self._below += dag_size

    def close(self, profile: Profile, metadata: Metadata) -> tuple[Child, Block]:
        """Return the shard's block."""
        entry = unixfs.Entry(
            EntryType.HAMT_SHARD,
            self._bits.to_bytes((self._bits.bit_length() + 7) // 8, "big"),
            hash_type=HASH_MURMUR3,
            fanout=FANOUT_WRITTEN,
            mode=metadata.mode,
            mtime=metadata.mtime,
        )
        data = dag_pb.join(links=b"".join(self._links), data=unixfs.encode(entry))
        block = make_node(data, cid_version=profile.cid_version, hash_code=profile.hash_code)
        return Child(block.cid.encode(), 0, len(data) + self._below), block


def _shared_levels(packed: bytes, other: bytes) -> int:
    """Return how many leading bytes two hashes share."""
    for level in range(_LEVELS):
        if packed[level] != other[level]:
            return level
    return _LEVELS


def _collision(name: bytes, other: bytes) -> HamtError:
    message = f"{name[:80]!r} and {other[:80]!r} have one hash"
    return HamtError(message, code="hamt.depth")


def lookup(get: Get, root: Cid, name: bytes) -> dag_pb.PBLink | None:
    """Return the link of this name, under the name itself, or None when there is none.

    None is proved: by a bucket that is empty or holds another name. Errors as `iterate`.
    """
    *_, found = trace(get, root, name)
    return found if isinstance(found, dag_pb.PBLink) else None


def trace(get: Get, root: Cid, name: bytes) -> Iterator[Shard | dag_pb.PBLink]:
    """Yield each shard on the way to a name, the root first; then its link if there is one."""
    hashed = murmur3_x64_64(name)
    shard = open_shard(get, root)
    while True:
        yield shard
        link = shard.find(hashed)
        if link is None:
            return
        if shard.is_shard_link(link):
            shard = sub_shard(get, shard, link)
        elif shard.name_of(link) == name:
            yield dag_pb.PBLink(link.cid, name, link.tsize)
            return
        else:
            return


def iterate(get: Get, root: Cid, budget: Budget = USUAL_BUDGET) -> Iterator[dag_pb.PBLink]:
    """Yield every link under its own name, in the order of the names' hashes.

    Each is where its hash says, else HamtError ``hamt.wrong-bucket``; so no name comes twice, and
    `lookup` finds exactly these. HamtError ``hamt.*`` and UnixFSError for a shard that is none,
    LimitExceeded ``limit.entries``, and what `load` raises.
    """
    for shard_or_link in iterate_shards(get, root, budget):
        if isinstance(shard_or_link, dag_pb.PBLink):
            yield shard_or_link


def iterate_shards(
    get: Get, root: Cid, budget: Budget = USUAL_BUDGET
) -> Iterator[Shard | dag_pb.PBLink]:
    """Yield every shard, each before what is in it, and every link as `iterate` does."""
    meter = Meter(budget)
    shard = open_shard(get, root)
    yield shard
    open_links = [(shard, iter(shard.links))]
    count = 0
    while open_links:
        shard, links = open_links[-1]
        link = next(links, None)
        if link is None:
            open_links.pop()
        elif shard.is_shard_link(link):
            meter.step()
            below = sub_shard(get, shard, link)
            yield below
            open_links.append((below, iter(below.links)))
        else:
            count += 1
            meter.list(count)
            yield shard.entry(link)
