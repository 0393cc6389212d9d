"""Membership in a batch of CIDs: an RFC 9162 tree over their 36 bytes (flows spec R42)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lodestamp.core.encoding import Cid
from lodestamp.core.flows.layout import content_cid
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.patterns import batch_of
from lodestamp.core.merkle import leaf_hash, leaf_hashes, node_hash
from lodestamp.core.merkle import root as root_of
from lodestamp.errors import CidError, FlowError

Sibling = tuple[bytes, bool]
"""A hash of 32 bytes, and whether it stands to the right of what was folded so far."""
_CID_SIZE = 36


def batch_cids(op: Mapping[str, Any], packet: DataFlowPacket) -> list[bytes]:
    """Return the operation's batch, else the packet's, else the content alone, as binary CIDs."""
    named = op.get("batch", packet.metadata.get("batch"))
    if named is None:
        return [content_cid(packet).encode()]
    if isinstance(named, str):
        named = [*named.split(",")]
    cids = []
    for text in batch_of(named):
        try:
            cid = Cid.parse(str(text)).encode()
        except CidError as error:
            raise FlowError(f"the batch: {error.message}", code="batch") from error
        if len(cid) != _CID_SIZE:
            raise FlowError(f"the batch: {text} is no CID of 36 bytes", code="batch")
        cids.append(cid)
    return cids


def member_path(op: Mapping[str, Any], packet: DataFlowPacket) -> tuple[list[Sibling], bytes]:
    """Return the siblings of a Merkle proof, lowest first, and its root, given or built.

    FlowError ``batch`` for a batch without the content, ``merkle-root`` for a proof that leads
    elsewhere.
    """
    cid = content_cid(packet).encode()
    if "root" not in op:
        return path_to(batch_cids(op, packet), cid)
    siblings = [(bytes.fromhex(each["hash"]), each["side"] == "right") for each in op["elements"]]
    root = bytes.fromhex(op["root"])
    if fold(cid, siblings) != root:
        raise FlowError("the Merkle proof leads to another root", code="merkle-root")
    return siblings, root


def path_to(batch: Sequence[bytes], cid: bytes) -> tuple[list[Sibling], bytes]:
    """Return the siblings of a CID, lowest first, and the root; FlowError ``batch`` if absent."""
    if cid not in batch:
        raise FlowError("the content is not in the batch", code="batch")
    index, hashes = batch.index(cid), leaf_hashes(batch)
    siblings: list[Sibling] = []
    top = root_of(hashes)
    while len(hashes) > 1:
        split = 1 << (len(hashes) - 1).bit_length() - 1
        left, right = hashes[:split], hashes[split:]
        if index < split:
            siblings.append((root_of(right), True))
            hashes = left
        else:
            siblings.append((root_of(left), False))
            hashes, index = right, index - split
    return siblings[::-1], top


def fold(cid: bytes, siblings: Sequence[Sibling]) -> bytes:
    """Return the root that a CID and its siblings lead to."""
    value: bytes = leaf_hash(cid)
    for sibling, is_right in siblings:
        value = node_hash(value, sibling) if is_right else node_hash(sibling, value)
    return value
