"""How a flow's content becomes a DAG, and which of its leaves are bound (flows spec R43)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from lodestamp.core.content import Chunker, Profile, add_bytes, get_profile
from lodestamp.core.encoding import Cid
from lodestamp.core.flows.limits import BYTES_MODE_CONTENT_MAX, DIGEST_MODE_CONTENT_MAX
from lodestamp.core.flows.packet import ContentRef, DataFlowPacket
from lodestamp.core.flows.patterns import ELEMENT_MAX, Pattern
from lodestamp.errors import LimitExceeded, MalformedPacket

SMALL_LEAVES: Final = "covenant-8-480"
"""Leaves of 480 bytes: a script can take each as six items that nodes relay."""
LARGE_LEAVES: Final = "covenant-8"
"""Leaves of 256 KiB, of which a script takes the digest; and content that is one block."""
_LARGE_LEAF: Final = 262_144


def pattern_of(packet: DataFlowPacket) -> Pattern:
    """Return the pattern a packet was made by; MalformedPacket when it carries none."""
    workflow = packet.metadata.get("workflow")
    pattern = workflow.get("pattern") if isinstance(workflow, Mapping) else None
    if not isinstance(pattern, Mapping):
        raise MalformedPacket("the packet carries no pattern")
    return Pattern.parse(pattern)


def profile_for(size: int, leaf_mode: str) -> Profile:
    """Return the profile of content of so many bytes; LimitExceeded when the mode cannot take it.

    ``digest`` is taken by itself above 15 MiB. Content of one large leaf is cut into small ones
    all the same, or it would have no path to prove.
    """
    maximum = BYTES_MODE_CONTENT_MAX if leaf_mode == "bytes" else DIGEST_MODE_CONTENT_MAX
    if size > maximum:
        raise LimitExceeded("the content", maximum, size)
    is_large = size > BYTES_MODE_CONTENT_MAX or (leaf_mode == "digest" and size > _LARGE_LEAF)
    return get_profile(LARGE_LEAVES if is_large or size <= ELEMENT_MAX else SMALL_LEAVES)


def leaf_mode_of(packet: DataFlowPacket) -> str:
    """Return the mode its pattern names; ``auto`` where nothing is bound."""
    terms = pattern_of(packet).covenant
    return "auto" if terms is None else terms.leaf_mode


def shows_digests(packet: DataFlowPacket) -> bool:
    """Whether spends show the digest of a leaf and not its bytes."""
    return packet.size > BYTES_MODE_CONTENT_MAX or leaf_mode_of(packet) == "digest"


def leaf_count(size: int, profile: Profile) -> int:
    """Return how many leaves content of so many bytes has; empty content has one."""
    assert isinstance(profile.chunker, Chunker)  # noqa: S101  both profiles cut by size
    return max(1, -(-size // profile.chunker.size))


def content_cid(packet: DataFlowPacket) -> Cid:
    """Return the CID of a packet's content under its layout; computed where it holds the bytes."""
    if isinstance(packet.content, ContentRef):
        return packet.content.cid
    profile = profile_for(len(packet.content), leaf_mode_of(packet))
    return add_bytes(packet.content, profile)[0].cid


def challenged_leaves(root: Cid, packet_id: str, leaves: int, challenges: int) -> tuple[int, ...]:
    """Return the indexes of the leaves that are bound, all different (R43).

    The first is SHA256(root digest ‖ packet id) mod n, as a big-endian number; the i-th appends
    the byte i. One that was taken gives way to the next that is free.
    """
    chosen: list[int] = []
    seed = root.digest + bytes.fromhex(packet_id)
    for number in range(min(challenges, leaves)):
        drawn = sha256(seed + (bytes((number,)) if number else b"")).digest()
        index = int.from_bytes(drawn, "big") % leaves
        while index in chosen:
            index = (index + 1) % leaves
        chosen.append(index)
    return tuple(chosen)
