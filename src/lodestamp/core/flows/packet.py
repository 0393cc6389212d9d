"""The data-flow packet: what is being bound, how far it has come, and what was found (R45, R46).

>>> packet = DataFlowPacket("0" * 32, b"hello", {})
>>> DataFlowPacket.from_dict(packet.to_dict()) == packet
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Self

from lodestamp.core.encoding import (
    Cid,
    JsonObject,
    base64_decode,
    base64_encode,
    canonical_json,
    parse_canonical,
)
from lodestamp.core.flows.limits import METADATA_SIZE_MAX, PACKET_CONTENT_MAX, PACKET_SIZE_MAX
from lodestamp.core.flows.moments import parse_moment
from lodestamp.core.flows.stages import DataFlowStage, ProcessingState
from lodestamp.errors import CidError, EncodingError, LimitExceeded, MalformedPacket

ENGINE_KEYS: Final = frozenset({"attempts", "error", "workflow"})
"""What the engine writes into `metadata`; a caller's may not hold them."""
_is_id: Final = re.compile("[0-9a-f]{32}").fullmatch
_KEYS: Final = frozenset(
    {
        "packet_id",
        "content",
        "metadata",
        "processing_stage",
        "processing_state",
        "op_cat_operations",
        "timestamps",
        "verification_data",
    }
)


@dataclass(frozen=True, slots=True)
class ContentRef:
    """Content that stays in the block store: the CID of its root, and its size in bytes."""

    cid: Cid
    size: int


@dataclass(frozen=True, slots=True)
class DataFlowPacket:
    """One content on its way through the stages.

    `packet_id` is 32 hex digits. `content` is the bytes, up to 64 KiB, or where they are. The
    other members hold JSON values; nobody may change them in place: a step makes a new packet.
    """

    packet_id: str
    content: bytes | ContentRef
    metadata: JsonObject
    processing_stage: DataFlowStage = DataFlowStage.CONTENT_INGESTION
    processing_state: ProcessingState = ProcessingState.PENDING
    op_cat_operations: tuple[JsonObject, ...] = ()
    timestamps: Mapping[str, str] = field(default_factory=dict)
    verification_data: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _is_id(self.packet_id):
            raise MalformedPacket("a packet id has 32 hexadecimal digits")
        if isinstance(self.content, bytes) and len(self.content) > PACKET_CONTENT_MAX:
            raise LimitExceeded("a packet's content", PACKET_CONTENT_MAX, len(self.content))

    @property
    def size(self) -> int:
        """The content's bytes."""
        return self.content.size if isinstance(self.content, ContentRef) else len(self.content)

    @property
    def is_finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return "completed" in self.timestamps or self.processing_state is ProcessingState.FAILED

    def to_dict(self) -> JsonObject:
        """Return the packet as JSON values of its own; bytes as base64 (R46)."""
        content: JsonObject | str
        if isinstance(self.content, ContentRef):
            content = {"cid": str(self.content.cid), "size": self.content.size}
        else:
            content = base64_encode(self.content)
        return {
            "packet_id": self.packet_id,
            "content": content,
            "metadata": deepcopy(self.metadata),
            "processing_stage": str(self.processing_stage),
            "processing_state": str(self.processing_state),
            "op_cat_operations": [deepcopy(each) for each in self.op_cat_operations],
            "timestamps": dict(self.timestamps),
            "verification_data": deepcopy(self.verification_data),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the packet that `to_dict` wrote, leaving `document` as it is (R46).

        MalformedPacket for a missing or unknown key, an unknown stage or state, or a value of
        another kind; LimitExceeded for metadata over 64 KiB.
        """
        document = _object("a packet", document)
        if set(document) != _KEYS:
            raise MalformedPacket(_wrong_keys(document))
        try:
            stage = DataFlowStage(str(document["processing_stage"]))
            state = ProcessingState(str(document["processing_state"]))
        except ValueError as error:
            raise MalformedPacket(str(error)) from None
        operations = document["op_cat_operations"]
        if not isinstance(operations, Sequence) or isinstance(operations, str | bytes):
            raise MalformedPacket("op_cat_operations is a list")
        packet = cls(
            _text(document["packet_id"]),
            _content(document["content"]),
            require_metadata(document["metadata"]),
            stage,
            state,
            tuple(_object("an operation", each) for each in operations),
            _times(document["timestamps"]),
            _object("verification_data", document["verification_data"]),
        )
        packet.encode()
        return packet

    def encode(self) -> bytes:
        """Return the canonical bytes under which the packet is stored."""
        try:
            encoded = canonical_json(self.to_dict())
        except EncodingError as error:
            raise MalformedPacket(error.message) from error
        if len(encoded) > PACKET_SIZE_MAX:
            raise LimitExceeded("a packet", PACKET_SIZE_MAX, len(encoded))
        return encoded

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read what `encode` wrote; errors as `from_dict`."""
        try:
            document = parse_canonical(encoded, size_max=PACKET_SIZE_MAX)
        except EncodingError as error:
            raise MalformedPacket(error.message) from error
        return cls.from_dict(document)


def require_metadata(metadata: object) -> JsonObject:
    """Return a copy of a JSON object; MalformedPacket for another, LimitExceeded over 64 KiB."""
    copied = _object("metadata", metadata)
    try:
        size = len(canonical_json(copied))
    except EncodingError as error:
        raise MalformedPacket(f"metadata: {error.message}") from error
    if size > METADATA_SIZE_MAX:
        raise LimitExceeded("a packet's metadata", METADATA_SIZE_MAX, size)
    return copied


def _wrong_keys(document: Mapping[str, object]) -> str:
    unknown = sorted(map(str, set(document) - _KEYS))
    missing = sorted(_KEYS - set(document))
    return f"unknown keys {unknown}, missing keys {missing}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedPacket("a text was expected")
    return value


def _object(what: str, value: object) -> JsonObject:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise MalformedPacket(f"{what} is an object")
    return deepcopy(dict(value))


def _content(value: object) -> bytes | ContentRef:
    try:
        if isinstance(value, str):
            return base64_decode(value)
        if isinstance(value, Mapping) and set(value) == {"cid", "size"}:
            cid, size = value["cid"], value["size"]
            if isinstance(cid, str) and type(size) is int and size > PACKET_CONTENT_MAX:
                ref = ContentRef(Cid.parse(cid), size)
                if str(ref.cid) == cid:
                    return ref
    except (EncodingError, CidError) as error:
        raise MalformedPacket(f"content: {error.message}") from error
    raise MalformedPacket("content is base64, or {cid, size} of more than 64 KiB")


def _times(value: object) -> dict[str, str]:
    times = _object("timestamps", value)
    for text in times.values():
        parse_moment(_text(text))
    return {name: _text(text) for name, text in times.items()}
