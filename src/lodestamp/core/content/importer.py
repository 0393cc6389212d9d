"""Import: a file's bytes become the DAG and the CID that kubo gives (content spec §3).

Both ways stream: memory holds a few chunks at most, and the open levels of the tree, whatever the
file's size.

>>> from lodestamp.core.content.profiles import get_profile
>>> root, blocks = add_bytes(b"hello world", get_profile("unixfs-v1-2025"))
>>> str(root.cid), root.size, len(blocks)
('bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e', 11, 1)
>>> str(address_file([b"hello", b" world"], get_profile("unixfs-v0-2015")).cid)
'Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Final

from lodestamp.core.content.balanced import BalancedTree, Block, Child
from lodestamp.core.content.profiles import Profile
from lodestamp.core.content.unixfs import leaf_frame
from lodestamp.core.encoding import Cid, Codec, HashCode

Hasher = Callable[[Sequence[bytes]], list[bytes]]
"""Returns the SHA-256 of each of the given blocks, in their order."""
HASHER_BATCH: Final = 8
"""Leaves a hasher gets at once: work for eight threads; two batches held, at most 32 MiB."""


@dataclass(frozen=True, slots=True)
class Root:
    """A finished file: its CID and what a stranger needs to make that CID again.

    `size` is the content in bytes; `dag_size` the bytes of all blocks, repeated ones counted as
    often as they occur; `blocks` their number likewise; `profile` the profile's name.
    """

    cid: Cid
    size: int
    dag_size: int
    blocks: int
    profile: str


def add_file(
    pieces: Iterable[bytes | memoryview], profile: Profile, hasher: Hasher | None = None
) -> Iterator[Block | Root]:
    """Yield every block of a file, children before parents, and the `Root` last.

    A piece may be overwritten once the next is asked for. With a `hasher`, leaves are hashed eight
    at a time. Whatever `pieces` raises passes through.
    """
    tree, prefix, version, codec = _start(profile)
    leaves = (_leaf_block(chunk, profile) for chunk in _chunks(pieces, profile))
    hash_each = hasher or _sha256_each
    batch_size = HASHER_BATCH if hasher else 1
    while batch := list(islice(leaves, batch_size)):
        digests = hash_each([data for data, _ in batch])
        for (data, size), digest in zip(batch, digests, strict=True):
            yield Block(Cid(version, codec, HashCode.SHA2_256, digest), data)
            yield from tree.add_leaf(Child(prefix + digest, size, len(data)))
    top, closed = tree.finish()
    yield from closed
    yield _root(top, tree, profile)


def address_file(pieces: Iterable[bytes | memoryview], profile: Profile) -> Root:
    """Return the root that `add_file` would end with, keeping no block and copying no chunk.

    A chunk that lies within one piece is hashed where it lies; so pieces of the chunker's size,
    read into one buffer over and over, cost little more than their SHA-256. A piece may be
    overwritten once the next is asked for. Whatever `pieces` raises passes through.
    """
    tree, prefix, _version, _codec = _start(profile)
    for chunk in _chunks(pieces, profile):
        size = len(chunk)
        if profile.raw_leaves:
            digest, block_size = sha256(chunk).digest(), size
        else:
            before, after = leaf_frame(size)
            state = sha256(before)
            state.update(chunk)
            state.update(after)
            digest, block_size = state.digest(), len(before) + size + len(after)
        tree.add_leaf(Child(prefix + digest, size, block_size))
    top, _closed = tree.finish()
    return _root(top, tree, profile)


def add_bytes(data: bytes, profile: Profile) -> tuple[Root, list[Block]]:
    """Return the root and every block of a file held in memory, in the order of `add_file`."""
    blocks: list[Block] = []
    for item in add_file((data,), profile):
        if isinstance(item, Root):
            return item, blocks
        blocks.append(item)
    raise AssertionError("add_file ends with a Root")


def _start(profile: Profile) -> tuple[BalancedTree, bytes, int, Codec]:
    """Return an empty tree and its leaves' binary CID before the digest, version and codec."""
    raw = profile.raw_leaves
    version, codec = (1, Codec.RAW) if raw else (profile.cid_version, Codec.DAG_PB)
    prefix = Cid(version, codec, HashCode.SHA2_256, bytes(32)).encode()[:-32]
    tree = BalancedTree(cid_version=profile.cid_version, max_links=profile.max_links)
    return tree, prefix, version, codec


def _chunks(pieces: Iterable[bytes | memoryview], profile: Profile) -> Iterator[memoryview]:
    """Yield the chunks of a file; an empty file has one, of no bytes (R20)."""
    chunks = profile.chunker.cut(pieces)
    yield next(chunks, memoryview(b""))
    yield from chunks


def _leaf_block(chunk: memoryview, profile: Profile) -> tuple[bytes, int]:
    """Return a leaf's block, a copy, and the content bytes in it."""
    if profile.raw_leaves:
        return bytes(chunk), len(chunk)
    before, after = leaf_frame(len(chunk))
    return b"".join((before, chunk, after)), len(chunk)


def _sha256_each(blocks: Sequence[bytes]) -> list[bytes]:
    return [sha256(block).digest() for block in blocks]


def _root(top: Child, tree: BalancedTree, profile: Profile) -> Root:
    return Root(Cid.decode(top.cid), top.size, top.dag_size, tree.blocks, profile.name)
