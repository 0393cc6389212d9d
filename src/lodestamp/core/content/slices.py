"""Slices: a range of bytes proved from blocks of anyone's making (content spec R90-R93).

What it establishes: the DAG with this root has these bytes at these offsets by its own blocksizes.
Children that were not needed are not checked; only `check` over the whole DAG does that.

>>> from lodestamp.core.content.importer import add_bytes
>>> from lodestamp.core.content.profiles import get_profile
>>> root, blocks = add_bytes(bytes(range(200)) * 10, get_profile("covenant-8-512"))
>>> part = extract({each.cid: each.data for each in blocks}.get, root.cid, "", 510, 514)
>>> len(blocks), len(part), verify(part, root.cid, "", 510, 514).data.hex()
(5, 3, '6e6f7071')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lodestamp.core.content.block import USUAL_BUDGET, Block, Budget, Get, Meter, load
from lodestamp.core.content.node import Node, open_node
from lodestamp.core.content.paths import resolve
from lodestamp.core.content.span import clamp, read_span
from lodestamp.core.encoding import Cid, HashCode


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes of a file that are proved, the file's size by its own word, and the blocks' part in it.

    `used` are the CIDs of the blocks that were needed, in order; `unused` those that were not.
    """

    data: bytes
    file_size: int
    used: tuple[Cid, ...]
    unused: tuple[Cid, ...]


def extract(
    get: Get,
    root: Cid,
    path: str | bytes | Iterable[bytes],
    start: int,
    end: int,
    *,
    budget: Budget = USUAL_BUDGET,
) -> list[Block]:
    """Return the blocks that prove bytes `start` up to, without, `end` of the file at a path.

    The blocks of the path from the root, then the nodes that the range touches, in order and each
    once; identity CIDs hold their own block and are left out. Errors as `resolve` and `read`.
    """
    steps = list(_steps(get, root, path, start, end, meter=Meter(budget)))
    cids = dict.fromkeys(cid for cid, _ in steps if cid.hash_code != HashCode.IDENTITY)
    return [Block(cid, load(get, cid)) for cid in cids]


def nodes(
    get: Get, cid: Cid, start: int, end: int, *, budget: Budget = USUAL_BUDGET
) -> Iterator[Block]:
    """Yield the blocks of a file that bytes `start` up to, without, `end` touch, in order.

    Repeated ones come each time; one block is held at a time. Errors as `read`.
    """
    for node, _ in read_span(get, open_node(get, cid), start, end, Meter(budget)):
        if node.cid.hash_code != HashCode.IDENTITY:
            yield Block(node.cid, node.data)


def verify(
    blocks: Iterable[Block],
    root: Cid,
    path: str | bytes | Iterable[bytes],
    start: int,
    end: int,
    *,
    budget: Budget = USUAL_BUDGET,
) -> Slice:
    """Return the proved bytes `start` up to, without, `end`; nothing but `root` is trusted.

    BlockMissing when a needed block is not among `blocks`: unknown, not refuted. BlockMismatch for
    a block, needed or not, that is not its CID's; of one CID the first block counts. Errors as
    `resolve` and `read`; bytes over the budget are refused before they are held.
    """
    held: dict[Cid, bytes] = {}
    for block in blocks:
        load({block.cid: block.data}.get, block.cid)
        held.setdefault(block.cid, block.data)
    parts: list[bytes] = []
    used: dict[Cid, None] = {}
    for cid, data in _steps(held.get, root, path, start, end, meter=Meter(budget)):
        used[cid] = None
        parts.append(data)
    last = resolve(held.get, root, path).cid
    size = open_node(held.get, last).size
    unused = tuple(cid for cid in held if cid not in used)
    return Slice(b"".join(parts), size, tuple(used), unused)


def _steps(
    get: Get,
    root: Cid,
    path: str | bytes | Iterable[bytes],
    start: int,
    end: int,
    *,
    meter: Meter,
) -> Iterator[tuple[Cid, bytes]]:
    """Yield each block's CID with its bytes of the range, path blocks first with none."""
    found = resolve(get, root, path)
    for cid in found.blocks[:-1]:
        yield cid, b""
    file: Node = open_node(get, found.cid)
    clamp(file, start, end)
    for node, data in read_span(get, file, start, end, meter):
        yield node.cid, data
