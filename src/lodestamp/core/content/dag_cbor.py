"""DAG-CBOR: foreign nodes, CAR headers and IPNS records (content spec R70).

The codec is cbrrr's, with what it lets through refused here: a CID that is none, nesting without
bound, and bytes that are not the encoding of their own value. A link is a `Cid`, never guessed from
bytes.

>>> decode(bytes.fromhex("a1616b8201f6"))
{'k': [1, None]}
>>> encode({"b": 1, "a": b"x"}).hex()
'a261614178616201'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from cbrrr import decode_dag_cbor, encode_dag_cbor

from lodestamp.core.content.limits import BLOCK_SIZE_MAX
from lodestamp.core.encoding import Cid
from lodestamp.errors import CodecError, LimitExceeded

NodeValue: TypeAlias = (
    "str | bytes | int | float | bool | Cid | list[NodeValue] | dict[str, NodeValue] | None"
)
"""A value of the IPLD data model; integers are -2^64 to 2^64-1."""

NODE_DEPTH_MAX: Final = 64
"""Lists and maps inside each other in DAG-CBOR and DAG-JSON; no real node comes near it."""


def decode(buf: bytes) -> NodeValue:
    """Parse one block of at most 2 MiB.

    CodecError ``dagcbor.malformed`` for bytes that are no DAG-CBOR, ``dagcbor.not-canonical`` for
    bytes that are not the encoding of their value. CidError for a link that is no CID.
    LimitExceeded for size and depth.
    """
    return _decode(buf, [])


def links(buf: bytes) -> Iterator[Cid]:
    """Yield every link of a block in the order of its bytes; errors as `decode`."""
    found: list[Cid] = []
    _decode(buf, found)
    yield from found


def encode(value: NodeValue) -> bytes:
    """Return the one encoding of a value: keys by length and then by bytes, floats of 64 bits.

    CodecError ``dagcbor.value`` for what the format cannot hold, LimitExceeded for depth.
    """
    require_depth(value)
    try:
        return encode_dag_cbor(value, cid_type=Cid)  # type: ignore[arg-type]  # our links are Cid
    except (TypeError, ValueError, MemoryError) as error:
        raise CodecError("dagcbor.value", f"no DAG-CBOR for this value: {error}") from None


def require_depth(value: object) -> None:
    """Refuse lists and maps nested more than `NODE_DEPTH_MAX` deep with LimitExceeded."""
    level: dict[int, object] = {id(value): value}
    depth = 0
    while True:
        level = {
            id(child): child
            for node in level.values()
            for child in _children(node)
            if isinstance(child, list | dict)
        }
        if not level:
            return
        depth += 1
        if depth >= NODE_DEPTH_MAX:
            raise LimitExceeded("the depth of a node", NODE_DEPTH_MAX, depth + 1)


def _children(node: object) -> Iterator[object]:
    if isinstance(node, list):
        yield from node
    elif isinstance(node, dict):
        yield from node.values()


def _decode(buf: bytes, found: list[Cid]) -> NodeValue:
    if len(buf) > BLOCK_SIZE_MAX:
        raise LimitExceeded("the size of a DAG-CBOR block in bytes", BLOCK_SIZE_MAX, len(buf))

    def link(raw: bytes) -> Cid:
        found.append(Cid.decode(raw))
        return found[-1]

    try:
        value: NodeValue = decode_dag_cbor(buf, cid_ctor=link)  # type: ignore[assignment]
    except CodecError:
        raise
    except (ValueError, MemoryError) as error:
        raise CodecError("dagcbor.malformed", f"no DAG-CBOR: {error}") from None
    require_depth(value)
    if encode(value) != buf:
        raise CodecError("dagcbor.not-canonical", "the block is not the encoding of its value")
    return value
