"""Inner nodes of a file, and what a layout does with leaves (content spec R11, R12, R21).

A layout takes leaves in order and gives the blocks of the nodes that they close. Only open nodes
are held, so memory does not grow with the file beyond its logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.block import Block
from lodestamp.core.content.unixfs import NO_METADATA, Metadata
from lodestamp.core.encoding import Cid, Codec, HashCode, hash_with


class Child(NamedTuple):
    """What a parent keeps of a finished node.

    Its binary CID, the content bytes below it (`size`), and the bytes of its whole DAG
    (`dag_size`, the Tsize of R12).
    """

    cid: bytes
    size: int
    dag_size: int


class Layout(Protocol):
    """How leaves become a tree."""

    blocks: int
    """Leaves taken and nodes closed so far."""

    def add_leaf(self, leaf: Child) -> list[Block]:
        """Take the next leaf; return the blocks of the nodes this closes, lowest first."""

    def finish(self, metadata: Metadata = NO_METADATA) -> tuple[Child, list[Block]]:
        """Close every open node; return the root and the blocks of the nodes this closes."""


def make_node(data: bytes, *, cid_version: int, hash_code: int = HashCode.SHA2_256) -> Block:
    """Return a dag-pb block under the CID of this version and hash function."""
    return Block(Cid(cid_version, Codec.DAG_PB, hash_code, hash_with(hash_code, data)), data)


def inner_node(
    children: Sequence[Child], metadata: Metadata, *, cid_version: int, hash_code: int
) -> tuple[Child, Block]:
    """Make the file node over these children."""
    size = sum(child.size for child in children)
    entry = unixfs.Entry(
        unixfs.EntryType.FILE,
        filesize=size,
        blocksizes=tuple(child.size for child in children),
        mode=metadata.mode,
        mtime=metadata.mtime,
    )
    links = b"".join(dag_pb.encode_link(cid, b"", dag_size) for cid, _, dag_size in children)
    data = dag_pb.join(links=links, data=unixfs.encode(entry))
    block = make_node(data, cid_version=cid_version, hash_code=hash_code)
    dag_size = len(data) + sum(child.dag_size for child in children)
    return Child(block.cid.encode(), size, dag_size), block
