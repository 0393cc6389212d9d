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
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Final, NamedTuple

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.balanced import BalancedTree
from lodestamp.core.content.block import Block
from lodestamp.core.content.layout import Child, Layout, make_node
from lodestamp.core.content.limits import NAME_SIZE_MAX
from lodestamp.core.content.profiles import LayoutName, Profile
from lodestamp.core.content.trickle import TrickleTree
from lodestamp.core.content.unixfs import NO_METADATA, EntryType, Metadata, Mtime, leaf_frame
from lodestamp.core.encoding import Cid, Codec, HashCode, hash_with
from lodestamp.errors import LimitExceeded

Hasher = Callable[[Sequence[bytes]], list[bytes]]
"""Returns the SHA-256 of each of the given blocks, in their order."""
HASHER_BATCH: Final = 8
"""Leaves a hasher gets at once: work for eight threads; two batches held, at most 32 MiB."""


@dataclass(frozen=True, slots=True)
class Root:
    """A finished file or tree: its CID and what a stranger needs to make that CID again.

    `size` is the content of all files in bytes; `dag_size` the bytes of all blocks, repeated ones
    counted as often as they occur; `blocks` their number likewise; `profile` the profile's name.
    """

    cid: Cid
    size: int
    dag_size: int
    blocks: int
    profile: str


def add_file(
    pieces: Iterable[bytes | memoryview],
    profile: Profile,
    hasher: Hasher | None = None,
    *,
    metadata: Metadata = NO_METADATA,
) -> Iterator[Block | Root]:
    """Yield every block of a file, children before parents, and the `Root` last.

    A piece may be overwritten once the next is asked for. With a `hasher`, leaves of a sha2-256
    profile are hashed eight at a time. Metadata goes to the root and forces leaves without raw
    codec (R24). Whatever `pieces` raises passes through.
    """
    profile = _carrying(profile, metadata)
    form, tree = _leaf_form(profile), _tree(profile)
    leaves = (
        (form.block(chunk, kept), len(chunk)) for chunk, kept in _chunks(pieces, profile, metadata)
    )
    by_hasher = hasher is not None and form.hash_code == HashCode.SHA2_256
    hash_each = hasher if hasher is not None and by_hasher else form.hash_each
    batch_size = HASHER_BATCH if by_hasher else 1
    while batch := list(islice(leaves, batch_size)):
        digests = hash_each([data for data, _ in batch])
        for (data, size), digest in zip(batch, digests, strict=True):
            yield Block(Cid(form.version, form.codec, form.hash_code, digest), data)
            yield from tree.add_leaf(Child(form.prefix + digest, size, len(data)))
    top, closed = tree.finish(metadata)
    yield from closed
    yield _root(top, tree, profile)


def address_file(
    pieces: Iterable[bytes | memoryview], profile: Profile, *, metadata: Metadata = NO_METADATA
) -> Root:
    """Return the root that `add_file` would end with, keeping no block and copying no chunk.

    A chunk that lies within one piece is hashed where it lies; so pieces of the chunker's size,
    read into one buffer over and over, cost little more than their SHA-256. A piece may be
    overwritten once the next is asked for. Whatever `pieces` raises passes through.
    """
    profile = _carrying(profile, metadata)
    form, tree = _leaf_form(profile), _tree(profile)
    for chunk, kept in _chunks(pieces, profile, metadata):
        digest, block_size = form.digest(chunk, kept)
        tree.add_leaf(Child(form.prefix + digest, len(chunk), block_size))
    top, _closed = tree.finish(metadata)
    return _root(top, tree, profile)


def add_bytes(data: bytes, profile: Profile) -> tuple[Root, list[Block]]:
    """Return the root and every block of a file held in memory, in the order of `add_file`."""
    blocks: list[Block] = []
    for item in add_file((data,), profile):
        if isinstance(item, Root):
            return item, blocks
        blocks.append(item)
    raise AssertionError("add_file ends with a Root")


