"""Data flows: content, its operations and its covenant, as packets through seven stages.

Values and pure rules only. `advance` is the state machine, `run_operation` runs what a pattern asks
for, `bindings_of` says which covenants bind a packet, and `recheck` judges it from its own bytes,
its blocks and the chain alone.

>>> from lodestamp.core.flows import Begin, DataFlowPacket, DataFlowStage, advance
>>> packet = DataFlowPacket("0" * 32, b"hello", {})
>>> begun = advance(packet, Begin(DataFlowStage.CONTENT_INGESTION), 0)
>>> str(begun.packet.processing_state), begun.packet.timestamps["last_updated"]
('in_progress', '1970-01-01T00:00:00.000000Z')
"""

from lodestamp.core.flows.advance import (
    Begin,
    Concluded,
    Effect,
    Event,
    Failed,
    Finished,
    Noted,
    ReleaseCoins,
    RunStage,
    Stumbled,
    Transition,
    Unsettled,
    Waiting,
    WakeAt,
    advance,
    attempts_of,
    pause_us,
)
from lodestamp.core.flows.binding import Binding, bindings_of, terms_of
from lodestamp.core.flows.composite import composite_entries, composite_hash
from lodestamp.core.flows.layout import (
    challenged_leaves,
    content_cid,
    leaf_count,
    leaf_mode_of,
    pattern_of,
    profile_for,
)
from lodestamp.core.flows.legs import ChainView
from lodestamp.core.flows.limits import (
    ATTEMPTS_MAX,
    BACKOFF_S_MAX,
    BYTES_MODE_CONTENT_MAX,
    PACKET_CONTENT_MAX,
    PACKET_SIZE_MAX,
)
from lodestamp.core.flows.moments import format_moment, parse_moment
from lodestamp.core.flows.mutants import MutantReport, mutants, try_mutants
from lodestamp.core.flows.operations import (
    BareSpend,
    OpResult,
    bare_spend,
    judge_bare,
    numbered,
    plain_result,
    run_operation,
)
from lodestamp.core.flows.packet import (
    ENGINE_KEYS,
    ContentRef,
    DataFlowPacket,
    require_metadata,
)
from lodestamp.core.flows.patterns import STANDARD_WORKFLOWS, CovenantTerms, Pattern
from lodestamp.core.flows.recheck import LEGS, Report, address_members, recheck
from lodestamp.core.flows.recheck_chain import Coin, coins_of, rules_of
from lodestamp.core.flows.stages import (
    NEXT_STATES,
    STAGES,
    DataFlowStage,
    ProcessingState,
    stage_after,
)

__all__ = [
    "ATTEMPTS_MAX",
    "BACKOFF_S_MAX",
    "BYTES_MODE_CONTENT_MAX",
    "ENGINE_KEYS",
    "LEGS",
    "NEXT_STATES",
    "PACKET_CONTENT_MAX",
    "PACKET_SIZE_MAX",
    "STAGES",
    "STANDARD_WORKFLOWS",
    "BareSpend",
    "Begin",
    "Binding",
    "ChainView",
    "Coin",
    "Concluded",
    "ContentRef",
    "CovenantTerms",
    "DataFlowPacket",
    "DataFlowStage",
    "Effect",
    "Event",
    "Failed",
    "Finished",
    "MutantReport",
    "Noted",
    "OpResult",
    "Pattern",
    "ProcessingState",
    "ReleaseCoins",
    "Report",
    "RunStage",
    "Stumbled",
    "Transition",
    "Unsettled",
    "Waiting",
    "WakeAt",
    "address_members",
    "advance",
    "attempts_of",
    "bare_spend",
    "bindings_of",
    "challenged_leaves",
    "coins_of",
    "composite_entries",
    "composite_hash",
    "content_cid",
    "format_moment",
    "judge_bare",
    "leaf_count",
    "leaf_mode_of",
    "mutants",
    "numbered",
    "parse_moment",
    "pattern_of",
    "pause_us",
    "plain_result",
    "profile_for",
    "recheck",
    "require_metadata",
    "rules_of",
    "run_operation",
    "stage_after",
    "terms_of",
    "try_mutants",
]
