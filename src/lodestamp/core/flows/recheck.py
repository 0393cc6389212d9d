"""Checking a packet again from its own bytes, blocks and the chain alone (flows spec §7).

Nothing here takes part in running a flow: each leg is derived anew, so that what was edited in a
store, lost from it, or dropped by the chain shows as the leg it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from lodestamp.core.content import Budget, Get, address_file, read
from lodestamp.core.encoding import Cid, Codec, base64_decode
from lodestamp.core.flows.composite import composite_entries, composite_hash
from lodestamp.core.flows.layout import (
    content_cid,
    leaf_count,
    leaf_mode_of,
    pattern_of,
    profile_for,
)
from lodestamp.core.flows.legs import ChainView, Judged, judged, require_equal
from lodestamp.core.flows.operations import numbered, plain_result
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.recheck_chain import chain_legs
from lodestamp.core.verdict import Leg, Status, Verdict

LEGS: Final = (
    "content",
    "operations",
    "composite",
    "address",
    "leaf",
    "output_key",
    "funding",
    "spend",
    "inclusion",
    "headers",
    "requirements",
)
"""Every leg of a report, in order."""
_READ_STEPS_MAX: Final = 1 << 26
_CODECS: Final = {Codec.RAW: "raw", Codec.DAG_PB: "dag-pb"}


@dataclass(frozen=True, slots=True)
class Report:
    """The joined answer, and the hashes of work from the funding's block on."""

    joined: Verdict
    cumulative_work: int = 0

    @property
    def status(self) -> Status:
        """Established, refuted or unknown."""
        return self.joined.verdict

    def leg(self, name: str) -> Leg:
        """Return one leg; KeyError for a name outside `LEGS`."""
        return self.joined.leg(name)

    @property
    def refuted(self) -> tuple[str, ...]:
        """The names of the legs that do not hold."""
        return tuple(leg.name for leg in self.joined.legs if leg.status is Status.REFUTED)

    def as_json(self) -> dict[str, object]:
        """Return the member ``report`` of a packet's `verification_data`."""
        return self.joined.as_json()


def recheck(packet: DataFlowPacket, blocks: Get, chain_view: ChainView | None = None) -> Report:
    """Judge a packet; what its stage has not reached yet is not carried.

    `blocks` gives blocks by CID and is not trusted. Without a `chain_view` the legs that need the
    chain are unknown. Nothing in a packet or a block raises.
    """
    data = packet.verification_data
    legs = [
        _leg("content", data, "content_hash", lambda: _content(packet, blocks)),
        _leg("operations", data, "op_cat_results", lambda: _operations(packet)),
        _leg("composite", data, "composite_hash", lambda: _composite(packet)),
        _leg("address", data, "ipfs_cid", lambda: _address(packet)),
    ]
    told, work = chain_legs(packet, chain_view)
    return Report(Verdict.of((*legs, *told), subject=packet.packet_id), work)


def _leg(
    name: str,
    data: Mapping[str, Any],
    key: str,
    judge: Callable[[], Judged],
) -> Leg:
    return judged(name, judge) if key in data else Leg.not_carried(name)


def _content(packet: DataFlowPacket, get: Get) -> Judged:
    data, cid = packet.verification_data, content_cid(packet)
    profile = profile_for(packet.size, leaf_mode_of(packet))
    require_equal("content size", data["content_size"], packet.size)
    require_equal("layout", data["content_layout"], profile.name)
    require_equal("leaf count", data["leaf_count"], leaf_count(packet.size, profile))
    if isinstance(packet.content, bytes):
        own = sha256(packet.content).hexdigest()
        require_equal("content hash", data["content_hash"], own)
    digest = sha256()
    budget = Budget(output_bytes=packet.size, steps=_READ_STEPS_MAX)

    def pieces() -> Any:
        for piece in read(get, cid, budget=budget):
            digest.update(piece)
            yield piece

    root = address_file(pieces(), profile)
    require_equal("CID of the blocks", str(root.cid), str(cid))
    require_equal("size of the blocks", root.size, packet.size)
    require_equal("content hash", data["content_hash"], digest.hexdigest())
    return "computed again from the blocks", {"cid": str(cid), "size": packet.size}


def _operations(packet: DataFlowPacket) -> Judged:
    pattern = pattern_of(packet)
    asked = numbered(packet.packet_id, pattern.operations)
    require_equal("operations", list(packet.op_cat_operations), list(asked))
    results: Any = packet.verification_data["op_cat_results"]
    require_equal("number of results", len(results), len(asked))
    for op, told in zip(asked, results, strict=True):
        derived = plain_result(op, packet)
        require_equal("operation id", told["operation_id"], op["operation_id"])
        require_equal("operation type", told["operation_type"], op["type"])
        require_equal("result", base64_decode(told["result_data"]), derived)
        require_equal("result hash", told["result_hash"], sha256(derived).hexdigest())
        require_equal("result size", told["result_size"], len(derived))
    return "derived again without the script machine", {"operations": len(asked)}


def _composite(packet: DataFlowPacket) -> Judged:
    cid, data = content_cid(packet), packet.verification_data
    results = [(str(op["type"]), plain_result(op, packet)) for op in packet.op_cat_operations]
    derived = composite_hash(cid, results).hex()
    require_equal("composite hash", data["composite_hash"], derived)
    size = sum(map(len, composite_entries(cid, results)))
    require_equal("composite size", data["composite_data_size"], size)
    return "RFC 9162 root over CID and typed results", {"composite_hash": derived}


def _address(packet: DataFlowPacket) -> Judged:
    data, cid = packet.verification_data, content_cid(packet)
    for name, derived in address_members(cid).items():
        require_equal(name, data[name], derived)
    return "the CID of the content alone", {"cid": str(cid)}


def address_members(cid: Cid) -> dict[str, str]:
    """Return what the stage of addressing writes of a content's CID."""
    return {
        "ipfs_cid": str(cid),
        "cid_version": str(cid.version),
        "codec": _CODECS.get(Codec(cid.codec), "unknown"),
        "multihash": cid.multihash.encode().hex(),
    }
