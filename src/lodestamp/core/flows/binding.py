"""Binding: which covenants a packet asks for, and what opens each (flows spec R43, R44)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lodestamp.core.bitcoin import (
    NetworkParams,
    TxOut,
    to_asm,
)
from lodestamp.core.content import Get, covenant_layout, load
from lodestamp.core.covenants import (
    Content,
    Covenant,
    Kind,
    Member,
    Path,
    Reveal,
    address,
    anchor_script,
    build,
    funding_amount,
)
from lodestamp.core.encoding import Cid, Codec, HashCode, JsonObject, JsonValue
from lodestamp.core.flows.batch import Sibling, member_path
from lodestamp.core.flows.introspection import digest_shown, forcing_kind
from lodestamp.core.flows.layout import (
    challenged_leaves,
    content_cid,
    leaf_count,
    leaf_mode_of,
    pattern_of,
    profile_for,
    shows_digests,
)
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.patterns import ELEMENT_MAX, CovenantTerms
from lodestamp.core.merkle import InclusionProof
from lodestamp.errors import FlowError

_P2TR = b"\x51\x20"


@dataclass(frozen=True, slots=True)
class Binding:
    """One covenant of a packet: what opens it, and the outputs it forces, if any.

    `leaf_index` is the leaf of the content that it challenges, None where it is about all of it.
    """

    covenant: Covenant
    reveal: Reveal
    outputs: tuple[TxOut, ...] = ()
    leaf_index: int | None = None

    def amount(self, terms: CovenantTerms, fee_rate: int) -> int:
        """Return the satoshis its coin must hold; the fee of forced outputs is fixed here (R28)."""
        if self.outputs:
            return funding_amount(self.covenant, self.outputs, fee_rate)
        return terms.amount

    def as_json(self, packet: DataFlowPacket, net: NetworkParams, place: int) -> JsonObject:
        """Return the members of ``bitcoin_covenant`` that do not depend on the chain."""
        terms = terms_of(packet)
        covenant = self.covenant
        suffix = f"_{place}" if place else ""
        conditions: list[JsonValue] = list(terms.spending_conditions)
        requirements: list[JsonValue] = list(terms.validation_requirements)
        told: JsonObject = {
            "covenant_id": f"covenant_{packet.packet_id}{suffix}",
            "ipfs_cid": str(content_cid(packet)),
            "kind": str(covenant.kind),
            "bitcoin_script": to_asm(covenant.leaf),
            "script_hex": covenant.leaf.hex(),
            "leaf_hash": covenant.leaf_hash.hex(),
            "control_block": covenant.control_block.hex(),
            "internal_key": covenant.internal_key.hex(),
            "script_pubkey": covenant.script_pubkey.hex(),
            "address": address(covenant, net),
            "cat_operations": [dict(each) for each in packet.op_cat_operations],
            "spending_conditions": conditions,
            "validation_requirements": requirements,
        }
        if self.leaf_index is not None:
            told["leaf_index"] = self.leaf_index
        if self.outputs:
            told["outputs"] = [each.encode().hex() for each in self.outputs]
        return told


def terms_of(packet: DataFlowPacket) -> CovenantTerms:
    """Return the terms of its covenant; FlowError ``not-bound`` for a pattern without one."""
    terms = pattern_of(packet).covenant
    if terms is None:
        raise FlowError("the pattern binds nothing", code="not-bound")
    return terms


def bindings_of(packet: DataFlowPacket, get: Get, owner: bytes, payout: bytes) -> list[Binding]:
    """Return the covenants that bind a packet.

    `owner` is the x-only key of leaves, 32 bytes; `payout` the output key that forced outputs pay.
    Blocks are taken from `get`. Errors as `covenant_layout.path` and `build`.
    """
    terms = terms_of(packet)
    for op in packet.op_cat_operations:
        if op["type"] == "script_introspection":
            return [_forced(op, packet, terms, payout)]
        if op["type"] == "merkle_proof":
            return [_member(op, packet, owner)]
    if isinstance(packet.content, bytes) and len(packet.content) <= ELEMENT_MAX:
        covenant = build(Kind.T1, content=packet.content, owner=owner)
        return [Binding(covenant, Content(packet.content))]
    cid = content_cid(packet)
    leaves = leaf_count(packet.size, profile_for(packet.size, leaf_mode_of(packet)))
    chosen = challenged_leaves(cid, packet.packet_id, leaves, terms.challenges)
    return [_challenge(packet, get, owner, index) for index in chosen]


def _challenge(packet: DataFlowPacket, get: Get, owner: bytes, index: int) -> Binding:
    cid = content_cid(packet)
    levels = tuple(covenant_layout.path(get, cid, index))
    leaf = None
    if not shows_digests(packet):
        leaf = _leaf(get, levels[-1].digest)
    covenant = build(Kind.T2B, path=levels, leaf=leaf, owner=owner)
    return Binding(covenant, Path(levels, leaf), leaf_index=index)


def _leaf(get: Get, digest: bytes) -> bytes:
    return load(get, Cid(1, Codec.RAW, HashCode.SHA2_256, digest))


def _member(op: Mapping[str, Any], packet: DataFlowPacket, owner: bytes) -> Binding:
    siblings, root = member_path(op, packet)
    covenant = build(Kind.T2, root=root, depth=len(siblings), owner=owner)
    return Binding(covenant, Member(content_cid(packet).encode(), _as_proof(siblings)))


def _as_proof(siblings: list[Sibling]) -> InclusionProof:
    """Return a path of the same turns in a full tree: a T2 leaf knows turns and no sizes."""
    index = sum(1 << place for place, (_, is_right) in enumerate(siblings) if not is_right)
    return InclusionProof(index, 1 << len(siblings), tuple(each for each, _ in siblings))


def _forced(
    op: Mapping[str, Any], packet: DataFlowPacket, terms: CovenantTerms, payout: bytes
) -> Binding:
    kind = forcing_kind(packet)
    if terms.validation_script == "OP_CHECKTEMPLATEVERIFY":
        kind = Kind.T3
    outputs = (TxOut(0, anchor_script(digest_shown(op))), TxOut(terms.amount, _P2TR + payout))
    return Binding(build(kind, outputs=outputs), None, outputs)
