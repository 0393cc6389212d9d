"""Introspection: an output that a leaf forces its spend to have (flows spec R42).

The output publishes ``PRV1`` and the digest of what was to be shown. A T3 leaf forces it by BIP-119
where that is active, else a T4 leaf by OP_CAT; a spend with any other outputs is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    OutPoint,
    Transaction,
    TxOut,
    verify_input,
)
from lodestamp.core.covenants import (
    ANCHOR_TAG,
    Covenant,
    FundedCoin,
    Kind,
    anchor_script,
    build,
    complete,
    plan_spend,
)
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.patterns import bytes_of
from lodestamp.errors import FlowError

_AMOUNT: Final = 10_000
_PREVOUT: Final = OutPoint(bytes(31) + b"\x01", 0)


@dataclass(frozen=True, slots=True)
class ForcedOutput:
    """A covenant that forces an output, and an executed spend of an invented coin of it."""

    covenant: Covenant
    tx: Transaction
    coin: TxOut

    @property
    def payload(self) -> bytes:
        """What the spend publishes: 36 bytes, the tag and the digest."""
        return self.tx.outputs[0].script[2:]

    def run(self) -> tuple[bytes, int]:
        """Execute the spend; return what it published and the opcodes that took."""
        verdict = verify_input(self.tx, 0, (self.coin,), CONSENSUS_CAT_CTV)
        if not verdict.ok:
            raise FlowError(f"the script fails with {verdict.error}", code="script-failed")
        return self.payload, verdict.steps


def digest_shown(op: Mapping[str, object]) -> bytes:
    """Return the 32 bytes that an introspection publishes after the tag."""
    return sha256(bytes_of(op["script_data"])).digest()


def payload_of(op: Mapping[str, object]) -> bytes:
    """Return the 36 bytes that an introspection publishes."""
    return ANCHOR_TAG + digest_shown(op)


def forcing_kind(packet: DataFlowPacket) -> Kind:
    """Return T3 where the packet's rules have CHECKTEMPLATEVERIFY, else T4."""
    workflow = packet.metadata.get("workflow")
    rules = workflow.get("rules") if isinstance(workflow, Mapping) else None
    has_template = not isinstance(rules, list) or "checktemplateverify" in rules
    return Kind.T3 if has_template else Kind.T4


def force_output(op: Mapping[str, object], packet: DataFlowPacket) -> ForcedOutput:
    """Return the covenant that forces an operation's output, and a spend of it."""
    outputs = (TxOut(0, anchor_script(digest_shown(op))),)
    covenant = build(forcing_kind(packet), outputs=outputs)
    coin = TxOut(_AMOUNT, covenant.script_pubkey)
    plan = plan_spend(covenant, FundedCoin(_PREVOUT, coin), outputs)
    return ForcedOutput(covenant, complete(plan), coin)
