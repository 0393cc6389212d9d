"""The links of a block, whatever its format: what a DAG is made of (content spec R86, R105)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from lodestamp.core.content import dag_cbor, dag_json, dag_pb
from lodestamp.core.encoding import Cid, Codec


def _dag_pb_links(buf: bytes) -> Iterator[Cid]:
    return (link.cid for link in dag_pb.decode(buf).links)


_READERS: Final[Mapping[int, Callable[[bytes], Iterator[Cid]]]] = MappingProxyType(
    {Codec.DAG_PB: _dag_pb_links, Codec.DAG_CBOR: dag_cbor.links, Codec.DAG_JSON: dag_json.links}
)


def has_links(codec: int) -> bool:
    """Tell whether blocks of this codec can hold links; all others are opaque (R5)."""
    return codec in _READERS


def links(cid: Cid, data: bytes) -> Iterator[Cid]:
    """Yield the links of a block in node order, repeated ones too; an opaque block has none.

    CodecError, CidError or LimitExceeded when the bytes are not of the format that `cid` names.
    """
    reader = _READERS.get(cid.codec)
    return iter(()) if reader is None else reader(data)