def add_symlink(target: bytes, profile: Profile, mtime: Mtime | None = None) -> tuple[Root, Block]:
    """Return the root and the one block of a symlink (R21); it never has a mode (R24).

    LimitExceeded for a target of more than 4,096 bytes.
    """
    if len(target) > NAME_SIZE_MAX:
        raise LimitExceeded("the size of a symlink's target in bytes", NAME_SIZE_MAX, len(target))
    entry = unixfs.Entry(EntryType.SYMLINK, target, mtime=mtime)
    data = dag_pb.join(links=b"", data=unixfs.encode(entry))
    block = make_node(data, cid_version=profile.cid_version, hash_code=profile.hash_code)
    return Root(block.cid, 0, len(data), 1, profile.name), block


class _LeafForm(NamedTuple):
    """What all leaves of a profile share: raw or framed, and their CID before the digest."""

    raw: bool
    type: EntryType
    version: int
    codec: Codec
    hash_code: HashCode
    prefix: bytes

    def block(self, chunk: memoryview, metadata: Metadata) -> bytes:
        """Return a leaf's block, a copy."""
        if self.raw:
            return bytes(chunk)
        before, after = leaf_frame(len(chunk), self.type, metadata)
        return b"".join((before, chunk, after))

    def digest(self, chunk: memoryview, metadata: Metadata) -> tuple[bytes, int]:
        """Return the digest of a leaf's block and the block's size, without making the block."""
        size = len(chunk)
        if self.hash_code != HashCode.SHA2_256:
            block = self.block(chunk, metadata)
            return hash_with(self.hash_code, block), len(block)
        if self.raw:
            return sha256(chunk).digest(), size
        before, after = leaf_frame(size, self.type, metadata)
        state = sha256(before)
        state.update(chunk)
        state.update(after)
        return state.digest(), len(before) + size + len(after)

    def hash_each(self, blocks: Sequence[bytes]) -> list[bytes]:
        """Return the digest of each block."""
        return [hash_with(self.hash_code, block) for block in blocks]


@lru_cache(maxsize=32)
def _leaf_form(profile: Profile) -> _LeafForm:
    raw = profile.raw_leaves
    version, codec = (1, Codec.RAW) if raw else (profile.cid_version, Codec.DAG_PB)
    digest = hash_with(profile.hash_code, b"")
    prefix = Cid(version, codec, profile.hash_code, digest).encode()[: -len(digest)]
    trickle = profile.layout == LayoutName.TRICKLE
    type_ = EntryType.RAW if trickle else EntryType.FILE  # R20
    return _LeafForm(raw, type_, version, codec, profile.hash_code, prefix)


def _tree(profile: Profile) -> Layout:
    kind = TrickleTree if profile.layout == LayoutName.TRICKLE else BalancedTree
    return kind(
        cid_version=profile.cid_version, max_links=profile.max_links, hash_code=profile.hash_code
    )


def _carrying(profile: Profile, metadata: Metadata) -> Profile:
    """Return the profile that can carry this metadata: raw leaves cannot (R24)."""
    return profile.override(raw_leaves=False) if metadata and profile.raw_leaves else profile


def _chunks(
    pieces: Iterable[bytes | memoryview], profile: Profile, metadata: Metadata
) -> Iterator[tuple[memoryview, Metadata]]:
    """Yield the chunks of a file, each with the metadata of its leaf.

    An empty file has one chunk, of no bytes (R20), and none in the trickle layout. A leaf carries
    metadata when it is the balanced root, so when no other chunk follows the first.
    """
    chunks = profile.chunker.cut(pieces)
    balanced = profile.layout == LayoutName.BALANCED
    first = next(chunks, memoryview(b"") if balanced else None)
    if first is None:
        return
    if metadata and balanced:
        first = memoryview(bytes(first))  # its buffer may be filled anew by what we ask for next
        second = next(chunks, None)
        if second is None:
            yield first, metadata
            return
        yield first, NO_METADATA
        yield second, NO_METADATA
    else:
        yield first, NO_METADATA
    for chunk in chunks:
        yield chunk, NO_METADATA


def _root(top: Child, tree: Layout, profile: Profile) -> Root:
    return Root(Cid.decode(top.cid), top.size, top.dag_size, tree.blocks, profile.name)
