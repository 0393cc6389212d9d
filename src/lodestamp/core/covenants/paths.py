"""What a DAG path shows beyond its script: whole blocks, and which link was taken (R27).

The script proves digests only. That each rebuilt block is a node of a file, and that the digest
stands in it as a link and not somewhere in its data, is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import ELEMENT_SIZE_MAX, sha256
from lodestamp.core.content import EntryType, covenant_layout, dag_pb, unixfs
from lodestamp.errors import ContentError, CovenantError, ElementTooLarge, InputError

RAW_LINK: Final = bytes.fromhex("0a2401551220")
"""How a link to a raw block begins: field 1, 36 bytes, CIDv1, raw, SHA-256, before the digest."""
NODE_LINK: Final = bytes.fromhex("0a2401701220")
"""The same for a dag-pb block."""
_CID_HEAD_SIZE: Final = 4


def check_path(
    path: Sequence[covenant_layout.Level],
    leaf: bytes | None = None,
    *,
    numbers: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Return which link each block of a path takes, root first, from 0; the path is checked.

    `leaf` are the bytes at its end, where they are shown; `numbers` are the links that are claimed.
    CovenantError ``path``: no level, a prefix that ends in no link, a block that is no node of a
    file in canonical form, a digest that is not the one below, other links than claimed.
    ElementTooLarge for a block over 520 bytes.
    """
    if not path:
        raise CovenantError("the path has no block", code="path")
    taken = []
    for place, level in enumerate(path):
        is_last = place == len(path) - 1
        below = (leaf if is_last else _block(path[place + 1])) if leaf or not is_last else None
        if below is not None and sha256(below) != level.digest:
            raise _refused(place, "its digest is not that of the block below")
        taken.append(_link_taken(level, place, RAW_LINK if is_last else NODE_LINK))
    if numbers is not None and tuple(numbers) != tuple(taken):
        raise CovenantError(f"the path takes links {taken}, not {list(numbers)}", code="path")
    return tuple(taken)


def leaf_index(numbers: Sequence[int]) -> int:
    """Return the leaf's place in a file of the covenant layout, which has eight links a node."""
    index = 0
    for number in numbers:
        index = index * covenant_layout.LINKS_PER_NODE + number
    return index


def _block(level: covenant_layout.Level) -> bytes:
    return level.prefix + level.digest + level.suffix


def _link_taken(level: covenant_layout.Level, place: int, head: bytes) -> int:
    block = _block(level)
    if len(block) > ELEMENT_SIZE_MAX:
        raise ElementTooLarge(f"block {place} of the path", ELEMENT_SIZE_MAX, len(block))
    if not level.prefix.endswith(head):
        raise _refused(place, "what stands before the digest ends in no link of its level")
    try:
        node = dag_pb.decode(block, strict=True)
        entry = unixfs.decode(node.data or b"")
    except (ContentError, InputError) as error:
        raise _refused(place, f"it is no node of a file: {error}") from error
    if entry.type is not EntryType.FILE or entry.data or len(entry.blocksizes) != len(node.links):
        raise _refused(place, "it is no inner node of a file")
    at = len(level.prefix) - _CID_HEAD_SIZE
    start = 0
    for number, link in enumerate(node.links):
        if link.name:
            raise _refused(place, "a link of a file has a name")
        cid = link.cid.encode()
        start = block.index(cid, start)
        if start == at:
            return number
        start += len(cid)
    raise _refused(place, "the digest stands in no link")


def _refused(place: int, why: str) -> CovenantError:
    return CovenantError(f"block {place} of the path: {why}", code="path")
