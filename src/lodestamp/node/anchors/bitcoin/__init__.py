"""Anchors in Bitcoin: the header store, the transaction that carries a tip, and its cycle."""

from lodestamp.node.anchors.bitcoin.header_rpc import HEADER_RPC_BODY_MAX, HeaderRpc
from lodestamp.node.anchors.bitcoin.headers import HeaderStore
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
    "HEADER_RPC_BODY_MAX",
    "PREFIX_SIZE",
    "HeaderRpc",
    "HeaderStore",
    "PaidBy",
    "anchor_script",
    "anchor_transaction",
    "split",
]
