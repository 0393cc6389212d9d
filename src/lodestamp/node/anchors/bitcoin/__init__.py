"""Anchors in Bitcoin: the header store, the transaction that carries a tip, and its cycle."""

from lodestamp.node.anchors.bitcoin.anchorer import POLL_S, AnchorEvent, BitcoinAnchorer
from lodestamp.node.anchors.bitcoin.audit import audit_anchors
from lodestamp.node.anchors.bitcoin.building import ChainedBuilder
from lodestamp.node.anchors.bitcoin.chain import ChainBehind, chain_behind, chain_through
from lodestamp.node.anchors.bitcoin.cycle import (
    CONFIRMATIONS,
    CONFIRMATIONS_MIN,
    MIN_INTERVAL_MS,
    Action,
    Cycle,
    Input,
    State,
    Terms,
    Version,
    View,
    next_action,
    next_start,
)
from lodestamp.node.anchors.bitcoin.fees import FeeTerms
from lodestamp.node.anchors.bitcoin.header_rpc import HEADER_RPC_BODY_MAX, HeaderRpc
from lodestamp.node.anchors.bitcoin.headers import HeaderStore, stored_network
from lodestamp.node.anchors.bitcoin.opening import Anchors, Wanted, open_anchors
from lodestamp.node.anchors.bitcoin.path import encode_ops, ops_to_root
from lodestamp.node.anchors.bitcoin.status import AnchorStatus, CycleStatus
from lodestamp.node.anchors.bitcoin.transaction import (
    ANCHOR_SIZE,
    ANCHOR_VSIZE,
    ANCHOR_WEIGHT,
    PREFIX_SIZE,
    PaidBy,
    anchor_script,
    anchor_transaction,
    split,
)

__all__ = [
    "ANCHOR_SIZE",
    "ANCHOR_VSIZE",
    "ANCHOR_WEIGHT",
    "CONFIRMATIONS",
    "CONFIRMATIONS_MIN",
    "HEADER_RPC_BODY_MAX",
    "MIN_INTERVAL_MS",
    "POLL_S",
    "PREFIX_SIZE",
    "Action",
    "AnchorEvent",
    "AnchorStatus",
    "Anchors",
    "BitcoinAnchorer",
    "ChainBehind",
    "ChainedBuilder",
    "Cycle",
    "CycleStatus",
    "FeeTerms",
    "HeaderRpc",
    "HeaderStore",
    "Input",
    "PaidBy",
    "State",
    "Terms",
    "Version",
    "View",
    "Wanted",
    "anchor_script",
    "anchor_transaction",
    "audit_anchors",
    "chain_behind",
    "chain_through",
    "encode_ops",
    "next_action",
    "next_start",
    "open_anchors",
    "ops_to_root",
    "split",
    "stored_network",
]
