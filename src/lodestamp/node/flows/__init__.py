"""Running data flows: packets in a store, stages under leases, effects exactly once."""

from lodestamp.node.flows.audit import audit_flows
from lodestamp.node.flows.chain_work import ChainWork, Dropped, NotYet
from lodestamp.node.flows.clocks import Surroundings, now_us
from lodestamp.node.flows.opening import Flows, open_flows
from lodestamp.node.flows.orchestrator import WORKERS_MAX, DataFlowOrchestrator
from lodestamp.node.flows.runner import OPCATDataFlowProcessor
from lodestamp.node.flows.stage_work import flow_result, stages_done
from lodestamp.node.flows.store import FlowEvent, FlowStore, Intent, StoredFlow
from lodestamp.node.presence import Presence

__all__ = [
    "WORKERS_MAX",
    "ChainWork",
    "DataFlowOrchestrator",
    "Dropped",
    "FlowEvent",
    "FlowStore",
    "Flows",
    "Intent",
    "NotYet",
    "OPCATDataFlowProcessor",
    "Presence",
    "StoredFlow",
    "Surroundings",
    "audit_flows",
    "flow_result",
    "now_us",
    "open_flows",
    "stages_done",
]
