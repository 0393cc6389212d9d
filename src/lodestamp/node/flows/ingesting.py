"""Content on its way into the block store, and the finding it again there (flows spec §7, R43)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from lodestamp.core.content import Budget, Profile, Root, add_file, address_file, read
from lodestamp.core.encoding import JsonObject
from lodestamp.core.flows import (
    PACKET_CONTENT_MAX,
    ContentRef,
    DataFlowPacket,
    content_cid,
    leaf_count,
    leaf_mode_of,
    profile_for,
)
from lodestamp.errors import BlockMismatch
from lodestamp.node.blocks import BlockStore, Pin, SourceFile
from lodestamp.node.progress import Progress

_STEPS_MAX = 1 << 26

Source = bytes | Path
"""Content as bytes, or the file that holds it."""


def take_content(
    store: BlockStore, content: Source, leaf_mode: str, progress: Progress | None = None
) -> bytes | ContentRef:
    """Return content as a packet holds it; what is over 64 KiB goes into the store first.

    One pass over the bytes; the blocks are on disk and pinned when this returns, so a packet never
    names what is not there. SourceError as `SourceFile`; LimitExceeded for content too large.
    """
    if isinstance(content, bytes):
        if len(content) <= PACKET_CONTENT_MAX:
            profile_for(len(content), leaf_mode)
            return content
        return _kept(store, (content,), profile_for(len(content), leaf_mode))
    with SourceFile.open(content) as source:
        profile = profile_for(source.size, leaf_mode)
        pieces = source.pieces(progress)
        if source.size <= PACKET_CONTENT_MAX:
            return b"".join(map(bytes, pieces))
        return _kept(store, pieces, profile)


def ingest(store: BlockStore, packet: DataFlowPacket) -> JsonObject:
    """Do the stage of ingestion: keep the blocks, or read again those that are kept.

    BlockMissing and BlockMismatch when kept content is not what the packet names.
    """
    profile = profile_for(packet.size, leaf_mode_of(packet))
    digest = sha256()
    if isinstance(packet.content, bytes):
        digest.update(packet.content)
        _kept(store, (packet.content,), profile)
    else:
        cid = packet.content.cid
        budget = Budget(output_bytes=packet.size, steps=_STEPS_MAX)
        found = address_file(_hashing(read(store.get, cid, budget=budget), digest), profile)
        if found.cid != content_cid(packet) or found.size != packet.size:
            raise BlockMismatch(str(cid), "its blocks are not laid out as the flow demands")
    return {
        "content_hash": digest.hexdigest(),
        "content_size": packet.size,
        "content_layout": profile.name,
        "leaf_count": leaf_count(packet.size, profile),
    }


def _kept(store: BlockStore, pieces: Iterable[bytes | memoryview], profile: Profile) -> ContentRef:
    with store.writer() as writer:
        for made in add_file(pieces, profile):
            if isinstance(made, Root):
                writer.commit([Pin.of_root(made)])
                return ContentRef(made.cid, made.size)
            writer.put_made(made)
    raise AssertionError("the root comes last")


def _hashing(pieces: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece
