"""The parts of stages that need neither store nor lease, and what a flow's result looks like."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin import CONSENSUS_CAT_CTV, STANDARD
from lodestamp.core.encoding import JsonObject
from lodestamp.core.flows import (
    STAGES,
    DataFlowPacket,
    bare_spend,
    composite_entries,
    composite_hash,
    content_cid,
    judge_bare,
    plain_result,
    try_mutants,
)
from lodestamp.errors import (
    ChainRejected,
    ChainUnavailable,
    ChainWarmup,
    FlowError,
    FundsError,
    GrindExhausted,
    LodestampError,
    LogLockedError,
)

_TRANSIENT: Final = (ChainUnavailable, ChainWarmup, LogLockedError, GrindExhausted)
_LOW_FEE: Final = ("min relay fee not met", "mempool min fee not met", "insufficient fee")
_PASSING_CODES: Final = frozenset({"funds-kept", "coins-taken"})


def is_transient(error: LodestampError) -> bool:
    """Tell whether a stage that met this may succeed another time (R40)."""
    if isinstance(error, _TRANSIENT) or error.code == "log-busy":
        return True
    if isinstance(error, ChainRejected):
        return any(each in error.reason for each in _LOW_FEE)
    return isinstance(error, FundsError | FlowError) and error.code in _PASSING_CODES


def flow_result(packet: DataFlowPacket) -> dict[str, object]:
    """Return the result of a flow as it stands, with the keys of the field."""
    data = packet.verification_data
    taken = data.get("processing_us", 0)
    return {
        "success": "completed" in packet.timestamps,
        "packet_id": packet.packet_id,
        "ipfs_cid": data.get("ipfs_cid"),
        "bitcoin_covenant": data.get("bitcoin_covenant"),
        "processing_time": (taken if type(taken) is int else 0) / 1_000_000,
        "verification_data": data,
    }


def stages_done(packet: DataFlowPacket) -> int:
    """Return how many stages are completed, for a progress bar."""
    return sum(f"{stage}_completed" in packet.timestamps for stage in STAGES)


def commit(packet: DataFlowPacket) -> JsonObject:
    """Return what the stage of hash generation writes: the commitment, and what it covers."""
    cid = content_cid(packet)
    results = [(str(op["type"]), plain_result(op, packet)) for op in packet.op_cat_operations]
    return {
        "composite_hash": composite_hash(cid, results).hex(),
        "composite_data_size": sum(map(len, composite_entries(cid, results))),
    }


def validate_bare(packet: DataFlowPacket) -> JsonObject:
    """Run every operation's script as a bare leaf, and refuse every altered witness (R39)."""
    tried = refused = 0
    for op in packet.op_cat_operations:
        spend = bare_spend(op, packet)
        for flags in (CONSENSUS_CAT_CTV, STANDARD):
            error = judge_bare(spend, flags)
            if error != "OK":
                raise FlowError(f"the bare leaf fails with {error}", code="spend-refused")
        report = try_mutants(spend.tx, spend.spent, CONSENSUS_CAT_CTV)
        if report.accepted:
            names = ", ".join(report.accepted)
            raise FlowError(f"altered witnesses pass: {names}", code="mutant-passed")
        tried, refused = tried + report.tried, refused + report.refused
    return {"mutants": {"tried": tried, "refused": refused}}
